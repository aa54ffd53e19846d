//! Secrets encrypted at rest: who has the database alone has none of them.

use std::fmt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use crate::key_file::{self, KeyFileError};
use crate::{AccessError, AccountId};

/// The key that second factors are encrypted by. Without it they cannot be used: whoever loses it
/// resets the second factors of all accounts. `Debug` does not show it.
pub struct FactorKey(RandomizedNonceKey);

impl FactorKey {
    /// The key `second-factor.key` of this folder, which is made (mode 0600) if it is not there.
    ///
    /// # Errors
    /// [`KeyFileError`]: unreadable, exposed to others, or not a key.
    pub fn open_in(folder: &Path) -> Result<Self, KeyFileError> {
        key_file::open(&folder.join("second-factor.key")).map(|key| Self::from_bytes(&key))
    }

    /// The key of these bytes.
    ///
    /// # Panics
    /// Never: every 32 bytes are a key.
    #[must_use]
    pub fn from_bytes(key: &[u8; 32]) -> Self {
        Self(RandomizedNonceKey::new(&AES_256_GCM, key).expect("32 bytes are a key"))
    }

    /// For this account alone: a row copied to another account does not open.
    pub(super) fn seal(&self, account: AccountId, secret: &[u8]) -> Vec<u8> {
        let mut sealed = secret.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(account.0.as_bytes()), &mut sealed)
            .expect("some bytes are not too long");
        [&nonce.as_ref()[..], &sealed].concat()
    }

    pub(super) fn open(&self, account: AccountId, sealed: &[u8]) -> Result<Vec<u8>, AccessError> {
        let unreadable = || {
            AccessError::Corrupt(format!(
                "the second factor of account {account} does not open with this node's \
                 second-factor.key: put back the key that it was made with, or reset it"
            ))
        };
        let (nonce, secret) = sealed.split_at_checked(NONCE_LEN).ok_or_else(unreadable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| unreadable())?;
        let mut secret = secret.to_vec();
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(account.0.as_bytes()), &mut secret)
            .map_err(|_| unreadable())?;
        Ok(opened.to_vec())
    }
}

impl fmt::Debug for FactorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FactorKey(masked)")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_secret_opens_for_its_account_with_its_key_only() {
        let (ada, bob) = (AccountId(Uuid::from_u128(1)), AccountId(Uuid::from_u128(2)));
        let (key, other) = (
            FactorKey::from_bytes(&[1; 32]),
            FactorKey::from_bytes(&[2; 32]),
        );
        let sealed = key.seal(ada, b"a secret of 20 bytes");
        assert_eq!(key.open(ada, &sealed).unwrap(), b"a secret of 20 bytes");
        assert_ne!(sealed, key.seal(ada, b"a secret of 20 bytes"));
        assert!(key.open(bob, &sealed).is_err());
        assert!(other.open(ada, &sealed).is_err());
        for end in [0, 11, 12, sealed.len() - 1] {
            assert!(key.open(ada, &sealed[..end]).is_err(), "{end}");
        }
        assert_eq!(format!("{key:?}"), "FactorKey(masked)");
    }
}
