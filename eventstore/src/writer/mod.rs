//! The group-commit writer: one task per ledger and process.
//!
//! It takes whatever waits, and in one transaction locks the head row, deduplicates, checks
//! versions, chains, signs, inserts and moves the head. It never waits for more to come: while one
//! COMMIT runs, the next batch gathers. It waits for Postgres within bounds, so a writer that hangs
//! becomes an answer.

mod admit;
mod adopt;
mod chain;
mod change;
mod clock;
mod commit;
mod continuation;
mod days;
mod edge;
#[cfg(test)]
mod exchange_table;
#[cfg(test)]
mod fault_table;
mod guard;
#[cfg(test)]
mod guard_table;
mod head;
#[cfg(test)]
mod history_table;
#[cfg(test)]
mod key_table;
mod persist;
mod queue;

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::mpsc;

use crate::append::Appended;
use crate::error::AppendError;
use crate::keys::{KeyRing, KeySource};
use crate::ledgers::LedgerInfo;
use crate::sizes::Sizes;
use crate::stops::Stops;
pub(crate) use admit::find_commands;
pub use adopt::Adopted;
pub use change::Operator;
pub(crate) use change::{Change, require_not_the_logs_own};
use clock::Clock;
use commit::Work;
pub use continuation::Continued;
use days::Days;
use edge::Edge;
use guard::Guard;
pub(crate) use queue::WriterHandle;
use queue::{QUEUE, Request, acknowledge, drain};

/// How long Postgres may take for all statements before COMMIT, and again for COMMIT.
const PATIENCE: Duration = Duration::from_secs(30);

type Answer = Result<Appended, AppendError>;

pub(crate) struct Writer {
    pool: PgPool,
    ledger: LedgerInfo,
    keys: Arc<dyn KeySource>,
    sizes: Arc<Sizes>,
    days: Days,
    clock: Clock,
    guard: Guard,
    /// The keys in use, and the head row's epoch that they are of.
    ring: Option<(i64, KeyRing)>,
    patience: Duration,
    /// Right edge of the tiles, valid only while its size and root equal the head row's.
    edge: Option<Edge>,
    #[cfg(test)]
    fault: Option<fault_table::Fault>,
}

impl Writer {
    pub(crate) fn start(
        pool: PgPool,
        ledger: LedgerInfo,
        keys: Arc<dyn KeySource>,
        sizes: Arc<Sizes>,
        stops: Arc<Stops>,
    ) -> WriterHandle {
        let (queue, requests) = mpsc::channel(QUEUE);
        let writer = Self::new(pool, ledger, keys, sizes, stops);
        WriterHandle::new(queue, tokio::spawn(writer.run(requests)))
    }

    pub(crate) fn new(
        pool: PgPool,
        ledger: LedgerInfo,
        keys: Arc<dyn KeySource>,
        sizes: Arc<Sizes>,
        stops: Arc<Stops>,
    ) -> Self {
        Self {
            guard: Guard::new(&keys, &ledger, stops),
            pool,
            ledger,
            keys,
            sizes,
            days: Days::default(),
            clock: Clock::default(),
            ring: None,
            patience: PATIENCE,
            edge: None,
            #[cfg(test)]
            fault: None,
        }
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some((appends, waiting)) = drain(&mut requests).await {
            let answers = self.commit(Work::Appends(appends)).await;
            acknowledge(waiting, answers);
        }
        self.finish().await;
    }

    /// Makes a change of the log's own, as one commit.
    pub(crate) async fn change(&mut self, change: Change, by: Operator) -> Answer {
        self.commit(Work::Change(change, by)).await?.remove(0)
    }

    /// Returns when what was committed is kept outside the database too.
    pub(crate) async fn finish(self) {
        self.guard.finish().await;
    }

    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the tests' twin uses both"
    )]
    fn fault(&self, _step: persist::Step) -> Result<(), AppendError> {
        Ok(())
    }
}
