//! A broker on a free port with a ledger double that tests can hold, switch off and look into.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sealrock_domain::device::Fingerprint;
use sealrock_domain::{CredentialId, DeviceId, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ingest::{
    AuthError, BatchError, BatchReceipt, BatchSink, Broker, BrokerConfig, DeadLetter, DeadLetters,
    DeadLettersUnavailable, DeviceIdentity, EmbeddedBroker, PresenceStream, SignIn,
};
use tempfile::TempDir;
use tokio::sync::watch;

pub const SECRET: &str = "wJ4a-secret";

/// What a test waits at most for something that should happen soon.
pub const SOON: Duration = Duration::from_secs(20);

pub fn device(name: &str) -> DeviceIdentity {
    let slug = |text: &str| text.parse::<Slug>().unwrap();
    let (organisation, site, name) = (slug("acme"), slug("plant-1"), slug(name));
    DeviceIdentity {
        device: DeviceId::of(&organisation, &site, &name),
        organisation,
        site,
        name,
        ledger: LedgerId(1),
        sign_in: SignIn::Secret(CredentialId(uuid::Uuid::nil())),
    }
}

pub fn topic(device: &DeviceIdentity, last: &str) -> String {
    format!(
        "sealrock/v1/{}/{}/{}/{last}",
        device.organisation, device.site, device.name
    )
}

/// Stands in for the write side: remembers what it took, knows duplicates and conflicts.
pub struct Ledger {
    available: AtomicBool,
    sign_ins_left: AtomicUsize,
    refusals_left: AtomicUsize,
    signed_out: AtomicBool,
    open: watch::Sender<bool>,
    taken: Mutex<Vec<(DeviceId, String, Vec<u8>)>>,
}

impl Ledger {
    pub fn new() -> Arc<Self> {
        let open = watch::Sender::new(true);
        Arc::new(Self {
            available: AtomicBool::new(true),
            sign_ins_left: AtomicUsize::new(usize::MAX),
            refusals_left: AtomicUsize::new(usize::MAX),
            signed_out: AtomicBool::new(false),
            open,
            taken: Mutex::default(),
        })
    }

    /// Batches wait in `record_batch` until [`Ledger::commit`].
    pub fn hold(&self) {
        self.open.send_replace(false);
    }

    pub fn commit(&self) {
        self.open.send_replace(true);
    }

    /// Whether a batch waits in `record_batch`.
    pub fn holds_one(&self) -> bool {
        self.open.receiver_count() > 0
    }

    pub fn set_available(&self, available: bool) {
        self.available.store(available, Ordering::SeqCst);
    }

    /// After so many more, secrets are refused, as if they had been revoked in between.
    pub fn revoke_after_sign_ins(&self, number: usize) {
        self.sign_ins_left.store(number, Ordering::SeqCst);
    }

    /// So many more may be refused at the door within the device's rate.
    pub fn allow_refusals(&self, number: usize) {
        self.refusals_left.store(number, Ordering::SeqCst);
    }

    /// From now on what devices signed in by is not valid any more, when a batch comes.
    pub fn sign_out(&self) {
        self.signed_out.store(true, Ordering::SeqCst);
    }

    fn count_sign_in(&self) -> Result<(), AuthError> {
        let left = self
            .sign_ins_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        left.map(drop).map_err(|_| AuthError::Refused)
    }

    fn check_available(&self) -> bool {
        self.available.load(Ordering::SeqCst)
    }

    pub fn taken(&self) -> Vec<(DeviceId, String, Vec<u8>)> {
        self.taken.lock().unwrap().clone()
    }

    fn record(
        &self,
        device: DeviceId,
        via: &str,
        bytes: Vec<u8>,
    ) -> Result<BatchReceipt, BatchError> {
        let seq = seq(&bytes)?;
        let mut taken = self.taken.lock().unwrap();
        let first = taken
            .iter()
            .position(|(of, _, other)| *of == device && self::seq(other).ok() == Some(seq));
        let (index, duplicate) = match first {
            Some(index) if taken[index].2 == bytes => (index, true),
            Some(index) => {
                let message = format!("seq {seq} holds other bytes at index {index}");
                return Err(BatchError::Conflict {
                    first_index: index as u64,
                    message,
                });
            }
            None => {
                taken.push((device, via.to_owned(), bytes));
                (taken.len() - 1, false)
            }
        };
        let (ledger, checkpoint) = ("test/acme".to_owned(), "signed".to_owned());
        Ok(BatchReceipt {
            seq: Some(seq),
            index: index as u64,
            ledger,
            checkpoint,
            duplicate,
            suspect: vec![],
        })
    }
}

fn seq(bytes: &[u8]) -> Result<u64, BatchError> {
    if bytes.len() > sealrock_ingest::MAX_BATCH_BYTES {
        return Err(BatchError::TooLarge(format!("{} bytes", bytes.len())));
    }
    let undecodable = |cause: String| BatchError::Undecodable(cause);
    let value: HashMap<String, serde_json::Value> =
        serde_json::from_slice(bytes).map_err(|error| undecodable(error.to_string()))?;
    value
        .get("seq")
        .and_then(serde_json::Value::as_u64)
        .ok_or_else(|| undecodable("no seq".into()))
}

#[async_trait]
impl BatchSink for Ledger {
    async fn authenticate(
        &self,
        device: DeviceId,
        secret: &str,
    ) -> Result<DeviceIdentity, AuthError> {
        if !self.check_available() {
            return Err(AuthError::Unavailable);
        }
        self.count_sign_in()?;
        let known = ["stack-1", "well-2"]
            .map(self::device)
            .into_iter()
            .find(|known| known.device == device);
        known.filter(|_| secret == SECRET).ok_or(AuthError::Refused)
    }

    async fn recognise(&self, _: DeviceId, _: Fingerprint) -> Result<DeviceIdentity, AuthError> {
        Err(AuthError::Refused)
    }

    fn within_rate(&self, _: &DeviceIdentity) -> Result<(), BatchError> {
        let fewer = |left: usize| left.checked_sub(1);
        let left = self
            .refusals_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer);
        let retry_after = Duration::from_millis(20);
        left.map(drop)
            .map_err(|_| BatchError::TooMany { retry_after })
    }

    async fn record_batch(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        _: DateTime<Utc>,
        bytes: Bytes,
    ) -> Result<BatchReceipt, BatchError> {
        if !self.check_available() {
            return Err(BatchError::Unavailable {
                retry_after: Duration::from_millis(20),
            });
        }
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        if self.signed_out.load(Ordering::SeqCst) {
            return Err(BatchError::SignedOut);
        }
        self.record(identity.device, via, bytes.to_vec())
    }

    async fn vouched_for(
        &self,
        _: &Slug,
        _: &Slug,
        name: &Slug,
    ) -> Result<DeviceIdentity, BatchError> {
        Err(BatchError::UnknownDevice(name.to_string()))
    }

    /// Numbers what it takes by its place.
    async fn record_mapped(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        _: DateTime<Utc>,
        payload: Bytes,
    ) -> Result<BatchReceipt, BatchError> {
        let mut taken = self.taken.lock().unwrap();
        taken.push((identity.device, via.to_owned(), payload.to_vec()));
        Ok(BatchReceipt {
            seq: None,
            index: taken.len() as u64 - 1,
            ledger: "test/acme".to_owned(),
            checkpoint: "signed".to_owned(),
            duplicate: false,
            suspect: vec![],
        })
    }
}

