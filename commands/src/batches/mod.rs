//! Sensor batches: no aggregate's events. To record one, only what its device may send is looked
//! at, and the entry rests on that.

mod error;
mod sent;
mod standing;
mod turns;

use std::num::NonZeroU32;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sealrock_access::{DeviceSecret, RateLimit, credentials};
use sealrock_domain::device::{Device, Fingerprint};
use sealrock_domain::telemetry::{self, SensorBatch, Verdict};
use sealrock_domain::{CredentialId, DeviceId, Slug};
use sealrock_eventstore::{Append, AppendError, Appended, LedgerId, LedgerInfo};
use sealrock_ledger::{Index, micros};
use serde::Serialize;

use crate::commands::Commands;
use crate::error::CommandError;
use crate::ledger::OrganisationLedger;
pub use error::{AuthError, BatchError};
use error::{RETRY_AFTER, batch_error, unopened};
use sent::Sent;
use standing::{Standing, Standings};
use turns::Turns;

/// How often a batch is judged anew because its device changed in the meantime.
const MAX_ATTEMPTS: u32 = 5;

/// A device that has signed in, here or at a broker that is trusted.
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
    /// By what it is known.
    pub sign_in: SignIn,
}

/// By what a device is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// It presented to us the secret of this credential.
    Secret(CredentialId),
    /// It showed us this certificate.
    Certificate(Fingerprint),
    /// A broker that others run let it publish under its name.
    Broker,
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

/// Sign-in and batches of devices. Cloning is cheap.
#[derive(Clone)]
pub struct Devices {
    commands: Commands,
    standings: Arc<Standings>,
    turns: Arc<Turns>,
    /// Of batches, for each device.
    rate: Option<Arc<RateLimit<DeviceId>>>,
}

impl Devices {
    /// Devices of the same ledgers, sharing the cached aggregates of `commands`.
    #[must_use]
    pub fn new(commands: Commands) -> Self {
        Self {
            commands,
            standings: Arc::default(),
            turns: Arc::default(),
            rate: None,
        }
    }

    /// Each of which may send so many batches a second, and ten seconds' worth at once.
    #[must_use]
    pub fn at_most(self, batches_per_second: NonZeroU32) -> Self {
        let rate = Some(Arc::new(RateLimit::new(batches_per_second)));
        Self { rate, ..self }
    }

    /// Counts what a device sent as one of its batches, before anything is done for it. Recording
    /// counts for itself; this is for what is refused before it could be.
    ///
    /// A broker that others run is not limited: it has one line for all its devices, and keeps no
    /// more than it can, so that one would hold up the others until theirs were lost.
    ///
    /// # Errors
    /// [`BatchError::TooMany`]
    pub fn within_rate(&self, identity: &DeviceIdentity) -> Result<(), BatchError> {
        let Some(rate) = &self.rate else {
            return Ok(());
        };
        if identity.sign_in == SignIn::Broker {
            return Ok(());
        }
        rate.take(&identity.device).map_err(|retry_after| {
            metrics::counter!("sealrock_rate_limited_total", "who" => "device").increment(1);
            BatchError::TooMany { retry_after }
        })
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
        let presented = DeviceSecret::parse(secret).ok_or(AuthError::Refused)?;
        let stored = credentials::find(self.commands.store.pool(), device)
            .await
            .map_err(|e| unavailable(device, &e))?;
        let opened = stored
            .iter()
            .find(|credential| credential.opens(&presented));
        let credential = opened.ok_or(AuthError::Refused)?;
        let is_right = |state: &Device| state.active_credentials().contains(&credential.id);
        let sign_in = SignIn::Secret(credential.id);
        self.admitted(device, &credential.ledger, sign_in, is_right)
            .await
    }

    /// Who shows this certificate, of which the door knows that it is the client's own, of a trusted
    /// authority, and in its time: the device must be in use, and let itself be signed in by it as its
    /// events are committed now.
    ///
    /// # Errors
    /// See [`AuthError`].
    pub async fn recognise(
        &self,
        device: DeviceId,
        certificate: Fingerprint,
    ) -> Result<DeviceIdentity, AuthError> {
        let stored = credentials::find(self.commands.store.pool(), device).await;
        let stored = stored.map_err(|e| unavailable(device, &e))?;
        // Every device has had a credential, whose row tells its ledger.
        let ledger = &stored.last().ok_or(AuthError::Refused)?.ledger;
        let is_right = |state: &Device| state.is_signed_in_by(certificate);
        self.admitted(device, ledger, SignIn::Certificate(certificate), is_right)
            .await
    }

