//! Commits without asking first: a batch is built on what the writer knows, while the one before it is
//! under way, and sent as one statement that stores all of it or, where anything is not as it was
//! known, nothing.

use sealrock_ledger::Hash;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};
use tokio::time::timeout;
use uuid::Uuid;

use super::admit::{Admission, Verdict, find_commands, read_versions, streams_to_ask};
use super::batch::{Batch, Sealed, Standing};
use super::clock::{Moment, check_last_entry};
use super::commit::Work;
use super::flight::{Flight, Landed, Outcome};
use super::persist::{self, Committed, Step};
use super::{Answer, Writer};
use crate::append::Append;
use crate::error::AppendError;
use crate::ledgers::LedgerInfo;

/// Appends that go into the next commit.
#[derive(Default)]
pub(super) struct Gathered {
    batch: Option<Batch>,
    /// Those that are not chained yet.
    pub(super) loose: Vec<Append>,
}

impl Gathered {
    pub(super) fn is_empty(&self) -> bool {
        self.batch.is_none() && self.loose.is_empty()
    }

    /// Whether all of it is chained to the commit that has this root, and to be written.
    pub(super) fn is_chained_to(&self, root: Hash) -> bool {
        let chained = |batch: &Batch| batch.before.root == root && !batch.is_answered();
        self.loose.is_empty() && self.batch.as_ref().is_some_and(chained)
    }

    fn into_appends(self) -> Vec<Append> {
        let chained = self.batch.map(|batch| batch.admission.appends);
        let mut appends = chained.unwrap_or_default();
        appends.extend(self.loose);
        appends
    }
}

impl Writer {
    /// One commit. The answers stand in the order of the appends; an error answers them all.
    pub(super) async fn commit(&mut self, work: Work) -> Result<Vec<Answer>, AppendError> {
        let Work::Appends(appends) = work else {
            return Box::pin(self.commit_locked(work)).await;
        };
        let mut gathered = Gathered::default();
        self.gather(&mut gathered, appends).await;
        let connection = self.take_connection(true).await;
        match self.seal(gathered, connection).await {
            Ok(flight) => {
                let landed = flight.fly(self.ledger.id, self.patience).await;
                self.land(landed, &mut Gathered::default()).await
            }
            Err(appends) => Box::pin(self.commit_locked(Work::Appends(appends))).await,
        }
    }

    /// Takes appends into the next commit. That may be while another one is under way: then they are
    /// chained to its end.
    pub(super) async fn gather(&mut self, into: &mut Gathered, appends: Vec<Append>) {
        into.loose.extend(appends);
        let (mut kept, knew) = (self.connections.pop(), self.standing.is_some());
        self.chain_loose(into, kept.as_deref_mut()).await;
        if knew && self.standing.is_none() {
            // A question was left open on it.
            kept.take().map(PoolConnection::detach);
        }
        self.connections.extend(kept);
    }

    /// A connection for a commit. One that is under way may hold the last, so none is waited for then.
    pub(super) async fn take_connection(
        &mut self,
        may_wait: bool,
    ) -> Option<PoolConnection<Postgres>> {
        match self.connections.pop() {
            Some(kept) => Some(kept),
            None if may_wait => self.pool.acquire().await.ok(),
            None => self.pool.try_acquire(),
        }
    }

    /// Signs what was gathered; gives it back where it has to be committed under the lock.
    pub(super) async fn seal(
        &mut self,
        mut gathered: Gathered,
        connection: Option<PoolConnection<Postgres>>,
    ) -> Result<Flight, Vec<Append>> {
        let Some(mut connection) = connection.filter(|_| self.standing.is_some()) else {
            return Err(gathered.into_appends());
        };
        self.chain_loose(&mut gathered, Some(&mut connection)).await;
        if self.standing.is_none() {
            drop(connection.detach());
            return Err(gathered.into_appends());
        }
        if !gathered.loose.is_empty() {
            return Err(gathered.into_appends());
        }
        let Some(standing) = &mut self.standing else {
            return Err(gathered.into_appends());
        };
        let Some(batch) = gathered.batch.take() else {
            return Err(gathered.into_appends());
        };
        // An answer from memory alone, to a repetition or a lost race, is not for sure.
        let alone = batch.is_answered();
        if alone || !self.days.cover(&batch.admission.appends, batch.at.wall) {
            return Err(batch.admission.appends);
        }
        let Ok((head, checkpoint)) = standing.seal().await else {
            return Err(batch.admission.appends);
        };
        let place = standing.place;
        let sealed = Box::new(Sealed {
            batch,
            head,
            checkpoint,
            place,
        });
        Ok(Flight {
            early: false,
            connection,
            sealed,
        })
    }

    /// Notes and answers what came back. What was gathered meanwhile was chained to it: if it is not
    /// stored, that is chained anew.
    pub(super) async fn land(
        &mut self,
        landed: Landed,
        behind: &mut Gathered,
    ) -> Result<Vec<Answer>, AppendError> {
        let Landed { flight, outcome } = landed;
        let Flight {
            mut connection,
            mut sealed,
            ..
        } = flight;
        let outcome = match (outcome, self.fault(Step::Committed)) {
            (Outcome::Stored, Err(fault)) => Outcome::Lost(fault.to_string()),
            (outcome, _) => outcome,
        };
        if let Outcome::Stored = outcome {
            if self.recognise(&mut sealed, &mut *connection).await {
                self.keep(connection);
            } else {
                drop(connection.detach());
            }
            return Ok(self.committed(*sealed));
        }
        self.standing = None;
        let waiting = std::mem::take(behind).into_appends();
        let answers = Box::pin(self.not_stored(connection, *sealed, outcome)).await;
        if answers.is_err() {
            self.guard.doubt();
        }
        self.gather(behind, waiting).await;
        answers
    }

