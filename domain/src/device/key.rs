//! A device's public key, and the short id by which its signatures name it.

use std::{fmt, str::FromStr};

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// An Ed25519 public key: 32 bytes, written as 64 lower-case hex digits.
///
/// The form alone is checked when one is read, so that every recorded event can be read for
/// ever; [`check`](Self::check) says whether signatures of it would mean anything, and is asked
/// before a key is recorded.
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

/// The first 8 bytes of the SHA-256 of a public key, written as 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId([u8; 8]);

/// A text that is not a key id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is not a key id: write its 8 bytes as 16 lower-case hex digits")]
pub struct KeyIdError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

/// Why no signature of a key would prove anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKey {
    /// The bytes are no point of the curve, or another spelling of one.
    #[error("its bytes are not the one encoding of a point of Ed25519's curve")]
    NoPoint,
    /// A key of small order: anybody can make a signature that fits it, for some or all texts.
    #[error("it is a key of small order, for which anybody can sign")]
    SmallOrder,
}

impl PublicKey {
    /// The key of these 32 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What signatures of this key are marked with.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let digest = Sha256::digest(self.0);
        KeyId(std::array::from_fn(|n| digest[n]))
    }

    /// That a signature of this key proves that its holder signed.
    ///
    /// # Errors
    /// [`UnusableKey`]: such a key must not be registered.
    pub fn check(&self) -> Result<(), UnusableKey> {
        self.point().map(|_| ())
    }

    /// The key as the library takes it.
    pub(crate) fn point(&self) -> Result<VerifyingKey, UnusableKey> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| UnusableKey::NoPoint)?;
        if key.to_edwards().compress().as_bytes() != &self.0 {
            return Err(UnusableKey::NoPoint);
        }
        if key.is_weak() {
            return Err(UnusableKey::SmallOrder);
        }
        Ok(key)
    }
}

impl KeyId {
    /// The id of these 8 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The 8 bytes, as they stand in a frame.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
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

pub(super) fn from_hex<const N: usize>(value: &str) -> Option<[u8; N]> {
    let digits = value.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

/// What was given, short enough for a message.
fn shown(value: &str) -> String {
    value.chars().take(80).collect()
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(value: &str) -> Result<Self, PublicKeyError> {
        let error = || PublicKeyError {
            value: shown(value),
        };
        from_hex(value).map(Self).ok_or_else(error)
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(value: &str) -> Result<Self, KeyIdError> {
        let error = || KeyIdError {
            value: shown(value),
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

impl TryFrom<String> for KeyId {
    type Error = KeyIdError;

    fn try_from(value: String) -> Result<Self, KeyIdError> {
        value.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
