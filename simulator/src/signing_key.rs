//! A device's key, and the frames that it signs.

use std::fmt;

use ed25519_dalek::Signer as _;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// An Ed25519 key of a device, kept as the 64 hex digits of its seed.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A new key.
    #[must_use]
    pub fn random() -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&rand::random()))
    }

    /// The key of a seed in hex.
    #[must_use]
    pub fn from_hex(seed: &str) -> Option<Self> {
        let seed: [u8; 32] = hex::decode(seed.trim()).ok()?.try_into().ok()?;
        Some(Self(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// The seed, for a file that only its owner can read.
    #[must_use]
    pub fn seed(&self) -> String {
        hex::encode(self.0.to_bytes())
    }

    /// What is registered: the 32 bytes of the public key in hex.
    #[must_use]
    pub fn public_key(&self) -> String {
        hex::encode(self.0.verifying_key())
    }

    /// The signed frame of a batch: `0x01 ‖ key id (8) ‖ signature (64) ‖ batch`.
    #[must_use]
    pub fn frame(&self, origin: &str, device: &str, batch: &[u8]) -> Vec<u8> {
        let mut text = format!("sealrock-batch-v1\n{origin}\n{device}\n").into_bytes();
        text.extend_from_slice(batch);
        let signature = self.0.sign(&text).to_bytes();
        let id = Sha256::digest(self.0.verifying_key());
        [&[0x01][..], &id[..8], &signature, batch].concat()
    }
}

impl TryFrom<String> for SigningKey {
    type Error = &'static str;

    fn try_from(seed: String) -> Result<Self, Self::Error> {
        Self::from_hex(&seed).ok_or("a signing_key is the seed of an Ed25519 key, 64 hex digits")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}
