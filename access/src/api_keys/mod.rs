//! Keys of programs, and the rows behind their secrets.
//!
//! A row is inert: it opens nothing until an event of the organisation's access names its id.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use rand::RngCore;
use rand::rngs::OsRng;
use sealrock_domain::{ApiKeyId, CredentialId, Slug};
use sha2::{Digest, Sha256};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::AccessError;

/// What every key begins with, so that one that leaked is recognised.
const MARK: &str = "srk";
const PREFIX_BYTES: usize = 6;

/// `srk_<prefix>_<secret>`: 12 hexadecimal digits by which its row is found, and 32 random bytes in
/// base64url. `Debug` does not show the secret.
#[derive(Clone)]
pub struct ApiKeySecret {
    prefix: String,
    secret: [u8; 32],
}

impl ApiKeySecret {
    /// A new one from the operating system's random source.
    #[must_use]
    pub fn generate() -> Self {
        let (mut prefix, mut secret) = ([0; PREFIX_BYTES], [0; 32]);
        OsRng.fill_bytes(&mut prefix);
        OsRng.fill_bytes(&mut secret);
        Self {
            prefix: hex(&prefix),
            secret,
        }
    }

    /// What somebody sent; `None` if that cannot be a key of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, secret) = text
            .strip_prefix(MARK)?
            .strip_prefix('_')?
            .split_once('_')?;
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let good = prefix.len() == 2 * PREFIX_BYTES && prefix.bytes().all(hex);
        let secret = URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()?;
        good.then(|| Self {
            prefix: prefix.to_owned(),
            secret,
        })
    }

    /// What people recognise the key by; no secret.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The whole key, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> String {
        let secret = URL_SAFE_NO_PAD.encode(self.secret);
        format!("{MARK}_{}_{secret}", self.prefix)
    }

    /// What is kept of it. A plain hash will do: nobody can try 2^256 secrets.
    fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeySecret({}, masked)", self.prefix)
    }
}

/// A secret's row: enough to check it, not to know it.
#[derive(Clone)]
pub struct StoredKey {
    /// What events name.
    pub credential: CredentialId,
    /// The key whose secret it is.
    pub key: ApiKeyId,
    /// The organisation whose ledger may name it.
    pub organisation: Slug,
    /// What people call it.
    pub label: String,
    /// What people recognise it by.
    pub prefix: String,
    /// When it opened something last, to the quarter of an hour.
    pub last_used_at: Option<DateTime<Utc>>,
    secret_sha256: Vec<u8>,
}

impl StoredKey {
    /// Whether this is its secret; takes the same time for every wrong one.
    #[must_use]
    pub fn is_of(&self, presented: &ApiKeySecret) -> bool {
        verify_slices_are_equal(&self.secret_sha256, &presented.sha256()).is_ok()
    }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey")
            .field("key", &self.key)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[derive(FromRow)]
struct Row {
    credential_id: Uuid,
    key_id: Uuid,
    organisation: String,
    label: String,
    prefix: String,
    secret_sha256: Vec<u8>,
    last_used_at: Option<DateTime<Utc>>,
}

/// Writes an inert row for a secret and answers its new id. When this returns, the row is durable.
///
/// # Errors
/// [`AccessError`]; at worst an inert row is left, which does no harm.
pub async fn insert(
    pool: &PgPool,
    organisation: &Slug,
    key: ApiKeyId,
    label: &str,
    secret: &ApiKeySecret,
) -> Result<CredentialId, AccessError> {
    let id = Uuid::new_v4();
    sqlx::query(include_str!("insert.sql"))
        .bind(id)
        .bind(key.as_uuid())
        .bind(organisation.as_str())
        .bind(label)
        .bind(&secret.prefix)
        .bind(secret.sha256().as_slice())
        .execute(pool)
        .await?;
    Ok(CredentialId(id))
}

/// The row that a secret's prefix leads to.
///
/// # Errors
/// [`AccessError`] if it cannot be read.
pub async fn find(pool: &PgPool, secret: &ApiKeySecret) -> Result<Option<StoredKey>, AccessError> {
    let found: Option<Row> = sqlx::query_as(include_str!("by_prefix.sql"))
        .bind(&secret.prefix)
        .fetch_optional(pool)
        .await?;
    found.map(StoredKey::try_from).transpose()
}

/// The rows of an organisation, oldest first, whether or not an event names them.
///
/// # Errors
/// [`AccessError`] if they cannot be read.
pub async fn list(pool: &PgPool, organisation: &Slug) -> Result<Vec<StoredKey>, AccessError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("of_organisation.sql"))
        .bind(organisation.as_str())
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(StoredKey::try_from).collect()
}

/// Notes that a secret opened something, at most once in a quarter of an hour.
///
/// # Errors
/// [`AccessError`] if it could not be noted.
pub async fn used(pool: &PgPool, credential: CredentialId) -> Result<(), AccessError> {
    sqlx::query(include_str!("used.sql"))
        .bind(credential.as_uuid())
        .execute(pool)
        .await?;
    Ok(())
}

impl TryFrom<Row> for StoredKey {
    type Error = AccessError;

    fn try_from(row: Row) -> Result<Self, AccessError> {
        let corrupt = |error| AccessError::Corrupt(format!("API key {}: {error}", row.key_id));
        Ok(Self {
            credential: CredentialId(row.credential_id),
            key: ApiKeyId(row.key_id),
            organisation: row.organisation.parse().map_err(corrupt)?,
            label: row.label,
            prefix: row.prefix,
            last_used_at: row.last_used_at,
            secret_sha256: row.secret_sha256,
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_from_its_text_and_debug_hides_the_secret() {
        let key = ApiKeySecret::generate();
        let read = ApiKeySecret::parse(&key.reveal()).unwrap();
        assert_eq!((read.prefix(), read.secret), (key.prefix(), key.secret));
        let secret = key.reveal().split('_').next_back().unwrap().to_owned();
        assert!(!format!("{key:?}").contains(&secret));
    }

    #[test]
    fn what_is_no_key_is_not_taken_for_one() {
        let key = ApiKeySecret::generate().reveal();
        for bad in [
            "",
            "srk_",
            "a.b.c",
            &key[..key.len() - 1],
            &format!("{key}A"),
            &key.replace("srk_", "srk-"),
            &key.to_uppercase(),
        ] {
            assert!(ApiKeySecret::parse(bad).is_none(), "{bad}");
        }
    }
}
