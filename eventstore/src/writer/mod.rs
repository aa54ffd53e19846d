//! The group-commit writer: one task per ledger and process.
//!
//! It takes whatever waits, deduplicates, checks versions, chains, signs, inserts and moves the head,
//! all in one transaction. It never waits for more to come: while one commit runs, the next one is
//! gathered and chained to its end, and when it is as large, sent behind it. It waits for Postgres
//! within bounds, so a writer that hangs becomes an answer.

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
mod under_way;
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
use gather::Gathered;
use guard::Guard;
pub(crate) use queue::WriterHandle;
use queue::{CommitRoom, QUEUE, Request, Waiting, acknowledge, acknowledge_beside, drain};
use under_way::UnderWay;

/// How long Postgres may take for all statements before COMMIT, and again for COMMIT.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an idle writer keeps its connections.
const IDLE: Duration = Duration::from_millis(100);

type Answer = Result<Appended, AppendError>;

/// The commit that is gathered, and who waits for it.
#[derive(Default)]
struct Next {
    appends: Gathered,
    waiting: Vec<Waiting>,
    room: CommitRoom,
}

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
    /// Kept from commit to commit: to give one back and take it again takes three round trips.
    connections: Vec<PoolConnection<Postgres>>,
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
            patience: PATIENCE,
            standing: None,
            connections: Vec::new(),
            #[cfg(test)]
            fault: None,
        }
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut next = Next::default();
        let mut under_way = UnderWay::new(self.ledger.id, self.patience);
        loop {
            let mut answered = None;
            tokio::select! {
                biased;
                (landed, waiting) = under_way.landing() => {
                    answered = Some((waiting, self.land(landed, &mut next.appends).await));
                }
                more = drain(&mut requests, &mut next.room), if next.room.is_left() => {
                    let Some((appends, waiting)) = more else { break };
                    self.gather(&mut next.appends, appends).await;
                    next.waiting.extend(waiting);
                }
                () = sleep(IDLE), if under_way.is_empty() && !self.connections.is_empty() => {
                    self.connections.clear();
                }
            }
            if let Some((waiting, answers)) = answered {
                acknowledge_beside(waiting, answers);
            }
            self.depart(&mut next, &mut under_way).await;
        }
        // Nobody sends any more; what was taken is answered.
        while !under_way.is_empty() || !next.appends.is_empty() {
            if !under_way.is_empty() {
                let (landed, waiting) = under_way.landing().await;
                acknowledge(waiting, self.land(landed, &mut next.appends).await);
            }
            self.depart(&mut next, &mut under_way).await;
        }
        self.finish().await;
    }

    /// Sends what was gathered if it is time to; commits it under the lock if it cannot be sent.
    async fn depart(&mut self, next: &mut Next, under_way: &mut UnderWay) {
        if !under_way.lets_depart(&next.appends, next.waiting.len()) {
            return;
        }
        let alone = under_way.is_empty();
        let connection = self.take_connection(alone).await;
        if connection.is_none() && !alone {
            return;
        }
        match self
            .seal(std::mem::take(&mut next.appends), connection)
            .await
        {
            Ok(flight) => under_way.send(flight, std::mem::take(next).waiting),
            Err(appends) if alone => {
                let answers = Box::pin(self.commit_locked(Work::Appends(appends))).await;
                acknowledge(std::mem::take(next).waiting, answers);
            }
            Err(appends) => {
                self.standing = None;
                next.appends.loose = appends;
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