    async fn not_stored(
        &mut self,
        connection: PoolConnection<Postgres>,
        mut sealed: Sealed,
        outcome: Outcome,
    ) -> Result<Vec<Answer>, AppendError> {
        let (reason, hung) = match outcome {
            Outcome::Failed(error) => return Err(error),
            Outcome::Stored | Outcome::Refused => {
                drop(connection);
                let appends = sealed.batch.admission.appends;
                return self.commit_locked(Work::Appends(appends)).await;
            }
            Outcome::Lost(reason) => (reason, false),
            Outcome::Hung(reason) => (reason, true),
        };
        // Nobody else may get a connection that hung or broke, and asking takes another one.
        drop(connection.detach());
        match persist::outcome(&self.pool, self.ledger.id, &sealed.checkpoint).await {
            Committed::Yes => {
                self.recognise(&mut sealed, &self.pool).await;
                Ok(self.committed(sealed))
            }
            Committed::No if hung => Err(AppendError::Unavailable(reason)),
            // An idle connection breaks when Postgres is started anew.
            Committed::No => {
                let appends = sealed.batch.admission.appends;
                self.commit_locked(Work::Appends(appends)).await
            }
            Committed::Unknown => Err(AppendError::OutcomeUnknown(reason)),
        }
    }

    /// Chains what is loose, as far as the writer knows what to chain it to. Asks over `connection`
    /// for the versions that it does not know.
    async fn chain_loose(&mut self, into: &mut Gathered, connection: Option<&mut PgConnection>) {
        let Some(mut standing) = self.standing.take() else {
            return;
        };
        let now = Moment::now();
        if !self.may_go_on(&standing, now) {
            return;
        }
        let streams = streams_to_ask(&into.loose, &standing.versions);
        if !streams.is_empty() {
            // Never waits for a connection: the commit that is under way may hold the last.
            let mut another = connection.is_none().then(|| self.pool.try_acquire());
            let another = another.as_mut().and_then(|a| a.as_deref_mut());
            let Some(connection) = connection.or(another) else {
                self.standing = Some(standing);
                return;
            };
            let versions = &mut standing.versions;
            let read = read_versions(connection, &self.ledger, &streams, versions);
            if !matches!(timeout(self.patience, read).await, Ok(Ok(()))) {
                return;
            }
        }
        let batch = into.batch.get_or_insert_with(|| Batch::new(&standing, now));
        batch.at = now;
        let mut loose = std::mem::take(&mut into.loose).into_iter();
        while let Some(append) = loose.next() {
            if batch
                .add(&self.ledger, &mut standing, append, None)
                .is_err()
            {
                into.loose = loose.collect();
                return;
            }
        }
        self.standing = Some(standing);
    }

    /// What can be known without asking Postgres; the statement holds the rest.
    fn may_go_on(&self, standing: &Standing, now: Moment) -> bool {
        let head = &standing.end.head;
        let (name, last) = (&self.ledger.name, head.recorded_at);
        self.guard
            .is_content(self.ledger.id, standing.place.started)
            && self.clock.has_not_jumped(now)
            && check_last_entry(name, now.wall, last, head.clock_waived).is_ok()
    }

    /// Finds out which of the lost races are repetitions, now that all is stored that they were held
    /// against. Answers whether Postgres did; if not, the connection is of no more use.
    async fn recognise(&self, sealed: &mut Sealed, connection: impl sqlx::PgExecutor<'_>) -> bool {
        let admission = &mut sealed.batch.admission;
        let asked = recognise(connection, &self.ledger, admission);
        let answered = matches!(timeout(self.patience, asked).await, Ok(Ok(())));
        if !answered {
            sealed.batch.admission.leave_open();
        }
        answered
    }

    /// Keeps a connection for a next commit, if others need not wait for it.
    fn keep(&mut self, connection: PoolConnection<Postgres>) {
        let most = self.pool.options().get_max_connections();
        if self.pool.num_idle() > 0 || self.pool.size() < most {
            self.connections.push(connection);
        }
    }
}

/// Answers lost races that are repetitions of known commands, whose events moved their stream
/// themselves, with their receipts. The others are lost for sure.
async fn recognise(
    connection: impl sqlx::PgExecutor<'_>,
    ledger: &LedgerInfo,
    admission: &mut Admission,
) -> Result<(), sqlx::Error> {
    let lost: Vec<usize> = admission.lost_races().collect();
    if lost.is_empty() {
        return Ok(());
    }
    let append = |nth: &usize| &admission.appends[*nth];
    let actors: Vec<&str> = lost.iter().map(|nth| append(nth).actor.as_str()).collect();
    let ids: Vec<Uuid> = lost.iter().map(|nth| append(nth).command).collect();
    let known = find_commands(connection, ledger, &actors, &ids).await?;
    for nth in lost {
        let append = &admission.appends[nth];
        if let Some(known) = known.get(&(append.actor.clone(), append.command)) {
            admission.verdicts[nth] = Verdict::Answered(known.answer(&append.input_hash));
        }
    }
    Ok(())
}
