//! The group-commit writer: one task per ledger and process.
//!
//! It takes whatever waits, deduplicates, checks versions, chains, signs, inserts and moves the head,
//! all in one transaction. It never waits for more to come: while one commit runs, the next one is
//! gathered and chained to its end. It waits for Postgres within bounds, so a writer that hangs becomes
//! an answer.

mod admit;
mod adopt;
mod batch;
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
mod flight;
mod gather;
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
mod versions;

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::append::Appended;
use crate::error::AppendError;
use crate::keys::KeySource;
use crate::ledgers::LedgerInfo;
use crate::sizes::Sizes;
use crate::stops::Stops;
pub(crate) use admit::find_commands;
pub use adopt::Adopted;
use batch::Standing;
pub use change::Operator;
pub(crate) use change::{Change, require_not_the_logs_own};
use clock::Clock;
use commit::Work;
pub use continuation::Continued;
use days::Days;
use flight::{Landed, Started};
use gather::Gathered;
use guard::Guard;
pub(crate) use queue::WriterHandle;
use queue::{CommitRoom, QUEUE, Request, Waiting, acknowledge, acknowledge_beside, drain};

/// How long Postgres may take for all statements before COMMIT, and again for COMMIT.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an idle writer keeps its connection.
const IDLE: Duration = Duration::from_millis(100);

type Answer = Result<Appended, AppendError>;

/// The commit that is gathered, and who waits for it.
#[derive(Default)]
struct Next {
    appends: Gathered,
    waiting: Vec<Waiting>,
    room: CommitRoom,
}

/// A commit that was sent, and who waits for it.
type UnderWay = (Started, Vec<Waiting>);

pub(crate) struct Writer {
    pool: PgPool,
    ledger: LedgerInfo,
    keys: Arc<dyn KeySource>,
    sizes: Arc<Sizes>,
    days: Days,
    clock: Clock,
    guard: Guard,
    patience: Duration,
    /// What is known of the ledger; nothing until the first commit, and whenever one failed.
    standing: Option<Standing>,
    /// Kept from commit to commit: to give it back and take it again takes three round trips.
    connection: Option<PoolConnection<Postgres>>,
    #[cfg(test)]
    fault: Option<fault_table::Fault>,
}

/// What comes back of the commit that is under way; never, if there is none.
async fn landing(under_way: &mut Option<UnderWay>) -> (Landed, Vec<Waiting>) {
    let Some((flight, waiting)) = under_way else {
        return std::future::pending().await;
    };
    let landed = flight.await;
    (landed, std::mem::take(waiting))
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
            patience: PATIENCE,
            standing: None,
            connection: None,
            #[cfg(test)]
            fault: None,
        }
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let (mut next, mut under_way) = (Next::default(), None);
        loop {
            let mut answered = None;
            tokio::select! {
                biased;
                (landed, waiting) = landing(&mut under_way) => {
                    under_way = None;
                    answered = Some((waiting, self.land(landed, &mut next.appends).await));
                }
                more = drain(&mut requests, &mut next.room), if next.room.is_left() => {
                    let Some((appends, waiting)) = more else { break };
                    self.gather(&mut next.appends, appends).await;
                    next.waiting.extend(waiting);
                }
                () = sleep(IDLE), if under_way.is_none() && self.connection.is_some() => {
                    self.connection = None;
                }
            }
            if let Some((waiting, answers)) = answered {
                acknowledge_beside(waiting, answers);
            }
            if under_way.is_none() && !next.appends.is_empty() {
                under_way = self.depart(std::mem::take(&mut next)).await;
            }
        }
        // Nobody sends any more; what was taken is answered.
        while under_way.is_some() || !next.appends.is_empty() {
            if under_way.is_some() {
                let (landed, waiting) = landing(&mut under_way).await;
                acknowledge(waiting, self.land(landed, &mut next.appends).await);
            }
            under_way = self.depart(std::mem::take(&mut next)).await;
        }
        self.finish().await;
    }

    /// Sends what was gathered, or commits it under the lock.
    async fn depart(&mut self, next: Next) -> Option<UnderWay> {
        let Next {
            appends, waiting, ..
        } = next;
        if appends.is_empty() {
            return None;
        }
        match self.seal(appends).await {
            Ok(flight) => Some((flight.start(self.ledger.id, self.patience), waiting)),
            Err(appends) => {
                let answers = Box::pin(self.commit_locked(Work::Appends(appends))).await;
                acknowledge(waiting, answers);
                None
            }
        }
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
