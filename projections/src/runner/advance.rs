//! One step of a fold: read a batch, fold it, commit it with the checkpoint.

use std::sync::Arc;

use sealrock_eventstore::{EventStore, IndexSet, LedgerInfo, StoreError};
use sealrock_ledger::Index;
use sqlx::PgTransaction;
use tokio::sync::Semaphore;

use super::projection::{FoldError, Prepared, Projection};
use super::schema::{self, Schema};
use super::shown::Shown;
use super::source::{Source, Stretch};
use super::tail::Bounds;
use super::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS, checkpoint};

/// What a step did.
#[derive(Debug)]
pub(crate) enum Step {
    /// Entries were folded up to (not including) this index.
    Moved(u64),
    /// There is nothing to fold; this is the next index.
    Idle(u64),
    /// Another process had moved the checkpoint; read again from there.
    Elsewhere(u64),
    /// The entry at `index` cannot be folded; all before it are.
    Poisoned { index: Index, reason: String },
    /// The tables belong to another version of the code.
    OtherVersion(u32),
}

/// Why a step could not be done now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error("the event store cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("the read model cannot be written: {0}")]
    Database(#[from] sqlx::Error),
}

/// Folds one ledger into one schema of one read model, step by step.
pub(crate) struct Advance {
    pub(crate) store: EventStore,
    pub(crate) model: Arc<dyn Projection>,
    pub(crate) schema: Schema,
    pub(crate) ledger: LedgerInfo,
    /// Bounds the connections and the memory that all folds of a process take together.
    pub(crate) turns: Arc<Semaphore>,
    source: Source,
    next: Option<u64>,
    limit: u32,
    refusals: u8,
    erased: Erased,
    /// Whether the ledger that this one continues, if any, is folded to its end.
    parent_folded: bool,
}

/// What the ledger's entries erase, as far as they were read.
#[derive(Default)]
struct Erased {
    /// Version of the last such entry in the stream `ledger/<name>`.
    version: u64,
    payloads: IndexSet,
}

impl Advance {
    pub(crate) fn new(
        store: EventStore,
        model: Arc<dyn Projection>,
        schema: Schema,
        ledger: LedgerInfo,
        turns: Arc<Semaphore>,
        source: Source,
    ) -> Self {
        Self {
            store,
            model,
            schema,
            ledger,
            turns,
            source,
            next: None,
            limit: 64,
            refusals: 0,
            erased: Erased::default(),
            parent_folded: false,
        }
    }

    /// Does one step in a transaction of its own.
    pub(crate) async fn step(&mut self) -> Result<Step, StepError> {
        let Some(next) = self.next else {
            return self.find_place().await;
        };
        if !self.parent_is_folded().await? {
            return Ok(Step::Idle(next));
        }
        // Before reading: a turn bounds what all folds together hold in memory, too.
        let turns = Arc::clone(&self.turns);
        let _turn = turns.acquire().await;
        let stretch = self.read(next).await?;
        if stretch.end == next {
            // Another process may have gone on, or a rebuild may have changed the tables.
            return self.find_place().await;
        }
        self.fold_or_isolate(next, &stretch).await
    }

    /// A ledger that continues another one speaks of the same devices, so it is folded behind it: a
    /// read model finds things in the order in which they happened. The parent is closed and ends.
    async fn parent_is_folded(&mut self) -> Result<bool, StepError> {
        if let Some(parent) = self.ledger.continues
            && !self.parent_folded
        {
            let size = self.store.size(parent).await?;
            let schema = self.schema.name();
            let place = checkpoint::look(self.store.pool(), &schema, parent).await?;
            self.parent_folded = place.next >= size;
            return Ok(self.parent_folded);
        }
        Ok(true)
    }

    /// Whether the read model has folded the entry at `index`, whoever did it.
    pub(crate) async fn is_past(&self, index: Index) -> bool {
        let schema = self.schema.name();
        let place = checkpoint::look(self.store.pool(), &schema, self.ledger.id).await;
        place.is_ok_and(|place| place.next > index.0)
    }

