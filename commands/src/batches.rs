//! Sensor batches: no aggregate's events, so nothing is loaded to record one.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sealrock_access::{DeviceSecret, credentials};
use sealrock_domain::device::Device;
use sealrock_domain::telemetry::{
    self, DecodeError, SensorBatch, Verdict, command_id, dedup_key, media_type_of,
};
use sealrock_domain::{DeviceId, Slug, Topic, TopicKind};
use sealrock_eventstore::{Append, AppendError, Appended, Expected, LedgerId, NewEvent, Retention};
use sealrock_ledger::{Index, micros};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::commands::Commands;
use crate::error::CommandError;
use crate::once_per_minute::OncePerMinute;

/// How long a device should wait while the ledger cannot be written.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A device that has signed in.
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
    /// Where its batches go.
    pub ledger: LedgerId,
    /// Whether it was registered with a public key: then only signed batches are taken from it.
    pub requires_signature: bool,
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

/// Sign-in and batches of devices. Cloning is cheap.
#[derive(Clone)]
pub struct Devices {
    commands: Commands,
}

impl Devices {
    /// Devices of the same ledgers, sharing the cached aggregates of `commands`.
    #[must_use]
    pub fn new(commands: Commands) -> Self {
        Self { commands }
    }

    /// Who presents this secret: the device must be in use, and one of its credentials active by
    /// its events as they are committed now.
    ///
    /// # Errors
    /// See [`AuthError`].
    pub async fn authenticate(
        &self,
        device: DeviceId,
        secret: &str,
    ) -> Result<DeviceIdentity, AuthError> {
        let unavailable = |error: &dyn std::fmt::Display| {
            tracing::warn!(%device, %error, "a device's credentials cannot be checked");
            AuthError::Unavailable
        };
        let presented = DeviceSecret::parse(secret).ok_or(AuthError::Refused)?;
        let stored = credentials::find(self.commands.store.pool(), device)
            .await
            .map_err(|e| unavailable(&e))?;
        let opened = stored
            .iter()
            .find(|credential| credential.opens(&presented));
        let credential = opened.ok_or(AuthError::Refused)?;
        let ledger = self
            .commands
            .ledger(&credential.ledger)
            .await
            .map_err(|e| match e {
                CommandError::NotFound(_) => AuthError::Refused,
                e => unavailable(&e),
            })?;
        let loaded = ledger
            .devices
            .load_current(&device.to_string())
            .await
            .map_err(|e| unavailable(&e))?;
        if !loaded.state().active_credentials().contains(&credential.id) {
            return Err(AuthError::Refused);
        }
        identity(device, loaded.state(), ledger.info.id).ok_or(AuthError::Refused)
    }

    /// Decodes a batch and records its bytes as they are.
    ///
    /// The same (device, boot, seq) with the same bytes is a duplicate and gets its first receipt;
    /// with other bytes it is a conflict and nothing is recorded.
    ///
    /// # Errors
    /// See [`BatchError`].
    pub async fn record_batch(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        received_at: DateTime<Utc>,
        bytes: Vec<u8>,
    ) -> Result<BatchReceipt, BatchError> {
        if identity.requires_signature {
            return Err(unsigned(identity));
        }
        let batch = telemetry::decode(&bytes)?;
        let seq = batch.seq;
        let append = append_of(identity, via, received_at, &batch, bytes);
        let Appended { receipt, duplicate } = self
            .commands
            .store
            .append(identity.ledger, append)
            .await
            .map_err(batch_error)?;
        let assessed_at = if duplicate {
            self.first_received_at(identity.ledger, receipt.first)
                .await?
        } else {
            micros(received_at)
        };
        let suspect = suspects(&batch, assessed_at);
        Ok(BatchReceipt {
            seq,
            index: receipt.first.0,
            ledger: receipt.ledger.to_string(),
            checkpoint: receipt.checkpoint,
            duplicate,
            suspect,
        })
    }

    /// When a recorded batch arrived: a repetition names the suspects of its first receipt, which
    /// the projections go by too, even if the same readings would be assessed otherwise today.
    async fn first_received_at(
        &self,
        ledger: LedgerId,
        first: Index,
    ) -> Result<DateTime<Utc>, BatchError> {
        let read = self.commands.store.read(ledger, first, 1).await;
        let entry = read.map_err(|e| batch_error(e.into()))?.pop();
        let entry = entry.filter(|recorded| recorded.entry.index == first);
        entry
            .map(|recorded| recorded.entry.received_at)
            .ok_or_else(|| {
                let missing =
                    format!("entry {first} has a receipt and is missing; run `sealrock fsck`");
                batch_error(AppendError::Fatal(missing))
            })
    }
}

