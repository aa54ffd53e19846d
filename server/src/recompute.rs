//! The slow watch over what is stored: each ledger's tree is computed again, over and over.

use std::collections::HashSet;
use std::time::Duration;

use sealrock_audit::{Recomputed, recompute};
use sealrock_eventstore::{EventStore, LedgerId, LedgerInfo};
use tokio_util::sync::CancellationToken;

/// Between the end of one round over all ledgers and the next.
const BETWEEN: Duration = Duration::from_hours(24);
/// Before another try when the database could not be read.
const RETRY: Duration = Duration::from_mins(1);

/// Recomputes every ledger at the start and once a day, until told to stop. What does not agree is
/// an error in the log and 0 in the gauge `sealrock_ledger_tree_agrees`.
pub async fn watch(store: EventStore, stopping: CancellationToken) {
    let mut done = HashSet::new();
    loop {
        let pause = tokio::select! {
            () = stopping.cancelled() => return,
            pause = round(&store, &mut done) => pause,
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Those in `done` were recomputed in this round already, before one that could not be.
async fn round(store: &EventStore, done: &mut HashSet<LedgerId>) -> Duration {
    let ledgers = match store.ledgers().await {
        Ok(ledgers) => ledgers,
        Err(error) => {
            tracing::warn!(%error, "the ledgers cannot be recomputed now");
            return RETRY;
        }
    };
    let mut failed = false;
    for ledger in ledgers {
        if done.contains(&ledger.id) {
            continue;
        }
        if one(store, &ledger).await {
            done.insert(ledger.id);
        } else {
            failed = true;
        }
    }
    if failed {
        return RETRY;
    }
    done.clear();
    BETWEEN
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use std::sync::Arc;

    use sealrock_eventstore::{Append, Expected, KeyFiles, LedgerKind, NewEvent, Retention};
    use sealrock_testkit::database;
    use uuid::Uuid;

    use super::*;

    async fn begun(store: &EventStore, name: &str) -> LedgerId {
        let name = name.parse().unwrap();
        let ledger = store.create_ledger(&name, LedgerKind::Operational, false);
        let ledger = ledger.await.unwrap().id;
        let event = NewEvent {
            stream: "thing/1".into(),
            expected: Expected::Any,
            kind: "ThingHappened".into(),
            schema: 1,
            media: "application/json".into(),
            bytes: b"{}".to_vec(),
            retention: Retention::Kept,
        };
        let append = Append {
            actor: "service/test".into(),
            command: Uuid::now_v7(),
            input_hash: [0; 32],
            cause: String::new(),
            via: "process:test".into(),
            received_at: chrono::Utc::now(),
            unchanged: None,
            events: vec![event],
        };
        store.append(ledger, append).await.unwrap();
        ledger
    }

    #[tokio::test]
    async fn a_ledger_that_cannot_be_read_is_tried_again_alone() {
        let keys = tempfile::tempdir().unwrap();
        let (database, files) = (database().await, Arc::new(KeyFiles::new(keys.path())));
        let store = EventStore::open(database.pool.clone(), files, "sealrock.test");
        let store = store.await.unwrap();
        let (one, two) = (begun(&store, "one").await, begun(&store, "two").await);
        // Its newest checkpoint is none that its key signed.
        let swap = async |ledger: LedgerId, from: &str, to: &str| {
            let sql = "UPDATE sealrock.checkpoints SET note = replace(note, $2, $3) \
                       WHERE ledger_id = $1";
            let swapped = sqlx::query(sql).bind(ledger.0).bind(from).bind(to);
            swapped.execute(&database.admin_pool).await.unwrap();
        };
        swap(two, "/two", "/xyz").await;
        let mut done = HashSet::new();
        assert_eq!(round(&store, &mut done).await, RETRY);
        assert_eq!(done, HashSet::from([one]));

        // The next round would fail at this one if it read it again.
        swap(two, "/xyz", "/two").await;
        swap(one, "/one", "/xyz").await;
        assert_eq!(round(&store, &mut done).await, BETWEEN);
        assert!(done.is_empty(), "the round of tomorrow reads all again");
    }
}
