//! Building a read model anew beside the live one, then exchanging the two.

use std::sync::Arc;
use std::time::Duration;

use sealrock_eventstore::{LedgerInfo, StoreError};
use sealrock_ledger::{Index, LedgerName};
use sqlx::{PgConnection, PgTransaction};
use tokio_util::sync::CancellationToken;

use super::advance::{Step, StepError};
use super::backoff::Backoff;
use super::projection::Projection;
use super::schema::{self, Schema};
use super::source::Source;
use super::{Runner, RunnerError, State, checkpoint, stops};

/// How long a server waits for another process that rebuilds the same read model.
const OTHERS_TURN: Duration = Duration::from_secs(5);

/// What a rebuild did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// The read model.
    pub projection: String,
    /// Entries that were folded, over all ledgers. Those of an interrupted rebuild that was
    /// continued are counted.
    pub entries: u64,
}

/// Why a read model was not rebuilt. The live tables are as they were.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// No such read model.
    #[error("there is no read model {name:?}; there are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// Another process is at it.
    #[error("{0} is being rebuilt already: `sealrock projections status` shows how far it is")]
    Running(&'static str),
    /// An entry cannot be folded. What was built is thrown away.
    #[error("{projection} cannot fold entry {index} of {ledger}: {reason}")]
    Poison {
        /// The read model.
        projection: &'static str,
        /// The ledger.
        ledger: LedgerName,
        /// The entry.
        index: Index,
        /// What is wrong with it.
        reason: String,
    },
    /// The token was cancelled. What was built is kept, and continued by the next rebuild.
    #[error("the rebuild was interrupted; the next one continues it")]
    Interrupted,
    /// Postgres is away. What was built is kept, and continued by the next rebuild.
    #[error(transparent)]
    Unavailable(#[from] RunnerError),
}

impl From<sqlx::Error> for RebuildError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<StoreError> for RebuildError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<StepError> for RebuildError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Store(error) => error.into(),
            StepError::Database(error) => error.into(),
        }
    }
}

impl Runner {
    /// Builds read model `name` anew, beside the live tables in schema `rm_<name>_next`, and then
    /// puts it in their place.
    ///
    /// Queries and folds go on all the while, in this process and in others; folds wait during the
    /// exchange. In **one transaction** the new tables catch up with the live ones, take their name,
    /// and the recorded stops are forgotten. The replaced tables are dropped afterwards, when no
    /// query holds them.
    ///
    /// A rebuild that was interrupted by a crash or by `token` is continued if the half-built tables
    /// are of this code's version; otherwise they are thrown away.
    ///
    /// # Errors
    /// [`RebuildError`]; the live tables are untouched then.
    pub async fn rebuild(
        &self,
        name: &str,
        token: &CancellationToken,
    ) -> Result<Rebuilt, RebuildError> {
        let model = self.find_model(name)?;
        self.prepare().await?;
        let lock = self.rebuild_lock(model.name()).await?;
        let rebuilt = self.rebuild_alone(&model, token).await;
        release(lock).await;
        rebuilt
    }

    async fn rebuild_alone(
        &self,
        model: &Arc<dyn Projection>,
        token: &CancellationToken,
    ) -> Result<Rebuilt, RebuildError> {
        self.drop_old(model.name()).await?;
        self.begin_next(model).await?;
        loop {
            self.fill_next(model, token).await?;
            let next = Schema::next(model.name());
            next.index(self.store().pool(), model.as_ref()).await?;
            // What came while the keys were made: the exchange shuts everybody out and must be short.
            self.fill_next(model, token).await?;
            let entries = self.exchange(model).await?;
            if let Some(entries) = entries {
                self.drop_old_or_leave(model.name()).await;
                return Ok(Rebuilt {
                    projection: model.name().to_owned(),
                    entries,
                });
            }
        }
    }

    /// Rebuilds the model as often as it takes, if its tables are of another version.
    pub(crate) async fn rebuild_if_outdated(
        &self,
        model: &Arc<dyn Projection>,
        token: &CancellationToken,
    ) {
        let mut backoff = Backoff::default();
        while !token.is_cancelled() {
            let delay = match self.rebuild_once_if_outdated(model, token).await {
                Ok(()) => return,
                Err(RebuildError::Running(_)) => OTHERS_TURN,
                Err(error @ RebuildError::Poison { .. }) => {
                    return tracing::error!(%error, "a read model stays at its old version");
                }
                Err(error) => {
                    tracing::warn!(%error, "a rebuild is tried again");
                    backoff.next()
                }
            };
            tokio::select! {
                () = token.cancelled() => {}
                () = tokio::time::sleep(delay) => {}
            }
        }
    }

    async fn rebuild_once_if_outdated(
        &self,
        model: &Arc<dyn Projection>,
        token: &CancellationToken,
    ) -> Result<(), RebuildError> {
        let mut connection = self.store().pool().acquire().await?;
        let stored = Schema::live(model.name()).version(&mut connection).await?;
        drop(connection);
        if stored == Some(model.version()) {
            return Ok(());
        }
        tracing::info!(
            projection = model.name(),
            ?stored,
            version = model.version(),
            "a read model is rebuilt"
        );
        let rebuilt = self.rebuild(model.name(), token).await?;
        tracing::info!(
            projection = model.name(),
            entries = rebuilt.entries,
            "a read model was rebuilt"
        );
        Ok(())
    }