    /// The device, if it is as it should be by what is committed now.
    async fn admitted(
        &self,
        device: DeviceId,
        ledger: &Slug,
        sign_in: SignIn,
        is_right: impl FnOnce(&Device) -> bool,
    ) -> Result<DeviceIdentity, AuthError> {
        let ledger = self.commands.ledger(ledger).await.map_err(|e| match e {
            CommandError::NotFound(_) => AuthError::Refused,
            e => unavailable(device, &e),
        })?;
        let loaded = ledger.devices.load_current(&device.to_string()).await;
        let loaded = loaded.map_err(|e| unavailable(device, &e))?;
        if !is_right(loaded.state()) {
            return Err(AuthError::Refused);
        }
        let known = (ledger.info.id, device);
        self.standings.keep(known, Standing::from(&loaded));
        identity(device, loaded.state(), ledger.info.id, sign_in).ok_or(AuthError::Refused)
    }

    /// The device of that name, for a broker that others run and that let it publish under it. That
    /// it may still send is judged with each batch.
    ///
    /// # Errors
    /// [`BatchError::UnknownDevice`] if there is none; [`BatchError::Unavailable`] if that cannot be
    /// said now.
    pub async fn vouched_for(
        &self,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
    ) -> Result<DeviceIdentity, BatchError> {
        let device = DeviceId::of(organisation, site, name);
        let ledger = match self.commands.ledger(organisation).await {
            Ok(ledger) => ledger,
            Err(CommandError::NotFound(reason)) => return Err(BatchError::UnknownDevice(reason)),
            Err(error) => return Err(unopened(error)),
        };
        let known = (ledger.info.id, device);
        if self.standings.get(known).is_none() {
            let loaded = ledger.devices.load_current(&device.to_string()).await;
            let loaded = loaded.map_err(|error| batch_error(error.into()))?;
            if loaded.state().profile().is_none() {
                return Err(BatchError::UnknownDevice(format!(
                    "there is no device {name} at site {site} of {organisation}: register it by \
                     `sealrock device add`, or mend the topic"
                )));
            }
            self.standings.keep(known, Standing::from(&loaded));
        }
        Ok(DeviceIdentity {
            device,
            organisation: organisation.clone(),
            site: site.clone(),
            name: name.clone(),
            ledger: ledger.info.id,
            sign_in: SignIn::Broker,
        })
    }

    /// Decodes a batch and records what came as it came: the batch, or the signed frame around it.
    ///
    /// The same (device, boot, seq) with the same batch is a duplicate and gets its first receipt,
    /// also if it was signed otherwise or would be refused now; with another batch it is a conflict
    /// and nothing is recorded. A device that has, or had, a key must sign with one that is valid at
    /// the position where the entry stands.
    ///
    /// # Errors
    /// See [`BatchError`].
    pub async fn record_batch(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        received_at: DateTime<Utc>,
        bytes: impl AsRef<[u8]> + Send + Sync,
    ) -> Result<BatchReceipt, BatchError> {
        self.within_rate(identity)?;
        let bytes = bytes.as_ref();
        let turn = self.turns.at(bytes.len()).await;
        let sent = Sent::read(bytes)?;
        drop(turn);
        self.record(identity, via, received_at, sent).await
    }

    /// Records a message of another make with the batch that it was read as: the payload is a
    /// [`MappedBatch`](telemetry::MappedBatch).
    ///
    /// The same message on the same topic is a duplicate, as far as it bears a time of its own.
    ///
    /// # Errors
    /// See [`BatchError`].
    pub async fn record_mapped(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        received_at: DateTime<Utc>,
        payload: impl AsRef<[u8]> + Send + Sync,
    ) -> Result<BatchReceipt, BatchError> {
        self.within_rate(identity)?;
        let payload = payload.as_ref();
        let turn = self.turns.at(payload.len()).await;
        let sent = Sent::read_mapped(payload)?;
        drop(turn);
        self.record(identity, via, received_at, sent).await
    }

    async fn record(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        received_at: DateTime<Utc>,
        sent: Sent<'_>,
    ) -> Result<BatchReceipt, BatchError> {
        let ledger = self
            .commands
            .ledger(&identity.organisation)
            .await
            .map_err(unopened)?;
        let append = |version| sent.append(identity, version, via, received_at);
        if ledger.info.continues.is_some()
            && let Some((parent, first)) = self.in_a_parent(&ledger, &append(0)).await?
        {
            return self.receipt(parent, &sent.batch, received_at, first).await;
        }
        let appended = self.admit(identity, &ledger, &sent, append).await?;
        self.receipt(ledger.info.id, &sent.batch, received_at, appended)
            .await
    }