fn identity(device: DeviceId, state: &Device, ledger: LedgerId) -> Option<DeviceIdentity> {
    let profile = state.profile()?;
    Some(DeviceIdentity {
        device,
        organisation: profile.org.clone(),
        site: profile.site.clone(),
        name: profile.name.clone(),
        ledger,
        requires_signature: state.public_key().is_some(),
    })
}

/// Signed batches cannot be read yet, so nothing that such a device sends can be taken.
fn unsigned(DeviceIdentity { name, .. }: &DeviceIdentity) -> BatchError {
    BatchError::Refused(format!(
        "device {name} is registered with a public key, so its batches must be signed, and this \
         version of Sealrock does not accept signed batches yet: register a device without a key"
    ))
}

fn append_of(
    identity: &DeviceIdentity,
    via: &str,
    received_at: DateTime<Utc>,
    batch: &SensorBatch,
    bytes: Vec<u8>,
) -> Append {
    // Without seq the content is the identity. The device's own topic stands for every way in, so
    // that a device that falls back from MQTT to HTTP repeats itself.
    let DeviceIdentity {
        device,
        organisation,
        site,
        name,
        ..
    } = identity.clone();
    let topic = Topic::new(organisation, site, name, TopicKind::Batch).to_string();
    let media = bytes
        .first()
        .and_then(|first| media_type_of(*first))
        .unwrap_or(telemetry::JSON);
    Append {
        actor: device.actor(),
        command: command_id(&dedup_key(device, batch, &topic, &bytes)),
        input_hash: Sha256::digest(&bytes).into(),
        cause: String::new(),
        via: via.to_owned(),
        received_at,
        unchanged: None,
        events: vec![NewEvent {
            stream: device.telemetry_stream(),
            expected: Expected::Any,
            kind: telemetry::SENSOR_BATCH_RECORDED.to_owned(),
            schema: telemetry::SENSOR_BATCH_SCHEMA,
            media: media.to_owned(),
            bytes,
            retention: Retention::Batch,
        }],
    }
}

fn suspects(batch: &SensorBatch, received_at: DateTime<Utc>) -> Vec<Suspect> {
    telemetry::assess(batch, received_at)
        .into_iter()
        .filter_map(|assessed| match assessed.verdict {
            Verdict::Good { .. } => None,
            Verdict::Suspect(suspicion) => Some(Suspect {
                metric: assessed.reading.metric.to_string(),
                reason: suspicion.to_string(),
            }),
        })
        .collect()
}

impl From<DecodeError> for BatchError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLarge { .. } => Self::TooLarge(error.to_string()),
            _ => Self::Undecodable(error.to_string()),
        }
    }
}

fn batch_error(error: AppendError) -> BatchError {
    match error {
        AppendError::CommandIdReused { first } => BatchError::Conflict {
            first_index: first.first.0,
            message: format!(
                "another batch with this boot and seq is at index {}: count seq up, or send a \
                 new boot after a restart",
                first.first
            ),
        },
        AppendError::Invalid(reason) => BatchError::Refused(reason),
        // Repeating the same bytes is safe whatever became of the first try, and a ledger that a
        // person must mend still has to get them afterwards.
        error => {
            alarm(&error);
            BatchError::Unavailable {
                retry_after: RETRY_AFTER,
            }
        }
    }
}

/// Counts each, and logs one a minute: every device repeats its batch every few seconds.
fn alarm(error: &AppendError) {
    static FATAL: OncePerMinute = OncePerMinute::new();
    static TRANSIENT: OncePerMinute = OncePerMinute::new();
    let fatal = matches!(error, AppendError::Fatal(_));
    let kind = if fatal { "fatal" } else { "transient" };
    metrics::counter!("sealrock_batches_not_recorded_total", "kind" => kind).increment(1);
    if fatal && FATAL.admits(Instant::now()) {
        tracing::error!(%error, "batches cannot be recorded until a person has looked");
    }
    if !fatal && TRANSIENT.admits(Instant::now()) {
        tracing::warn!(%error, "batches cannot be recorded just now");
    }
}
