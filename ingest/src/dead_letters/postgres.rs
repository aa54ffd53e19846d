//! Dead letters in Postgres, schema `ingest`.

use std::time::Duration;

use async_trait::async_trait;
use sealrock_domain::{DeviceId, Slug};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool, Row};
use uuid::Uuid;

use super::{
    DeadLetter, DeadLetters, DeadLettersUnavailable, KEPT_BYTES, KEPT_PER_DEVICE, KeptLetter,
};

/// What a device is asked to wait when Postgres is away.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The dead letters of the platform's database.
#[derive(Debug, Clone)]
pub struct PostgresDeadLetters {
    pool: PgPool,
    per_device: u32,
}

impl PostgresDeadLetters {
    /// Letters over this pool, [`KEPT_PER_DEVICE`] a device.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            per_device: KEPT_PER_DEVICE,
        }
    }

    /// Keeps so many letters a device instead.
    #[must_use]
    pub fn keeping(self, per_device: u32) -> Self {
        Self { per_device, ..self }
    }

    /// An organisation's letters, newest first; `before` continues after a page's last id.
    ///
    /// # Errors
    /// [`DeadLettersUnavailable`] if the database does not answer.
    pub async fn list(
        &self,
        organisation: &Slug,
        before: Option<Uuid>,
        limit: u16,
    ) -> Result<Vec<KeptLetter>, DeadLettersUnavailable> {
        sqlx::query_as(include_str!("list.sql"))
            .bind(organisation.as_str())
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(|error| unavailable(&error))
    }
}

#[async_trait]
impl DeadLetters for PostgresDeadLetters {
    async fn put(&self, letter: &DeadLetter) -> Result<(), DeadLettersUnavailable> {
        let length = i64::try_from(letter.bytes.len()).unwrap_or(i64::MAX);
        sqlx::query(include_str!("put.sql"))
            .bind(letter.id)
            .bind(letter.device.as_uuid())
            .bind(letter.organisation.as_str())
            .bind(letter.received_at)
            .bind(without_nul(&letter.via))
            .bind(&letter.reason)
            .bind(without_nul(&letter.message))
            .bind(&letter.bytes[..letter.bytes.len().min(KEPT_BYTES)])
            .bind(length)
            .bind(Sha256::digest(&letter.bytes).as_slice())
            .bind(i64::from(self.per_device))
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|error| unavailable(&error))
    }
}

impl FromRow<'_, PgRow> for KeptLetter {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            device: DeviceId(row.try_get("device_id")?),
            received_at: row.try_get("received_at")?,
            via: row.try_get("via")?,
            reason: row.try_get("reason")?,
            message: row.try_get("message")?,
            bytes: row.try_get("bytes")?,
            full_length: row.try_get::<i64, _>("full_length")?.unsigned_abs(),
            sha256: row.try_get("sha256")?,
        })
    }
}

/// Messages and topics are what a device sent; Postgres text cannot hold NUL.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

fn unavailable(error: &sqlx::Error) -> DeadLettersUnavailable {
    DeadLettersUnavailable {
        cause: error.to_string(),
        retry_after: RETRY_AFTER,
    }
}