    /// Folds up to `goal` inside the caller's transaction, which has entered the schema.
    pub(crate) async fn catch_up_within(
        &mut self,
        tx: &mut PgTransaction<'_>,
        goal: u64,
    ) -> Result<Step, StepError> {
        loop {
            let place = checkpoint::lock(tx, self.ledger.id).await?;
            if place.next >= goal {
                return Ok(Step::Moved(place.next));
            }
            let stretch = self.read(place.next).await?;
            if stretch.end == place.next {
                return Ok(Step::Moved(place.next));
            }
            match self.fold_within(tx, &stretch).await {
                Ok(()) => {}
                Err(FoldError::Poison { index, reason }) => {
                    return Ok(Step::Poisoned { index, reason });
                }
                Err(FoldError::Database(error)) => return Err(error.into()),
            }
        }
    }

    async fn fold_within(
        &self,
        tx: &mut PgTransaction<'_>,
        stretch: &Stretch,
    ) -> Result<(), FoldError> {
        self.prepare(&stretch.entries).await?;
        self.fold_entries(tx, &stretch.entries).await?;
        Ok(checkpoint::advance(tx, self.ledger.id, stretch.end).await?)
    }

    /// There may be none of this model's in a stretch of the ledger.
    async fn fold_entries(
        &self,
        tx: &mut PgTransaction<'_>,
        entries: &[Shown],
    ) -> Result<(), FoldError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.model.fold(tx, &self.ledger, entries).await
    }

    /// Only looks: it is asked by every idle follower now and then, and must not write.
    async fn find_place(&mut self) -> Result<Step, StepError> {
        let place =
            checkpoint::look(self.store.pool(), &self.schema.name(), self.ledger.id).await?;
        if place.version != self.model.version() {
            return Ok(Step::OtherVersion(place.version));
        }
        let known = self.next.replace(place.next);
        Ok(if known == Some(place.next) {
            Step::Idle(place.next)
        } else {
            Step::Elsewhere(place.next)
        })
    }

    /// At most [`MAX_BATCH_EVENTS`] entries and, beyond the first, [`MAX_BATCH_BYTES`] of payload.
    ///
    /// What an entry anywhere in the ledger erases is not shown, even where the row is still there: a
    /// fold takes out what it has folded of a payload when it comes to that entry, and could not if
    /// it had begun to fold the payload after the erasure was decided, because then nobody waits for it.
    async fn read(&mut self, next: u64) -> Result<Stretch, StepError> {
        let bounds = Bounds {
            entries: self.limit,
            bytes: MAX_BATCH_BYTES,
        };
        let mut stretch = self
            .source
            .read(&self.store, self.ledger.id, next, bounds)
            .await?;
        let read = u32::try_from(stretch.entries.len()).unwrap_or(u32::MAX);
        // Where payloads are large, entries that do not fit are not read again and again.
        let fitting = if read < self.limit {
            read.max(32)
        } else {
            self.limit
        };
        self.limit = fitting.saturating_mul(2).min(MAX_BATCH_EVENTS);
        self.learn_erasures().await?;
        for shown in &mut stretch.entries {
            if shown.payload.is_some() && self.erased.payloads.contains(shown.entry.index) {
                *shown = shown.without_payload();
            }
        }
        Ok(stretch)
    }

    async fn learn_erasures(&mut self) -> Result<(), StepError> {
        let new = self
            .store
            .erasures(&self.ledger, self.erased.version)
            .await?;
        if !new.is_empty() {
            // What is erased shall not stay in memory longer than it has to.
            self.source.forget().await;
        }
        for erasure in new {
            self.erased.version = erasure.version;
            for range in erasure.payloads {
                self.erased.payloads.insert(range);
            }
        }
        Ok(())
    }

    async fn begin(&self) -> sqlx::Result<PgTransaction<'static>> {
        let mut tx = self.store.pool().begin().await?;
        self.schema.enter_to_fold(&mut tx).await?;
        schema::lock_shared(&mut tx, &Schema::live(self.model.name()).name()).await?;
        Ok(tx)
    }

    async fn prepare(&self, batch: &[Shown]) -> Result<(), FoldError> {
        while self.model.prepares() {
            let mut tx = self.store.pool().begin().await?;
            self.schema.enter(&mut tx).await?;
            let prepared = self.model.prepare(&mut tx, &self.ledger, batch).await?;
            tx.commit().await?;
            if prepared == Prepared::Ready {
                break;
            }
        }
        Ok(())
    }

    /// Folds `batch`; one that Postgres refuses for what it holds is retried entry by entry, so
    /// that the reason is found and does not stop what stands before it.
    async fn fold_or_isolate(&mut self, next: u64, stretch: &Stretch) -> Result<Step, StepError> {
        let entries = &stretch.entries[..];
        match self.fold_and_commit(next, entries, stretch.end).await {
            Ok(step) => {
                self.refusals = 0;
                Ok(step)
            }
            Err(FoldError::Poison { index, reason }) => {
                self.poisoned(next, entries, index, reason).await
            }
            Err(FoldError::Database(error)) => match attempts_at(&error) {
                Some(attempts) => self.isolate(next, entries, error, attempts),
                None => Err(error.into()),
            },
        }
    }

    async fn fold_and_commit(
        &mut self,
        next: u64,
        batch: &[Shown],
        end: u64,
    ) -> Result<Step, FoldError> {
        self.prepare(batch).await?;
        let mut tx = self.begin().await?;
        let place = checkpoint::lock(&mut tx, self.ledger.id).await?;
        if place.version != self.model.version() {
            return Ok(Step::OtherVersion(place.version));
        }
        if place.next != next {
            self.next = Some(place.next);
            return Ok(Step::Elsewhere(place.next));
        }
        if !self.is_still_there(&mut tx, batch).await? {
            self.source.forget().await;
            return Ok(Step::Elsewhere(next));
        }
        self.fold_entries(&mut tx, batch).await?;
        checkpoint::advance(&mut tx, self.ledger.id, end).await?;
        tx.commit().await?;
        self.next = Some(end);
        Ok(Step::Moved(end))
    }

    /// Whether the entries, which were read some time ago, are in the database that is written to now.
    /// Each leaf covers the one before, so the last stands for all.
    async fn is_still_there(
        &self,
        tx: &mut PgTransaction<'_>,
        batch: &[Shown],
    ) -> sqlx::Result<bool> {
        let Some(last) = batch.last() else {
            return Ok(true);
        };
        let leaf: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT leaf_hash FROM sealrock.events WHERE ledger_id = $1 AND index = $2",
        )
        .bind(self.ledger.id.0)
        .bind(last.entry.index.0.cast_signed())
        .fetch_optional(&mut **tx)
        .await?;
        Ok(leaf.is_some_and(|leaf| leaf == last.leaf_hash.0))
    }

    /// Commits what stands before the poison entry, then answers it.
    async fn poisoned(
        &mut self,
        next: u64,
        batch: &[Shown],
        index: Index,
        reason: String,
    ) -> Result<Step, StepError> {
        let before = batch.partition_point(|entry| entry.entry.index < index);
        if before == 0 {
            return Ok(Step::Poisoned { index, reason });
        }
        match self.fold_and_commit(next, &batch[..before], index.0).await {
            Ok(Step::Moved(_)) => Ok(Step::Poisoned { index, reason }),
            Ok(other) => Ok(other),
            Err(FoldError::Poison { index, reason }) => Ok(Step::Poisoned { index, reason }),
            Err(FoldError::Database(error)) => Err(error.into()),
        }
    }

    fn isolate(
        &mut self,
        next: u64,
        batch: &[Shown],
        error: sqlx::Error,
        attempts: u8,
    ) -> Result<Step, StepError> {
        self.limit = 1;
        if batch.len() > 1 {
            // Read again, one by one.
            self.source.stop_reading_ahead();
            return Ok(Step::Elsewhere(next));
        }
        self.refusals += 1;
        // A stretch may hold nothing that is folded: then no entry is to blame.
        let Some(one) = batch.first().filter(|_| self.refusals >= attempts) else {
            return Err(error.into());
        };
        Ok(Step::Poisoned {
            index: one.entry.index,
            reason: format!("Postgres refuses what it folds to: {error}"),
        })
    }
}

/// How often an entry is tried alone that Postgres refuses for what it holds; `None` for errors that
/// pass and say nothing of the entry.
fn attempts_at(error: &sqlx::Error) -> Option<u8> {
    const DISK_FULL: &str = "53100";
    const TOO_MANY_CONNECTIONS: &str = "53300";
    let code = error.as_database_error()?.code()?;
    match code.get(..2)? {
        // Data exception, integrity, a limit of the program: trying again changes nothing.
        "22" | "23" | "54" => Some(2),
        "53" if code == DISK_FULL || code == TOO_MANY_CONNECTIONS => None,
        // Out of memory or locks: perhaps others used them, perhaps the entry needs too many.
        "53" => Some(6),
        _ => None,
    }
}