    /// The first receipt of a batch that a ledger which this one continues has recorded: a device
    /// whose answer was lost with the history repeats it here. Those ledgers are closed, so what is
    /// not in them now never will be.
    async fn in_a_parent(
        &self,
        ledger: &OrganisationLedger,
        append: &Append,
    ) -> Result<Option<(LedgerId, Appended)>, BatchError> {
        for parent in ledger.parents().await.map_err(unopened)? {
            if let Some(found) = find(&self.commands, parent, append).await? {
                return Ok(Some((parent.id, found.map_err(batch_error)?)));
            }
        }
        Ok(None)
    }

    /// Judges what was sent by the device's standing, and appends it resting on that.
    ///
    /// A refusal counts only on what is committed now, and not for what is in the ledger already.
    async fn admit(
        &self,
        identity: &DeviceIdentity,
        ledger: &OrganisationLedger,
        sent: &Sent<'_>,
        append: impl Fn(u64) -> Append,
    ) -> Result<Appended, BatchError> {
        let known = self.standings.get((ledger.info.id, identity.device));
        let mut current = known.is_none();
        let mut standing = match known {
            Some(standing) => standing,
            None => self.current_standing(identity, ledger).await?,
        };
        for _ in 0..MAX_ATTEMPTS {
            match standing.judge(identity, &ledger.info.origin, sent.frame.as_ref()) {
                Ok(()) => {
                    let append = append(standing.version);
                    match self.commands.store.append(ledger.info.id, append).await {
                        Err(AppendError::Conflict { .. }) => {}
                        appended => return appended.map_err(batch_error),
                    }
                }
                Err(refusal) if current => {
                    let append = append(standing.version);
                    let first = find(&self.commands, &ledger.info, &append).await?;
                    return first.and_then(Result::ok).ok_or(refusal);
                }
                Err(_) => {}
            }
            standing = self.current_standing(identity, ledger).await?;
            current = true;
        }
        // Somebody keeps changing this device; its batch loses nothing by waiting.
        let retry_after = RETRY_AFTER;
        Err(BatchError::Unavailable { retry_after })
    }

    async fn current_standing(
        &self,
        identity: &DeviceIdentity,
        ledger: &OrganisationLedger,
    ) -> Result<Arc<Standing>, BatchError> {
        let loaded = ledger
            .devices
            .load_current(&identity.device.to_string())
            .await
            .map_err(|error| batch_error(error.into()))?;
        Ok(self
            .standings
            .keep((ledger.info.id, identity.device), Standing::from(&loaded)))
    }

    async fn receipt(
        &self,
        ledger: LedgerId,
        batch: &SensorBatch,
        received_at: DateTime<Utc>,
        Appended { receipt, duplicate }: Appended,
    ) -> Result<BatchReceipt, BatchError> {
        let assessed_at = if duplicate {
            self.first_received_at(ledger, receipt.first).await?
        } else {
            micros(received_at)
        };
        Ok(BatchReceipt {
            seq: batch.seq,
            index: receipt.first.0,
            ledger: receipt.ledger.to_string(),
            checkpoint: receipt.checkpoint,
            duplicate,
            suspect: suspects(batch, assessed_at),
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

fn unavailable(device: DeviceId, error: &dyn std::fmt::Display) -> AuthError {
    tracing::warn!(%device, %error, "a device's credentials cannot be checked");
    AuthError::Unavailable
}

fn identity(
    device: DeviceId,
    state: &Device,
    ledger: LedgerId,
    sign_in: SignIn,
) -> Option<DeviceIdentity> {
    let profile = state.profile()?;
    Some(DeviceIdentity {
        device,
        organisation: profile.org.clone(),
        site: profile.site.clone(),
        name: profile.name.clone(),
        ledger,
        sign_in,
    })
}

/// The answer to a batch whose key is in the ledger already.
async fn find(
    commands: &Commands,
    ledger: &LedgerInfo,
    append: &Append,
) -> Result<Option<Result<Appended, AppendError>>, BatchError> {
    let Append {
        actor,
        command,
        input_hash,
        ..
    } = append;
    let found = commands
        .store
        .find_command(ledger, actor, *command, input_hash)
        .await;
    found.map_err(|error| batch_error(error.into()))
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
