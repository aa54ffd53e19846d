//! Ends the connections of devices whose credentials are no longer valid.

use std::sync::Arc;

use sealrock_domain::DeviceId;
use sealrock_eventstore::{EventStore, LedgerInfo};
use sealrock_ingest::Broker;
use sealrock_ledger::Index;
use tokio::time::{Duration, sleep};

/// How often new ledgers are looked for, and how long a failed read waits.
const ROUND: Duration = Duration::from_secs(1);
/// Events after which a device must sign in anew.
const LOCKING_OUT: [&str; 3] =
    ["DeviceCredentialRotated", "DeviceCredentialRevoked", "DeviceDecommissioned"];

/// Follows every ledger from its end on, whichever process writes it. Ends when it is aborted.
pub async fn follow(store: EventStore, broker: Arc<dyn Broker>) {
    let mut known = Vec::new();
    loop {
        for ledger in store.ledgers().await.unwrap_or_default() {
            if !known.contains(&ledger.id) {
                known.push(ledger.id);
                tokio::spawn(follow_ledger(store.clone(), ledger, Arc::downgrade(&broker)));
            }
        }
        sleep(ROUND).await;
    }
}

async fn follow_ledger(
    store: EventStore,
    ledger: LedgerInfo,
    broker: std::sync::Weak<dyn Broker>,
) {
    let mut sizes = store.watch_size(ledger.id);
    let mut next = match store.size(ledger.id).await {
        Ok(size) => Index(size),
        Err(_) => Index(*sizes.borrow()),
    };
    while let Ok(size) = sizes.wait_for(|size| *size > next.0).await.map(|size| Index(*size)) {
        let Some(broker) = broker.upgrade() else { return };
        match store.streams_with(ledger.id, next, size, &LOCKING_OUT).await {
            Ok(streams) => {
                streams.iter().filter_map(device_of).for_each(|device| broker.disconnect(device));
                next = size;
            }
            Err(error) => {
                tracing::debug!(%error, "lockouts are looked for again in a moment");
                sleep(ROUND).await;
            }
        }
    }
}

fn device_of(stream: &String) -> Option<DeviceId> {
    stream.strip_prefix("device/")?.parse().ok()
}
