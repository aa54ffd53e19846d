//! One commit, from the lock to the answer.

use std::sync::Arc;
use std::time::Duration;

use sealrock_ledger::Checkpoint;
use sqlx::{Connection, PgConnection, PgTransaction};
use tokio::time::timeout;

use super::admit::{self, Admission, Verdict};
use super::chain::{self, Chained};
use super::change::{Change, Effect, Operator};
use super::clock::{self, Moment};
use super::continuation::Beginning;
use super::edge::Edge;
use super::head::{self, Head};
use super::persist::{self, Committed, Step};
use super::{Answer, Writer};
use crate::append::{Append, Appended, Receipt};
use crate::error::AppendError;
use crate::keys::KeyRing;
use crate::reader;

/// What a commit is made of.
pub(super) enum Work {
    /// Whatever waited.
    Appends(Vec<Append>),
    /// One change of the log's own.
    Change(Change, Operator),
    /// The beginning of a ledger that continues another one.
    Begin(Beginning),
}

impl Work {
    fn corrects_clock(&self) -> bool {
        matches!(self, Self::Change(change, _) if change.corrects_clock())
    }
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
    keys: KeyRing,
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
    /// One transaction. The answers stand in the order of the appends; an error answers them all.
    pub(super) async fn commit(&mut self, work: Work) -> Result<Vec<Answer>, AppendError> {
        let answers = self.try_commit(work).await;
        if answers.is_err() {
            self.guard.doubt();
        }
        answers
    }

    async fn try_commit(&mut self, work: Work) -> Result<Vec<Answer>, AppendError> {
        let patience = self.patience;
        let slow = || AppendError::Unavailable(too_slow("the database", patience));
        timeout(patience, self.ensure_days(&work))
            .await
            .map_err(|_| slow())??;
        let mut connection = self.pool.acquire().await?;
        let (written, reason) = match self.attempt(&mut connection, work).await? {
            Attempt::Answered(answers) => return Ok(answers),
            Attempt::Hung => {
                drop(connection.detach());
                return Err(slow());
            }
            Attempt::Sent(written, Sent::Acknowledged) => return Ok(self.committed(*written)),
            Attempt::Sent(written, Sent::Failed(reason)) => (written, reason),
            Attempt::Sent(written, Sent::Hung) => (written, too_slow("COMMIT", patience)),
        };
        // Nobody else may get a connection that hung or broke, and asking takes another one.
        drop(connection.detach());
        match persist::outcome(&self.pool, self.ledger.id, &written.checkpoint).await {
            Committed::Yes => Ok(self.committed(*written)),
            Committed::No => Err(AppendError::Unavailable(reason)),
            Committed::Unknown => Err(AppendError::OutcomeUnknown(reason)),
        }
    }

    async fn attempt(
        &mut self,
        connection: &mut PgConnection,
        work: Work,
    ) -> Result<Attempt, AppendError> {
        let patience = self.patience;
        let prepared = timeout(patience, self.prepare(connection, work)).await;
        let Ok(prepared) = prepared else {
            return Ok(Attempt::Hung);
        };
        let (tx, written) = match prepared? {
            Prepared::Answered(answers) => return Ok(Attempt::Answered(answers)),
            Prepared::Ready(tx, written) => (tx, written),
        };
        let sent = match timeout(patience, tx.commit()).await {
            Ok(Ok(())) => self.fault(Step::Committed).map_or_else(
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
        work: Work,
    ) -> Result<Prepared<'c>, AppendError> {
        let mut tx = connection.begin_with(persist::BEGIN).await?;
        let (head, mut keys, at) = self.lock(&mut tx, work.corrects_clock()).await?;
        let edge = self.edge_at(&mut tx, &head).await?;
        let (appends, effect) = match work {
            Work::Appends(appends) => (appends, Effect::None),
            Work::Change(change, by) => {
                let decided = change.decide(&self.ledger, &by, &head, &mut keys, at.wall);
                let (append, effect) = decided.await?;
                (vec![append], effect)
            }
            Work::Begin(beginning) => {
                let size = head.size();
                beginning.require(&mut tx, &self.ledger, size).await?;
                (beginning.appends, Effect::Close(beginning.parent))
            }
        };
        self.fault(Step::Locked)?;
        let admission = admit::admit(&mut tx, &self.ledger, appends).await?;
        if admission.admitted.is_empty() {
            self.edge = Some(edge);
            self.ring = Some((head.epoch, keys));
            return Ok(Prepared::Answered(answers(&admission.verdicts, &[])));
        }
        let mut chained = chain::chain(&self.ledger, head, edge, &admission, at.wall)?;
        effect.apply(&mut chained, &mut keys);
        let (size, root) = (chained.head.size(), chained.head.root);
        let checkpoint = keys.sign(size, root).await?;
        let id = self.ledger.id;
        persist::insert(&mut tx, id, &admission, &chained, &effect, &checkpoint).await?;
        self.fault(Step::Inserted)?;
        let written = Written {
            admission,
            chained,
            checkpoint,
            keys,
            at,
        };
        Ok(Prepared::Ready(tx, Box::new(written)))
    }

    /// The head and its keys, if it may be continued here and now.
    pub(super) async fn lock(
        &mut self,
        tx: &mut PgTransaction<'_>,
        corrects_clock: bool,
    ) -> Result<(Head, KeyRing, Moment), AppendError> {
        let locked = head::lock(tx, self.ledger.id).await?;
        locked.require_open(&self.ledger.name)?;
        let keys = self.keys_at(tx, locked.head.epoch).await?;
        self.guard
            .check(tx, &self.ledger, &locked, keys.ranges())
            .await?;
        let now = Moment::now();
        self.clock.check(now, locked.clock)?;
        let head = locked.head;
        self.days.last_entry(head.recorded_at);
        if !corrects_clock {
            let name = &self.ledger.name;
            clock::check_last_entry(name, now.wall, head.recorded_at, head.clock_waived)?;
        }
        Ok((head, keys, now))
    }

    /// The keys of the head row's epoch: another process may have changed them.
    async fn keys_at(
        &mut self,
        tx: &mut PgTransaction<'_>,
        epoch: i64,
    ) -> Result<KeyRing, AppendError> {
        if let Some((known, keys)) = self.ring.take()
            && known == epoch
        {
            return Ok(keys);
        }
        let ranges = reader::keys(&mut **tx, self.ledger.id).await?;
        Ok(KeyRing::new(Arc::clone(&self.keys), &self.ledger, ranges))
    }

    /// The day partitions that this may need are made before the head row is locked.
    async fn ensure_days(&mut self, work: &Work) -> Result<(), AppendError> {
        let Work::Appends(appends) = work else {
            return Ok(());
        };
        let (pool, now) = (&self.pool, Moment::now().wall);
        self.days.ensure(pool, self.ledger.id, appends, now).await
    }

    fn committed(&mut self, written: Written) -> Vec<Answer> {
        let Written {
            admission,
            chained,
            checkpoint,
            keys,
            at,
        } = written;
        tracing::trace!(ledger = %self.ledger.name, size = chained.head.size(), "committed");
        self.clock.committed(at);
        self.ring = Some((chained.head.epoch, keys));
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
        if self.fault(Step::Noted).is_ok() {
            self.guard.committed(checkpoint);
        }
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
