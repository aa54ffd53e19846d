//! The gate between transports and the write side: MQTT and HTTP know only these two calls.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sealrock_domain::{DeviceId, Slug};
use serde::Serialize;

/// Who is behind a connection or a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceIdentity {
    /// The device; its id is the user name of both transports.
    pub device: DeviceId,
    /// The organisation, which is also the ledger's name.
    pub organisation: Slug,
    /// The site within the organisation.
    pub site: Slug,
    /// The device's name within the site.
    pub name: Slug,
}

/// Where batches go.
///
/// Crash contract of [`BatchSink::record_batch`]: once it has answered `Ok`, the batch is in the
/// signed ledger and survives `kill -9`; until then the batch may or may not be there, and the
/// same bytes may be recorded again without being stored twice. Dropping its future cancels
/// nothing that was already handed to the ledger.
#[async_trait]
pub trait BatchSink: Send + Sync + 'static {
    /// Who presents this secret.
    ///
    /// # Errors
    /// [`AuthError::Refused`] if the device is unknown, revoked or the secret is not its;
    /// [`AuthError::Unavailable`] if that cannot be decided now.
    async fn authenticate(
        &self,
        device: DeviceId,
        secret: &str,
    ) -> Result<DeviceIdentity, AuthError>;

    /// Decodes, checks and records a batch; `via` is `mqtt:<topic>` or `http:/ingest`.
    ///
    /// # Errors
    /// [`BatchError::Unavailable`] if it may succeed later; the others are final for these bytes.
    async fn record_batch(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        received_at: DateTime<Utc>,
        bytes: Vec<u8>,
    ) -> Result<BatchReceipt, BatchError>;
}

/// Why a sign-in failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Unknown device, wrong secret, or revoked: which one is not told.
    #[error("the device id or its secret is wrong; get a new secret with `sealrock device rotate`")]
    Refused,
    /// The credentials cannot be checked at present.
    #[error("the credentials cannot be checked at present; try again")]
    Unavailable,
}

/// What the ledger answered for a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReceipt {
    /// The batch's sequence number, if it carried one.
    pub seq: Option<u64>,
    /// Position of the batch's entry in the ledger.
    pub index: u64,
    /// The ledger's origin.
    pub ledger: String,
    /// The signed checkpoint that covers the entry.
    pub checkpoint: String,
    /// The same batch was recorded before; this is its first receipt.
    pub duplicate: bool,
    /// Readings that were recorded but are kept out of latest values, rollups and accounting.
    pub suspect: Vec<Suspect>,
}

/// A reading that was recorded and flagged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suspect {
    /// The reading's metric as the device named it.
    pub metric: String,
    /// Why it is flagged.
    pub reason: String,
}

/// Why a batch was not recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Not a batch: repair the encoder.
    #[error("{0}")]
    Undecodable(String),
    /// More bytes or readings than a batch may have: split it.
    #[error("{0}")]
    TooLarge(String),
    /// Another batch holds this key: a counter was reset without a new `boot`.
    #[error("{message}")]
    Conflict {
        /// Where the batch that holds the key is.
        first_index: u64,
        /// What differs.
        message: String,
    },
    /// Decoded, but not acceptable from this device (unsigned, revoked, bad signature).
    #[error("{0}")]
    Refused(String),
    /// The ledger cannot be written now: the same bytes may be tried again.
    #[error("the ledger cannot be written at present; try again in {} s", retry_after.as_secs().max(1))]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
}

/// A [`BatchError`] or transport error that is final for its bytes, as devices are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Why, as a stable code.
    pub code: RejectionCode,
    /// Why, in words.
    pub message: String,
}

/// Stable codes of error receipts, problem documents and dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionCode {
    /// Not a batch.
    Undecodable,
    /// Over 1 MiB or 10,000 readings.
    TooLarge,
    /// The batch's key is taken by other bytes.
    Conflict,
    /// Not acceptable from this device.
    Refused,
    /// Published to a topic that is not the device's.
    WrongTopic,
    /// Sent with a content type that is not the batch's.
    MediaType,
}

impl RejectionCode {
    /// The code as it is sent and stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::TooLarge => "too-large",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::WrongTopic => "wrong-topic",
            Self::MediaType => "media-type",
        }
    }
}

impl BatchError {
    /// Splits what is final (to be dead-lettered) from what may be retried.
    ///
    /// # Errors
    /// The time to wait, if the batch may be tried again.
    pub fn into_rejection(self) -> Result<Rejection, Duration> {
        let message = self.to_string();
        let code = match self {
            Self::Undecodable(_) => RejectionCode::Undecodable,
            Self::TooLarge(_) => RejectionCode::TooLarge,
            Self::Conflict { .. } => RejectionCode::Conflict,
            Self::Refused(_) => RejectionCode::Refused,
            Self::Unavailable { retry_after } => return Err(retry_after),
        };
        Ok(Rejection { code, message })
    }
}
