//! A device that signs, written from the interface's text and not from our own reader of frames.

use std::fmt::{Display, Write as _};

use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};

/// A device's key pair.
#[derive(Debug, Clone)]
pub struct DeviceSigner(SigningKey);

impl DeviceSigner {
    /// The key pair whose 32 bytes of seed are all `seed`.
    #[must_use]
    pub fn new(seed: u8) -> Self {
        Self(SigningKey::from_bytes(&[seed; 32]))
    }

    /// The seed, as hex digits: what a client keeps.
    #[must_use]
    pub fn seed(&self) -> String {
        hex(self.0.as_bytes())
    }

    /// The public key, as hex digits: what is registered.
    #[must_use]
    pub fn public_key(&self) -> String {
        hex(self.0.verifying_key().as_bytes())
    }

    /// The key's id, as hex digits.
    #[must_use]
    pub fn key_id(&self) -> String {
        hex(&self.id())
    }

    /// The signed frame of `batch`, for this ledger's origin and device.
    #[must_use]
    pub fn frame(&self, origin: impl Display, device: impl Display, batch: &[u8]) -> Vec<u8> {
        let mut text = format!("sealrock-batch-v1\n{origin}\n{device}\n").into_bytes();
        text.extend_from_slice(batch);
        let signature = self.0.sign(&text).to_bytes();
        [&[0x01][..], &self.id(), &signature, batch].concat()
    }

    fn id(&self) -> Vec<u8> {
        Sha256::digest(self.0.verifying_key().as_bytes())[..8].to_vec()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
