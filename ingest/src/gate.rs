//! The gate between transports and the write side: MQTT and HTTP know only these two calls.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sealrock_commands::Devices;
pub use sealrock_commands::{AuthError, BatchError, BatchReceipt, DeviceIdentity, SignIn, Suspect};
use sealrock_domain::device::Fingerprint;
use sealrock_domain::{DeviceId, Slug};
use sealrock_tls::ClientCertificate;

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

    /// Who shows this certificate, of which is known that it is the client's own and in its time.
    ///
    /// # Errors
    /// As [`authenticate`](Self::authenticate).
    async fn recognise(
        &self,
        device: DeviceId,
        certificate: Fingerprint,
    ) -> Result<DeviceIdentity, AuthError>;

    /// Counts what is refused before it could be recorded as one of the batches that the device may
    /// send in a time.
    ///
    /// # Errors
    /// [`BatchError::TooMany`]: nothing should be done for it until then.
    fn within_rate(&self, identity: &DeviceIdentity) -> Result<(), BatchError>;

    /// Decodes, checks and records a batch; `via` is `mqtt:<topic>` or `http:/ingest`. The bytes
    /// are shared with the transport, which may offer them again.
    ///
    /// # Errors
    /// [`BatchError::Unavailable`] if it may succeed later; the others are final for these bytes.
    async fn record_batch(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        received_at: DateTime<Utc>,
        bytes: Bytes,
    ) -> Result<BatchReceipt, BatchError>;

    /// The device of that name, which a broker that others run let publish under it.
    ///
    /// # Errors
    /// [`BatchError::UnknownDevice`] if there is none, [`BatchError::Unavailable`] if that cannot be
    /// said now.
    async fn vouched_for(
        &self,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
    ) -> Result<DeviceIdentity, BatchError>;

    /// Records a message of another make with the batch that it was read as: `payload` is a
    /// [`MappedBatch`](sealrock_domain::telemetry::MappedBatch). The same crash contract.
    ///
    /// # Errors
    /// As [`BatchSink::record_batch`].
    async fn record_mapped(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        received_at: DateTime<Utc>,
        payload: Bytes,
    ) -> Result<BatchReceipt, BatchError>;
}

#[async_trait]
impl BatchSink for Devices {
    async fn authenticate(
        &self,
        device: DeviceId,
        secret: &str,
    ) -> Result<DeviceIdentity, AuthError> {
        Self::authenticate(self, device, secret).await
    }

    async fn recognise(
        &self,
        device: DeviceId,
        certificate: Fingerprint,
    ) -> Result<DeviceIdentity, AuthError> {
        Self::recognise(self, device, certificate).await
    }

    fn within_rate(&self, identity: &DeviceIdentity) -> Result<(), BatchError> {
        Self::within_rate(self, identity)
    }

    async fn record_batch(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        received_at: DateTime<Utc>,
        bytes: Bytes,
    ) -> Result<BatchReceipt, BatchError> {
        Self::record_batch(self, identity, via, received_at, bytes).await
    }

    async fn vouched_for(
        &self,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
    ) -> Result<DeviceIdentity, BatchError> {
        Self::vouched_for(self, organisation, site, name).await
    }

    async fn record_mapped(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        received_at: DateTime<Utc>,
        payload: Bytes,
    ) -> Result<BatchReceipt, BatchError> {
        Self::record_mapped(self, identity, via, received_at, payload).await
    }
}

/// The device that a certificate says it is of: the first of its names that is a device's id.
pub(crate) fn named_in(certificate: &ClientCertificate) -> Option<DeviceId> {
    certificate.names.iter().find_map(|name| {
        let name = name.strip_prefix("urn:uuid:").unwrap_or(name);
        name.parse().ok()
    })
}

/// Attempts until it is the device's turn: who sends more than he may is slowed down, and nothing of
/// his is refused or lost.
pub(crate) async fn in_turn<T, F>(attempt: impl Fn() -> F) -> Result<T, BatchError>
where
    F: Future<Output = Result<T, BatchError>>,
{
    loop {
        match attempt().await {
            Err(BatchError::TooMany { retry_after }) => tokio::time::sleep(retry_after).await,
            outcome => return outcome,
        }
    }
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
    /// Published under the name of a device that there is not.
    UnknownDevice,
    /// Sent with a content type that is not the batch's.
    MediaType,
    /// Nobody could foresee why: the platform panics on it.
    Failed,
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
            Self::UnknownDevice => "unknown-device",
            Self::MediaType => "media-type",
            Self::Failed => "failed",
        }
    }
}

impl Rejection {
    /// Splits what is final (to be dead-lettered) from what may be retried.
    ///
    /// # Errors
    /// The time to wait, if the batch may be tried again.
    pub(crate) fn of(error: &BatchError) -> Result<Self, Duration> {
        let code = match error {
            BatchError::Undecodable(_) => RejectionCode::Undecodable,
            BatchError::TooLarge(_) => RejectionCode::TooLarge,
            BatchError::Conflict { .. } => RejectionCode::Conflict,
            // The doors that sign devices in tell `SignedOut` as they tell wrong credentials.
            BatchError::Refused(_) | BatchError::SignedOut => RejectionCode::Refused,
            BatchError::UnknownDevice(_) => RejectionCode::UnknownDevice,
            BatchError::TooMany { retry_after } | BatchError::Unavailable { retry_after } => {
                return Err(*retry_after);
            }
        };
        Ok(Self {
            code,
            message: error.to_string(),
        })
    }
}
