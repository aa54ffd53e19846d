//! The rows behind devices' secrets.
//!
//! A row is inert: it opens nothing until an event of the device's stream (`DeviceRegistered`,
//! `DeviceCredentialRotated`) names its id. Callers write the row first and the entry second, and
//! accept at the door only ids that the ledger names.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::{DateTime, Utc};
use sealrock_domain::{CredentialId, DeviceId, Slug};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::{AccessError, DeviceSecret};

/// A credential's row: enough to check a secret, not to know it.
#[derive(Clone)]
pub struct StoredCredential {
    /// What events name.
    pub id: CredentialId,
    /// The ledger whose events may name it.
    pub ledger: Slug,
    /// The device it is for.
    pub device: DeviceId,
    /// When the row was written.
    pub created_at: DateTime<Utc>,
    secret_sha256: Vec<u8>,
}

impl StoredCredential {
    /// Whether this is the credential's secret; takes the same time for every wrong one.
    #[must_use]
    pub fn opens(&self, presented: &DeviceSecret) -> bool {
        verify_slices_are_equal(&self.secret_sha256, &presented.sha256()).is_ok()
    }
}

impl fmt::Debug for StoredCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredCredential")
            .field("id", &self.id)
            .field("ledger", &self.ledger)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

#[derive(FromRow)]
struct CredentialRow {
    credential_id: Uuid,
    ledger: String,
    device_id: Uuid,
    secret_sha256: Vec<u8>,
    created_at: DateTime<Utc>,
}

/// Writes an inert row for a device's secret and answers its new id, which an event must name
/// before the secret opens anything. When this returns, the row is durable.
///
/// # Errors
/// [`AccessError`]; at worst an inert row is left, which does no harm.
pub async fn insert(
    pool: &PgPool,
    ledger: &Slug,
    device: DeviceId,
    secret: &DeviceSecret,
) -> Result<CredentialId, AccessError> {
    let id = Uuid::new_v4();
    sqlx::query(include_str!("sql/insert_credential.sql"))
        .bind(id)
        .bind(ledger.as_str())
        .bind(device.as_uuid())
        .bind(secret.sha256().as_slice())
        .execute(pool)
        .await?;
    Ok(CredentialId(id))
}

/// The rows of a device, oldest first, whether or not an event names them.
///
/// # Errors
/// [`AccessError`] if they cannot be read.
pub async fn find(pool: &PgPool, device: DeviceId) -> Result<Vec<StoredCredential>, AccessError> {
    let rows: Vec<CredentialRow> = sqlx::query_as(include_str!("sql/credentials_of_device.sql"))
        .bind(device.as_uuid())
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(StoredCredential::try_from).collect()
}

/// Erases a row: one that no event came to name, or one that has been rotated or revoked.
/// Answers whether there was one.
///
/// # Errors
/// [`AccessError`] if it could not be erased.
pub async fn erase(pool: &PgPool, id: CredentialId) -> Result<bool, AccessError> {
    let erased = sqlx::query("DELETE FROM access.device_credentials WHERE credential_id = $1")
        .bind(id.as_uuid())
        .execute(pool)
        .await?;
    Ok(erased.rows_affected() == 1)
}

impl TryFrom<CredentialRow> for StoredCredential {
    type Error = AccessError;

    fn try_from(row: CredentialRow) -> Result<Self, AccessError> {
        let ledger = row.ledger.parse().map_err(|error| {
            AccessError::Corrupt(format!("credential {}: {error}", row.credential_id))
        })?;
        Ok(Self {
            id: CredentialId(row.credential_id),
            ledger,
            device: DeviceId(row.device_id),
            created_at: row.created_at,
            secret_sha256: row.secret_sha256,
        })
    }
}
