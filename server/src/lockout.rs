//! Ends the connections of devices whose credentials are no longer valid.

use std::sync::{Arc, Weak};

use sealrock_domain::DeviceId;
use sealrock_eventstore::{EventStore, LedgerId, StoreError};
use sealrock_ingest::Broker;
use sealrock_ledger::Index;
use tokio::time::{Duration, sleep};

/// How often new ledgers are looked for, and how long a failed read waits.
const ROUND: Duration = Duration::from_secs(1);
/// Events after which a device must sign in anew.
const LOCKING_OUT: [&str; 4] = [
    "DeviceCredentialRotated",
    "DeviceCredentialRevoked",
    "DeviceCertificateRevoked",
    "DeviceDecommissioned",
];

/// Where to follow the ledgers from.
pub struct Lockouts {
    store: EventStore,
    places: Vec<(LedgerId, Index)>,
}

impl Lockouts {
    /// Notes the end of every ledger. To be called before a device can connect.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn begin(store: EventStore) -> Result<Self, StoreError> {
        let mut places = Vec::new();
        for ledger in store.ledgers().await? {
            places.push((ledger.id, Index(store.size(ledger.id).await?)));
        }
        Ok(Self { store, places })
    }

    /// Follows every ledger from there, and those that are begun later from their beginning,
    /// whichever process writes them. Ends when it is aborted.
    pub async fn follow(self, broker: Arc<dyn Broker>) {
        let mut followed = Vec::new();
        let mut found = self.places;
        loop {
            for (ledger, next) in found {
                if !followed.contains(&ledger) {
                    followed.push(ledger);
                    let broker = Arc::downgrade(&broker);
                    tokio::spawn(follow_ledger(self.store.clone(), ledger, next, broker));
                }
            }
            sleep(ROUND).await;
            let ledgers = self.store.ledgers().await.unwrap_or_default();
            found = ledgers
                .into_iter()
                .map(|ledger| (ledger.id, Index(0)))
                .collect();
        }
    }
}

async fn follow_ledger(
    store: EventStore,
    ledger: LedgerId,
    mut next: Index,
    broker: Weak<dyn Broker>,
) {
    let mut sizes = store.watch_size(ledger);
    while let Ok(size) = sizes
        .wait_for(|size| *size > next.0)
        .await
        .map(|size| Index(*size))
    {
        let Some(broker) = broker.upgrade() else {
            return;
        };
        match store.streams_with(ledger, next, size, &LOCKING_OUT).await {
            Ok(streams) => {
                streams
                    .iter()
                    .filter_map(|stream| device_of(stream))
                    .for_each(|device| broker.disconnect(device));
                next = size;
            }
            Err(error) => {
                tracing::debug!(%error, "lockouts are looked for again in a moment");
                sleep(ROUND).await;
            }
        }
    }
}

fn device_of(stream: &str) -> Option<DeviceId> {
    stream.strip_prefix("device/")?.parse().ok()
}