/// Keeps letters in memory.
#[derive(Default)]
pub struct Letters {
    pub kept: Mutex<Vec<DeadLetter>>,
    pub away: AtomicBool,
}

impl Letters {
    pub fn reasons(&self) -> Vec<String> {
        self.kept
            .lock()
            .unwrap()
            .iter()
            .map(|letter| letter.reason.clone())
            .collect()
    }
}

#[async_trait]
impl DeadLetters for Letters {
    async fn put(&self, letter: &DeadLetter) -> Result<(), DeadLettersUnavailable> {
        if self.away.load(Ordering::SeqCst) {
            return Err(DeadLettersUnavailable {
                cause: "away".into(),
                retry_after: Duration::from_millis(20),
            });
        }
        self.kept.lock().unwrap().push(letter.clone());
        Ok(())
    }
}

/// A running broker and what is behind it.
pub struct Platform {
    pub ledger: Arc<Ledger>,
    pub letters: Arc<Letters>,
    pub broker: EmbeddedBroker,
    pub presence: PresenceStream,
    pub folder: TempDir,
}

pub fn config(folder: &TempDir) -> BrokerConfig {
    BrokerConfig::new(
        SocketAddr::from(([127, 0, 0, 1], 0)),
        folder.path().join("mqtt"),
    )
}

impl Platform {
    pub async fn start() -> Self {
        Self::start_with(|config| config).await
    }

    pub async fn start_with(adapt: impl FnOnce(BrokerConfig) -> BrokerConfig) -> Self {
        let folder = TempDir::new().unwrap();
        let (ledger, letters) = (Ledger::new(), Arc::new(Letters::default()));
        let config = adapt(config(&folder));
        let (broker, presence) = EmbeddedBroker::start(config, ledger.clone(), letters.clone())
            .await
            .unwrap();
        Self {
            ledger,
            letters,
            broker,
            presence,
            folder,
        }
    }

    pub fn port(&self) -> u16 {
        self.broker.local_addr().port()
    }
}

pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future)
        .await
        .expect("this should have happened by now")
}

/// Waits until `condition` holds.
pub async fn eventually(condition: impl Fn() -> bool) {
    soon(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
