//! A device's public key.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An Ed25519 public key: 32 bytes, written as 64 lower-case hex digits.
///
/// Only the form is checked here; whether the bytes are a point of the curve shows at
/// the first signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

/// A text that is not a public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is not an Ed25519 public key: write its 32 bytes as 64 lower-case hex digits")]
pub struct PublicKeyError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl PublicKey {
    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn from_hex(value: &str) -> Option<[u8; 32]> {
    let digits: [u8; 64] = value.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(value: &str) -> Result<Self, PublicKeyError> {
        let error = || PublicKeyError {
            value: value.chars().take(80).collect(),
        };
        from_hex(value).map(Self).ok_or_else(error)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = PublicKeyError;

    fn try_from(value: String) -> Result<Self, PublicKeyError> {
        value.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}