    fn find_model(&self, name: &str) -> Result<Arc<dyn Projection>, RebuildError> {
        let found = self.models().iter().find(|model| model.name() == name);
        found.cloned().ok_or_else(|| RebuildError::Unknown {
            name: name.to_owned(),
            known: self.names().collect::<Vec<_>>().join(", "),
        })
    }

    /// Held as long as the connection lives, which is not the pool's any more: it ends with us.
    async fn rebuild_lock(&self, name: &'static str) -> Result<PgConnection, RebuildError> {
        let mut connection = self.store().pool().acquire().await?.detach();
        let free: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended($1, 0))")
            .bind(format!("rebuild rm_{name}"))
            .fetch_one(&mut connection)
            .await?;
        if free {
            Ok(connection)
        } else {
            Err(RebuildError::Running(name))
        }
    }

    async fn begin_next(&self, model: &Arc<dyn Projection>) -> Result<(), RebuildError> {
        let next = Schema::next(model.name());
        let pool = self.store().pool();
        let stored = next.version(&mut *pool.acquire().await?).await?;
        if stored.is_some_and(|stored| stored != model.version()) {
            self.drop_schema(&next).await?;
        }
        next.ensure(pool, model.as_ref()).await?;
        Ok(())
    }

    /// Folds until the next tables are at the head of every ledger, as far as one can be.
    async fn fill_next(
        &self,
        model: &Arc<dyn Projection>,
        token: &CancellationToken,
    ) -> Result<(), RebuildError> {
        for ledger in self.store().ledgers().await? {
            self.fill_next_from(model, &ledger, token).await?;
        }
        Ok(())
    }

    async fn fill_next_from(
        &self,
        model: &Arc<dyn Projection>,
        ledger: &LedgerInfo,
        token: &CancellationToken,
    ) -> Result<(), RebuildError> {
        let mut advance = self.advance(model, Schema::next(model.name()), ledger, source(model));
        let mut backoff = Backoff::default();
        while !token.is_cancelled() {
            match advance.step().await {
                Ok(Step::Idle(_)) => return Ok(()),
                Ok(Step::Moved(_) | Step::Elsewhere(_)) => backoff = Backoff::default(),
                Ok(Step::Poisoned { index, reason }) => {
                    return Err(self.give_up(model, ledger, index, reason).await);
                }
                Ok(Step::OtherVersion(_)) => return Err(RebuildError::Running(model.name())),
                Err(error) => {
                    tracing::warn!(projection = model.name(), %error, "a rebuild waits");
                    tokio::time::sleep(backoff.next()).await;
                }
            }
        }
        Err(RebuildError::Interrupted)
    }

    async fn give_up(
        &self,
        model: &Arc<dyn Projection>,
        ledger: &LedgerInfo,
        index: Index,
        reason: String,
    ) -> RebuildError {
        let projection = model.name();
        if let Err(error) = self.drop_schema(&Schema::next(projection)).await {
            tracing::warn!(projection, %error, "half-built tables stay until the next rebuild");
        }
        RebuildError::Poison {
            projection,
            ledger: ledger.name.clone(),
            index,
            reason,
        }
    }

    /// Puts the next tables in the place of the live ones; the number of entries they hold.
    async fn exchange(&self, model: &Arc<dyn Projection>) -> Result<Option<u64>, RebuildError> {
        let (live, next) = (Schema::live(model.name()), Schema::next(model.name()));
        let ledgers = self.store().ledgers().await?;
        let mut tx = self.store().pool().begin().await?;
        schema::lock_exclusive(&mut tx, &live.name()).await?;
        let goals = checkpoint::all(&mut tx, &live.name()).await?;
        next.enter(&mut tx).await?;
        for (id, goal) in goals {
            let Some(ledger) = ledgers.iter().find(|ledger| ledger.id == id) else {
                // A ledger made since they were listed: fold it first.
                return Ok(None);
            };
            self.catch_up(model, ledger, goal, &mut tx).await?;
        }
        let entries = checkpoint::all(&mut tx, &next.name()).await?;
        stops::clear_all(&mut tx, model.name()).await?;
        live.rename(&Schema::old(model.name()), &mut tx).await?;
        next.rename(&live, &mut tx).await?;
        tx.commit().await?;
        for (ledger, next) in &entries {
            self.report(model.name(), *ledger, State::Running);
            self.positions().raise(model.name(), *ledger, *next);
        }
        Ok(Some(entries.iter().map(|(_, next)| next).sum()))
    }

    async fn catch_up(
        &self,
        model: &Arc<dyn Projection>,
        ledger: &LedgerInfo,
        goal: u64,
        tx: &mut PgTransaction<'_>,
    ) -> Result<(), RebuildError> {
        let mut advance = self.advance(model, Schema::next(model.name()), ledger, source(model));
        match advance.catch_up_within(tx, goal).await? {
            Step::Poisoned { index, reason } => Err(RebuildError::Poison {
                projection: model.name(),
                ledger: ledger.name.clone(),
                index,
                reason,
            }),
            _ => Ok(()),
        }
    }
}

fn source(model: &Arc<dyn Projection>) -> Source {
    if model.folds_batches() {
        Source::Ahead(None)
    } else {
        Source::WithoutBatches
    }
}

/// Ends a rebuild's turn before it answers: with the end of the connection alone Postgres lets go
/// of the lock a moment later, and who tries again at once would be told that a rebuild is running.
async fn release(mut lock: PgConnection) {
    let released = sqlx::query("SELECT pg_advisory_unlock_all()")
        .execute(&mut lock)
        .await;
    if let Err(error) = released {
        tracing::debug!(%error, "the lock of a rebuild ends with its connection");
    }
}
