//! The slow watch over what is stored: each ledger's tree is computed again, over and over.

use std::time::Duration;

use sealrock_audit::{Recomputed, recompute};
use sealrock_eventstore::{EventStore, LedgerInfo};
use tokio_util::sync::CancellationToken;

/// Between the end of one round over all ledgers and the next.
const BETWEEN: Duration = Duration::from_hours(24);
/// Before another try when the database could not be read.
const RETRY: Duration = Duration::from_mins(1);

/// Recomputes every ledger at the start and once a day, until told to stop. What does not agree is
/// an error in the log and 0 in the gauge `sealrock_ledger_tree_agrees`.
pub async fn watch(store: EventStore, stopping: CancellationToken) {
    loop {
        let pause = tokio::select! {
            () = stopping.cancelled() => return,
            pause = round(&store) => pause,
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn round(store: &EventStore) -> Duration {
    let ledgers = match store.ledgers().await {
        Ok(ledgers) => ledgers,
        Err(error) => {
            tracing::warn!(%error, "the ledgers cannot be recomputed now");
            return RETRY;
        }
    };
    let mut pause = BETWEEN;
    for ledger in ledgers {
        if !one(store, &ledger).await {
            pause = RETRY;
        }
    }
    pause
}

/// Answers whether it could be done.
async fn one(store: &EventStore, ledger: &LedgerInfo) -> bool {
    let agrees = match recompute(store, ledger).await {
        Ok(Recomputed::Empty) => return true,
        Ok(Recomputed::Agrees { size }) => {
            tracing::info!(ledger = %ledger.name, size, "recomputed: it is what was signed");
            1.0
        }
        Ok(Recomputed::Differs(reason)) => {
            tracing::error!(ledger = %ledger.name, reason, "what is stored is not what was signed; \
                run `sealrock fsck`, and keep the database as it is");
            0.0
        }
        Err(error) => {
            tracing::warn!(ledger = %ledger.name, %error, "it cannot be recomputed now");
            return false;
        }
    };
    metrics::gauge!("sealrock_ledger_tree_agrees", "ledger" => ledger.name.to_string()).set(agrees);
    true
}
