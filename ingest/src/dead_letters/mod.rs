//! What authenticated devices sent and we could not take: kept with its reason, bounded.

mod kept;
mod postgres;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sealrock_domain::{DeviceId, Slug};
use uuid::Uuid;

use crate::gate::{DeviceIdentity, Rejection};

pub use kept::KeptLetter;
pub use postgres::PostgresDeadLetters;

/// Bytes of a dead letter that are kept; the full length and hash are kept always.
pub const KEPT_BYTES: usize = 64 * 1024;

/// Letters kept per device; the oldest go first.
pub const KEPT_PER_DEVICE: u32 = 1_000;

/// Where rejected batches go.
///
/// Crash contract: once `put` has answered `Ok` the letter is durable. A letter that a crash
/// interrupts was not acknowledged to its device either, which sends it again.
#[async_trait]
pub trait DeadLetters: Send + Sync + 'static {
    /// Keeps a letter and drops what the device has beyond its bound.
    ///
    /// # Errors
    /// [`DeadLettersUnavailable`] if it was not kept; the same letter may be put again.
    async fn put(&self, letter: &DeadLetter) -> Result<(), DeadLettersUnavailable>;
}

/// Something an authenticated device sent that is final in its rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Time-ordered (`UUIDv7`), so that a list by id is a list by time.
    pub id: Uuid,
    /// Who sent it.
    pub device: DeviceId,
    /// Whose device that is.
    pub organisation: Slug,
    /// When the bytes came in.
    pub received_at: DateTime<Utc>,
    /// `mqtt:<topic>` or `http:/ingest`.
    pub via: String,
    /// A [`RejectionCode`](crate::RejectionCode) as text.
    pub reason: String,
    /// What the device was told.
    pub message: String,
    /// What it sent, in full; [`KEPT_BYTES`] of it are stored.
    pub bytes: Bytes,
}

impl DeadLetter {
    pub(crate) fn new(
        identity: &DeviceIdentity,
        received_at: DateTime<Utc>,
        via: &str,
        rejection: &Rejection,
        bytes: &Bytes,
    ) -> Self {
        Self {
            id: Uuid::now_v7(),
            device: identity.device,
            organisation: identity.organisation.clone(),
            received_at,
            via: via.to_owned(),
            reason: rejection.code.as_str().to_owned(),
            message: rejection.message.clone(),
            bytes: bytes.clone(),
        }
    }
}

/// The letters cannot be written or read at present.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the dead letters cannot be reached at present ({cause}); try again in {} s", retry_after.as_secs())]
pub struct DeadLettersUnavailable {
    /// What the database said.
    pub cause: String,
    /// When to try again.
    pub retry_after: Duration,
}
