//! The group-commit writer: one task per ledger and process.
//!
//! It takes whatever waits, and in one transaction locks the head row, deduplicates, checks
//! versions, chains, signs, inserts and moves the head. It never waits for more to come: while one
//! COMMIT runs, the next batch gathers. It waits for Postgres within bounds, so a writer that hangs
//! becomes an answer.

mod admit;
mod chain;
mod clock;
mod days;
mod edge;
#[cfg(test)]
mod fault_table;
#[cfg(test)]
mod guard_table;
mod head;
mod persist;
mod queue;

use std::sync::Arc;
use std::time::Duration;

use sealrock_ledger::{Checkpoint, LogKey};
use sqlx::{Connection, PgConnection, PgPool, PgTransaction};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::append::{Append, Appended, Receipt};
use crate::error::AppendError;
use crate::ledgers::LedgerInfo;
use crate::sizes::Sizes;
pub(crate) use admit::find_commands;
use admit::{Admission, Verdict};
use chain::Chained;
use clock::{Clock, Moment};
use days::Days;
use edge::Edge;
use head::Head;
use persist::Committed;
pub(crate) use queue::WriterHandle;
use queue::{QUEUE, Request, acknowledge, drain};

/// How long Postgres may take for all statements before COMMIT, and again for COMMIT.
const PATIENCE: Duration = Duration::from_secs(30);

type Answer = Result<Appended, AppendError>;

pub(crate) struct Writer {
    pool: PgPool,
    ledger: LedgerInfo,
    key: LogKey,
    sizes: Arc<Sizes>,
    days: Days,
    clock: Clock,
    /// Whether the head row was found to be written by this Postgres; asked once.
    same_cluster: bool,
    patience: Duration,
    /// Right edge of the tiles, valid only while its size and root equal the head row's.
    edge: Option<Edge>,
    #[cfg(test)]
    fault: Option<fault_table::Fault>,
}

/// A commit up to COMMIT itself.
enum Prepared<'c> {
    /// Nothing is to be written.
    Answered(Vec<Answer>),
    /// All is written, and signed.
    Ready(PgTransaction<'c>, Box<Written>),
}

struct Written {
    admission: Admission,
    chained: Chained,
    checkpoint: Checkpoint,
    at: Moment,
}

/// How far a commit came.
enum Attempt {
    Answered(Vec<Answer>),
    /// Postgres hung before COMMIT was sent.
    Hung,
    Sent(Box<Written>, Sent),
}

/// What came back after COMMIT was sent.
enum Sent {
    Acknowledged,
    Failed(String),
    Hung,
}

impl Writer {
    pub(crate) fn start(
        pool: PgPool,
        ledger: LedgerInfo,
        key: LogKey,
        sizes: Arc<Sizes>,
    ) -> WriterHandle {
        let (queue, requests) = mpsc::channel(QUEUE);
        let writer = Self::new(pool, ledger, key, sizes);
        WriterHandle::new(queue, tokio::spawn(writer.run(requests)))
    }

    fn new(pool: PgPool, ledger: LedgerInfo, key: LogKey, sizes: Arc<Sizes>) -> Self {
        Self {
            pool,
            ledger,
            key,
            sizes,
            days: Days::default(),
            clock: Clock::default(),
            same_cluster: false,
            patience: PATIENCE,
            edge: None,
            #[cfg(test)]
            fault: None,
        }
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some((appends, waiting)) = drain(&mut requests).await {
            let answers = self.commit(appends).await;
            acknowledge(waiting, answers);
        }
    }

    /// One transaction. The answers stand in the order of the appends; an error answers them all.
    async fn commit(&mut self, appends: Vec<Append>) -> Result<Vec<Answer>, AppendError> {
        let (received, patience) = (appends.len(), self.patience);
        let slow = || AppendError::Unavailable(too_slow("the database", patience));
        let day = self.days.ensure(&self.pool, &appends, Moment::now().wall);
        timeout(patience, day).await.map_err(|_| slow())??;
        let mut connection = self.pool.acquire().await?;
        // A connection that hung is closed: nobody else may get it.
        let (written, lost) = match self.attempt(&mut connection, appends).await? {
            Attempt::Answered(answers) => return Ok(answers),
            Attempt::Hung => {
                drop(connection.detach());
                return Err(slow());
            }
            Attempt::Sent(written, Sent::Acknowledged) => (written, None),
            Attempt::Sent(written, Sent::Failed(reason)) => (written, Some(reason)),
            Attempt::Sent(written, Sent::Hung) => {
                drop(connection.detach());
                (written, Some(too_slow("COMMIT", patience)))
            }
        };
        if let Some(reason) = lost {
            match persist::outcome(&self.pool, self.ledger.id, &written.checkpoint).await {
                Committed::Yes => {}
                Committed::No => return Err(AppendError::Unavailable(reason)),
                Committed::Unknown => return Err(AppendError::OutcomeUnknown(reason)),
            }
        }
        tracing::trace!(ledger = %self.ledger.name, received, size = written.chained.head.size(), "committed");
        Ok(self.committed(*written))
    }

