//! One commit under the lock of the head row, from what the database says: the first of a writer, and
//! the next one whenever what it knew was not so. All others are in `gather.rs`.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgConnection, PgTransaction};
use tokio::time::timeout;

use super::admit;
use super::batch::{Batch, Place, Sealed, Standing};
use super::chain::End;
use super::change::{Change, Effect, Operator};
use super::clock::{self, Moment};
use super::continuation::Beginning;
use super::edge::Edge;
use super::head::{self, Locked};
use super::persist::{self, Committed, Step};
use super::versions::Versions;
use super::{Answer, Writer};
use crate::append::Append;
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
    sealed: Sealed,
    /// What is so when it is committed.
    standing: Standing,
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
    /// One transaction under the lock. The answers stand in the order of the appends; an error
    /// answers them all.
    pub(super) async fn commit_locked(&mut self, work: Work) -> Result<Vec<Answer>, AppendError> {
        // Nor is a connection held back that this may need.
        self.connections.clear();
        let answers = self.try_commit(work).await;
        if answers.is_err() {
            self.standing = None;
            self.guard.doubt();
        }
        answers
    }

    async fn try_commit(&mut self, work: Work) -> Result<Vec<Answer>, AppendError> {
        let patience = self.patience;
        let slow = || AppendError::Unavailable(too_slow("the database", patience));
        if let Work::Appends(appends) = &work {
            self.ensure_days(appends).await?;
        }
        let mut connection = self.pool.acquire().await?;
        let (written, reason) = match self.attempt(&mut connection, work).await? {
            Attempt::Answered(answers) => return Ok(answers),
            Attempt::Hung => {
                drop(connection.detach());
                return Err(slow());
            }
            Attempt::Sent(written, Sent::Acknowledged) => return Ok(self.learnt(*written)),
            Attempt::Sent(written, Sent::Failed(reason)) => (written, reason),
            Attempt::Sent(written, Sent::Hung) => (written, too_slow("COMMIT", patience)),
        };
        // Nobody else may get a connection that hung or broke, and asking takes another one.
        drop(connection.detach());
        match persist::outcome(&self.pool, self.ledger.id, &written.sealed.checkpoint).await {
            Committed::Yes => Ok(self.learnt(*written)),
            Committed::No => Err(AppendError::Unavailable(reason)),
            Committed::Unknown => Err(AppendError::OutcomeUnknown(reason)),
        }
    }

    fn learnt(&mut self, written: Written) -> Vec<Answer> {
        self.standing = Some(written.standing);
        self.committed(written.sealed)
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
        let (mut standing, now) = self.lock(&mut tx, work.corrects_clock()).await?;
        let (appends, effect) = match work {
            Work::Appends(appends) => (appends, Effect::None),
            Work::Change(change, by) => {
                let (head, keys) = (&standing.end.head, &mut standing.keys);
                let decided = change.decide(&self.ledger, &by, head, keys, now.wall);
                let (append, effect) = decided.await?;
                (vec![append], effect)
            }
            Work::Begin(beginning) => {
                let size = standing.end.head.size();
                beginning.require(&mut tx, &self.ledger, size).await?;
                (beginning.appends, Effect::Close(beginning.parent))
            }
        };
        self.fault(Step::Locked)?;
        let batch = self.chain(&mut tx, &mut standing, appends, now).await?;
        if batch.is_answered() {
            standing.versions.tidy();
            self.standing = Some(standing);
            return Ok(Prepared::Answered(batch.admission.answers(&[])));
        }
        effect.apply(&batch.before, &mut standing.end.head, &mut standing.keys);
        let (head, checkpoint) = standing.seal().await?;
        let place = standing.place;
        let sealed = Sealed {
            batch,
            head,
            checkpoint,
            place,
        };
        let id = self.ledger.id;
        if !persist::insert(&mut tx, id, &sealed).await? {
            let reason = "the head row moved while it was locked";
            return Err(AppendError::Fatal(reason.into()));
        }
        effect.store(&mut tx, id, &sealed.batch.before).await?;
        self.fault(Step::Inserted)?;
        let written = Written { sealed, standing };
        Ok(Prepared::Ready(tx, Box::new(written)))
    }

    /// What is so, if it may be continued here and now.
    pub(super) async fn lock(
        &mut self,
        tx: &mut PgTransaction<'_>,
        corrects_clock: bool,
    ) -> Result<(Standing, Moment), AppendError> {
        let known = self.standing.take();
        let locked = head::lock(tx, self.ledger.id).await?;
        locked.require_open(&self.ledger.name)?;
        // Where nobody has appended since, what was known is so.
        let known = known.filter(|known| known.end.edge.is_of(&locked.head));
        let (edge, keys, versions) = match known {
            Some(Standing {
                end,
                keys,
                versions,
                ..
            }) if end.head.epoch == locked.head.epoch => (Some(end.edge), keys, versions),
            _ => (None, self.keys_of(tx).await?, Versions::default()),
        };
        self.guard
            .check(tx, &self.ledger, &locked, keys.ranges())
            .await?;
        let now = Moment::now();
        self.clock.check(now, locked.clock)?;
        let Locked {
            head,
            cluster,
            started,
            ..
        } = locked;
        self.days.last_entry(head.recorded_at);
        if !corrects_clock {
            let name = &self.ledger.name;
            clock::check_last_entry(name, now.wall, head.recorded_at, head.clock_waived)?;
        }
        let edge = match edge {
            Some(edge) => edge,
            None => Edge::load(tx, self.ledger.id, &head).await?,
        };
        let standing = Standing {
            end: End { head, edge },
            versions,
            keys,
            place: Place { cluster, started },
        };
        Ok((standing, now))
    }

    async fn keys_of(&self, tx: &mut PgTransaction<'_>) -> Result<KeyRing, AppendError> {
        let ranges = reader::keys(&mut **tx, self.ledger.id).await?;
        Ok(KeyRing::new(Arc::clone(&self.keys), &self.ledger, ranges))
    }

    /// Admits and chains appends by what the database says under the lock.
    async fn chain(
        &self,
        tx: &mut PgTransaction<'_>,
        standing: &mut Standing,
        appends: Vec<Append>,
        now: Moment,
    ) -> Result<Batch, AppendError> {
        let known = admit::known_commands(tx, &self.ledger, &appends).await?;
        let streams: Vec<&str> = appends.iter().flat_map(admit::streams_of).collect();
        let versions = &mut standing.versions;
        admit::read_versions(&mut **tx, &self.ledger, &streams, versions).await?;
        let mut batch = Batch::new(standing, now);
        for append in appends {
            // No key to build where nothing is known, as nearly always.
            let known = (!known.is_empty())
                .then(|| known.get(&(append.actor.clone(), append.command)))
                .flatten();
            batch.add(&self.ledger, standing, append, known)?;
        }
        Ok(batch)
    }

    /// The day partitions that these may need are made before the head row is locked.
    pub(super) async fn ensure_days(&mut self, appends: &[Append]) -> Result<(), AppendError> {
        let (patience, now) = (self.patience, Moment::now().wall);
        let made = self.days.ensure(&self.pool, self.ledger.id, appends, now);
        timeout(patience, made)
            .await
            .map_err(|_| AppendError::Unavailable(too_slow("the database", patience)))?
    }

    /// Notes what was committed, and answers it.
    pub(super) fn committed(&mut self, sealed: Sealed) -> Vec<Answer> {
        let receipts = sealed.receipts(&self.ledger);
        let Sealed {
            batch,
            head,
            checkpoint,
            ..
        } = sealed;
        tracing::trace!(ledger = %self.ledger.name, size = head.size(), "committed");
        self.clock.committed(batch.at);
        self.days.last_entry(head.recorded_at);
        metrics::counter!("sealrock_ledger_entries_total", "ledger" => self.ledger.name.to_string())
            .increment(batch.chained.entries.len() as u64);
        metrics::counter!("sealrock_ledger_commits_total", "ledger" => self.ledger.name.to_string())
            .increment(1);
        // Here all of it is durable and in memory, before anybody is told.
        self.sizes.publish(self.ledger.id, head.size());
        if self.fault(Step::Noted).is_ok() {
            self.guard.committed(checkpoint);
        }
        batch.admission.answers(&receipts)
    }
}

pub(super) fn too_slow(what: &str, patience: Duration) -> String {
    format!("{what} did not answer within {} s", patience.as_secs())
}
