//! What an entry commits to, kept beside it.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

/// Length of the salt, in bytes.
pub const SALT_BYTES: usize = 16;

/// A payload: exact bytes, how to read them, and the salt that hides them.
///
/// Erasing bytes and salt leaves every proof of the entry valid, and nothing to guess from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Media type, at most 255 bytes.
    pub media: String,
    /// Random salt.
    pub salt: [u8; SALT_BYTES],
    /// The bytes as they came.
    pub bytes: Vec<u8>,
}

/// A payload that lies in a bundle, or anywhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadRef<'a> {
    /// Media type, at most 255 bytes.
    pub media: Cow<'a, str>,
    /// Random salt.
    pub salt: [u8; SALT_BYTES],
    /// The bytes as they came.
    pub bytes: &'a [u8],
}

impl Payload {
    /// What the entry holds: SHA-256(salt ‖ uint8 length of the media type ‖ media type ‖ bytes).
    ///
    /// # Panics
    /// If the media type is longer than 255 bytes; no payload is built with such a one.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        commitment(&self.salt, &self.media, &self.bytes)
    }
}

impl PayloadRef<'_> {
    /// As [`Payload::commitment`].
    ///
    /// # Panics
    /// If the media type is longer than 255 bytes; no payload is read with such a one.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        commitment(&self.salt, &self.media, self.bytes)
    }
}

impl From<PayloadRef<'_>> for Payload {
    fn from(PayloadRef { media, salt, bytes }: PayloadRef<'_>) -> Self {
        Self {
            media: media.into_owned(),
            salt,
            bytes: bytes.to_vec(),
        }
    }
}

/// What an entry holds of a payload, see [`Payload::commitment`].
///
/// # Panics
/// If the media type is longer than 255 bytes.
#[must_use]
pub fn commitment(salt: &[u8; SALT_BYTES], media: &str, bytes: &[u8]) -> [u8; 32] {
    let media_length = u8::try_from(media.len()).expect("media types are at most 255 bytes long");
    Sha256::new()
        .chain_update(salt)
        .chain_update([media_length])
        .chain_update(media.as_bytes())
        .chain_update(bytes)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commitment_is_the_hash_of_salt_length_media_and_bytes() {
        let payload = Payload {
            media: "application/json".into(),
            salt: [7; SALT_BYTES],
            bytes: b"{}".to_vec(),
        };
        let by_hand: Vec<u8> = [&[7u8; 16][..], &[16], b"application/json", b"{}"].concat();
        assert_eq!(
            payload.commitment().as_slice(),
            Sha256::digest(by_hand).as_slice()
        );
    }
}