    async fn attempt(
        &mut self,
        connection: &mut PgConnection,
        appends: Vec<Append>,
    ) -> Result<Attempt, AppendError> {
        let patience = self.patience;
        let prepared = timeout(patience, self.prepare(connection, appends)).await;
        let Ok(prepared) = prepared else {
            return Ok(Attempt::Hung);
        };
        let (tx, written) = match prepared? {
            Prepared::Answered(answers) => return Ok(Attempt::Answered(answers)),
            Prepared::Ready(tx, written) => (tx, written),
        };
        let sent = match timeout(patience, tx.commit()).await {
            Ok(Ok(())) => self.fault(persist::Step::Committed).map_or_else(
                |fault| Sent::Failed(fault.to_string()),
                |()| Sent::Acknowledged,
            ),
            Ok(Err(error)) => Sent::Failed(error.to_string()),
            Err(_) => Sent::Hung,
        };
        Ok(Attempt::Sent(written, sent))
    }

    async fn prepare<'c>(
        &mut self,
        connection: &'c mut PgConnection,
        appends: Vec<Append>,
    ) -> Result<Prepared<'c>, AppendError> {
        let mut tx = connection.begin_with(persist::BEGIN).await?;
        let (head, at) = self.lock(&mut tx).await?;
        let edge = self.edge_at(&mut tx, &head).await?;
        self.fault(persist::Step::Locked)?;
        let admission = admit::admit(&mut tx, &self.ledger, appends).await?;
        if admission.admitted.is_empty() {
            self.edge = Some(edge);
            return Ok(Prepared::Answered(answers(&admission.verdicts, &[])));
        }
        let chained = chain::chain(&self.ledger, head, edge, &admission, at.wall)?;
        let checkpoint = self
            .key
            .sign(chained.head.size(), chained.head.root)
            .map_err(|e| AppendError::Fatal(e.to_string()))?;
        persist::insert(&mut tx, self.ledger.id, &admission, &chained, &checkpoint).await?;
        self.fault(persist::Step::Inserted)?;
        let written = Written {
            admission,
            chained,
            checkpoint,
            at,
        };
        Ok(Prepared::Ready(tx, Box::new(written)))
    }

    /// The head, if it may be continued here and now.
    async fn lock(&mut self, tx: &mut PgTransaction<'_>) -> Result<(Head, Moment), AppendError> {
        let locked = head::lock(tx, self.ledger.id).await?;
        if !self.same_cluster {
            head::require_same_cluster(tx, &locked.cluster).await?;
            self.same_cluster = true;
        }
        let now = Moment::now();
        self.clock
            .check(now, locked.clock, locked.head.recorded_at)?;
        Ok((locked.head, now))
    }

    fn committed(&mut self, written: Written) -> Vec<Answer> {
        let Written {
            admission,
            chained,
            checkpoint,
            at,
        } = written;
        self.clock.committed(at);
        metrics::counter!("sealrock_ledger_entries_total", "ledger" => self.ledger.name.to_string())
            .increment(chained.entries.len() as u64);
        metrics::counter!("sealrock_ledger_commits_total", "ledger" => self.ledger.name.to_string())
            .increment(1);
        self.sizes.publish(self.ledger.id, chained.head.size());
        let receipts: Vec<Receipt> = chained
            .spans
            .iter()
            .map(|(first, last)| Receipt {
                ledger: self.ledger.origin.clone(),
                first: *first,
                last: *last,
                checkpoint: checkpoint.note.clone(),
            })
            .collect();
        self.edge = Some(chained.edge);
        answers(&admission.verdicts, &receipts)
    }

    async fn edge_at(
        &mut self,
        tx: &mut PgTransaction<'_>,
        head: &Head,
    ) -> Result<Edge, AppendError> {
        match self.edge.take() {
            Some(edge) if edge.is_of(head) => Ok(edge),
            _ => Edge::load(tx, self.ledger.id, head).await,
        }
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

fn too_slow(what: &str, patience: Duration) -> String {
    format!("{what} did not answer within {} s", patience.as_secs())
}

fn answers(verdicts: &[Verdict], receipts: &[Receipt]) -> Vec<Answer> {
    let appended = |ordinal: usize, duplicate| {
        Ok(Appended {
            receipt: receipts[ordinal].clone(),
            duplicate,
        })
    };
    verdicts
        .iter()
        .map(|verdict| match verdict {
            Verdict::New(ordinal) => appended(*ordinal, false),
            Verdict::SameAs(ordinal) => appended(*ordinal, true),
            Verdict::ReusedIdOf(ordinal) => Err(AppendError::CommandIdReused {
                first: Box::new(receipts[*ordinal].clone()),
            }),
            Verdict::Answered(answer) => answer.clone(),
        })
        .collect()
}
