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
const LOCKING_OUT: [&str; 3] = [
    "DeviceCredentialRotated",
    "DeviceCredentialRevoked",
    "DeviceDecommissioned",
];

/// Follows every ledger, whichever process writes it. Ends when it is aborted.
///
/// It starts before any device is connected, so it follows the ledgers that it finds at first from
/// their end, and those that are begun later from their beginning.
pub async fn follow(store: EventStore, broker: Arc<dyn Broker>) {
    let mut followed: Option<Vec<LedgerId>> = None;
    loop {
        if let Ok(ledgers) = places(&store, followed.is_none()).await {
            let followed = followed.get_or_insert_default();
            for (ledger, next) in ledgers {
                if !followed.contains(&ledger) {
                    followed.push(ledger);
                    tokio::spawn(follow_ledger(
                        store.clone(),
                        ledger,
                        next,
                        Arc::downgrade(&broker),
                    ));
                }
            }
        }
        sleep(ROUND).await;
    }
}

/// Each ledger with the index to follow it from.
async fn places(store: &EventStore, at_end: bool) -> Result<Vec<(LedgerId, Index)>, StoreError> {
    let mut places = Vec::new();
    for ledger in store.ledgers().await? {
        let size = if at_end {
            store.size(ledger.id).await?
        } else {
            0
        };
        places.push((ledger.id, Index(size)));
    }
    Ok(places)
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
