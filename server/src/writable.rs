//! Whether this node could append to each ledger: it may lack a key that other nodes have.

use std::time::Duration;

use sealrock_eventstore::{EventStore, StoreError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often it is looked; a key that is put back is found at the next append in any case.
const EVERY: Duration = Duration::from_mins(1);

/// The ledgers that cannot be written here, each with the reason and the way out.
pub type NotWritable = watch::Receiver<Vec<String>>;

/// Looks now and then, until `stopping`. What is found is an error in the log when it changes.
pub async fn look(
    store: EventStore,
    found: watch::Sender<Vec<String>>,
    stopping: CancellationToken,
) {
    loop {
        match not_writable(&store).await {
            Ok(now) => tell(&found, now),
            Err(error) => tracing::debug!(%error, "the ledgers are looked at later"),
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

fn tell(found: &watch::Sender<Vec<String>>, now: Vec<String>) {
    found.send_if_modified(|known| {
        let changed = *known != now;
        if changed {
            for reason in &now {
                tracing::error!(reason, "this node cannot write a ledger");
            }
            *known = now;
        }
        changed
    });
}

async fn not_writable(store: &EventStore) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for ledger in store.ledgers().await? {
        // A ledger that another one continues takes nothing anywhere.
        if store.is_closed(ledger.id) {
            continue;
        }
        if let Err(error) = store.require_signable(&ledger).await {
            found.push(format!("{}: {error}", ledger.name));
        }
    }
    Ok(found)
}
