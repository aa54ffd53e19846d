//! Snapshots are stored beside the commands that they are due at, some at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use sqlx::PgPool;
use tokio::sync::mpsc;

use crate::error::stored;
use crate::ledgers::LedgerId;

/// Snapshots that may wait. One that finds no place is not stored: the next is due soon enough.
const QUEUE: usize = 1024;
/// Snapshots of one statement.
const AT_ONCE: usize = 64;

/// The way to the task that stores snapshots; it ends with the last of these.
#[derive(Clone)]
pub(crate) struct Snapshots(mpsc::Sender<Due>);

/// A snapshot to be stored. The state is written down off the command's path.
struct Due {
    ledger: LedgerId,
    stream: Arc<str>,
    version: u64,
    code_version: i32,
    state: Box<dyn Fn() -> serde_json::Result<Vec<u8>> + Send>,
}

impl Snapshots {
    pub(crate) fn start(pool: PgPool) -> Self {
        let (queue, due) = mpsc::channel(QUEUE);
        tokio::spawn(run(pool, due));
        Self(queue)
    }

    /// Has a snapshot stored, soon. It is only a cache: a crash may lose it.
    pub(super) fn store<A: Serialize + Send + Sync + 'static>(
        &self,
        ledger: LedgerId,
        stream: &Arc<str>,
        version: u64,
        code_version: i32,
        state: Arc<A>,
    ) {
        let due = Due {
            ledger,
            stream: Arc::clone(stream),
            version,
            code_version,
            state: Box::new(move || serde_json::to_vec(&*state)),
        };
        let outcome = match self.0.try_send(due) {
            Ok(()) => "queued",
            Err(_) => "skipped",
        };
        metrics::counter!("sealrock_snapshots_total", "outcome" => outcome).increment(1);
    }
}

async fn run(pool: PgPool, mut due: mpsc::Receiver<Due>) {
    let mut all = Vec::with_capacity(AT_ONCE);
    while due.recv_many(&mut all, AT_ONCE).await > 0 {
        let count = all.len();
        if let Err(error) = store(&pool, newest(all.drain(..))).await {
            tracing::debug!(%error, count, "snapshots were not stored");
        }
    }
}

/// The newest of each stream, because a statement can write a row only once; in the order of streams,
/// so that two processes do not wait for each other's rows crosswise.
fn newest(due: impl Iterator<Item = Due>) -> impl Iterator<Item = Due> {
    let mut newest: BTreeMap<(LedgerId, Arc<str>), Due> = BTreeMap::new();
    for due in due {
        let key = (due.ledger, Arc::clone(&due.stream));
        if newest
            .get(&key)
            .is_none_or(|known| known.version < due.version)
        {
            newest.insert(key, due);
        }
    }
    newest.into_values()
}

async fn store(pool: &PgPool, due: impl Iterator<Item = Due>) -> Result<(), sqlx::Error> {
    let (mut ledgers, mut streams, mut versions) = (Vec::new(), Vec::new(), Vec::new());
    let (mut code_versions, mut states) = (Vec::new(), Vec::new());
    for due in due {
        match (due.state)() {
            Ok(state) => states.push(state),
            Err(error) => {
                tracing::debug!(%error, stream = &*due.stream, "a snapshot cannot be written down");
                continue;
            }
        }
        ledgers.push(due.ledger.0);
        streams.push(due.stream.to_string());
        versions.push(stored(due.version));
        code_versions.push(due.code_version);
    }
    sqlx::query(include_str!("../sql/store_snapshots.sql"))
        .bind(ledgers)
        .bind(streams)
        .bind(versions)
        .bind(code_versions)
        .bind(states)
        .execute(pool)
        .await?;
    Ok(())
}
