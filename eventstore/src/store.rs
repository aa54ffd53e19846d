//! The store as callers see it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sealrock_ledger::{Checkpoint, Hash, Index, KeyRange, LedgerName, Origin};
use sqlx::PgPool;
use tokio::sync::watch;
use uuid::Uuid;

use crate::aggregate_store::Snapshots;
use crate::append::{Append, Appended};
use crate::error::{AppendError, StoreError, index};
use crate::keys::{KeySource, Signer};
use crate::ledgers::{self, LedgerId, LedgerInfo, LedgerKind};
use crate::reader::{self, Recorded};
use crate::room::Room;
use crate::sizes::Sizes;
use crate::stops::Stops;
use crate::writer::{Writer, WriterHandle, find_commands, require_not_the_logs_own};
use crate::writers::Writers;

/// How often entries that other processes appended are looked for.
const POLL: Duration = Duration::from_millis(500);

/// The append-only store. Cloning is cheap; all clones share one writer per ledger.
///
/// **Durability**: [`EventStore::append`] answers after COMMIT with fsync, and the commit holds the
/// signed checkpoint that covers the entries. **Order**: indexes are gapless and in commit order, so
/// a reader that goes by index misses nothing. **Crash**: an append is in the ledger whole or not
/// at all; one whose answer was lost may be repeated as it is and is recorded once.
#[derive(Clone)]
pub struct EventStore {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    keys: Arc<dyn KeySource>,
    host: String,
    sizes: Arc<Sizes>,
    stops: Arc<Stops>,
    successors: Successors,
    writers: Writers,
    room: Room,
    snapshots: Snapshots,
}

impl EventStore {
    /// Opens the store. `pool` comes from [`crate::connect`] on a migrated database. `origin_host`
    /// is the host part of every origin; the first start fixes it, later ones must say the same.
    ///
    /// # Errors
    /// If the database is away, or was first started with another `origin_host`.
    pub async fn open(
        pool: PgPool,
        keys: Arc<dyn KeySource>,
        origin_host: &str,
    ) -> Result<Self, StoreError> {
        fix_origin_host(&pool, origin_host).await?;
        let inner = Arc::new(Inner {
            snapshots: Snapshots::start(pool.clone()),
            pool,
            keys,
            host: origin_host.to_owned(),
            sizes: Arc::default(),
            stops: Arc::default(),
            successors: Successors::default(),
            writers: Writers::default(),
            room: Room::default(),
        });
        tokio::spawn(poll_sizes(Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// The connections that the store reads with.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    /// Makes a ledger, and its key where there is none. Doing it again changes nothing.
    ///
    /// # Errors
    /// If the database is away or the key cannot be had.
    pub async fn create_ledger(
        &self,
        name: &LedgerName,
        kind: LedgerKind,
        demo: bool,
    ) -> Result<LedgerInfo, StoreError> {
        if let Some(ledger) = self.ledger(name).await? {
            return Ok(ledger);
        }
        let origin = Origin::new(&self.inner.host, name);
        // The key first: a ledger without its key could never be appended to.
        let key = self.unused_key(name, &origin, Vec::new()).await?;
        ledgers::create(self.pool(), &origin, name, key.vkey(), kind, demo).await?;
        self.existing(name).await
    }

    /// All ledgers, oldest first.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn ledgers(&self) -> Result<Vec<LedgerInfo>, StoreError> {
        ledgers::all(self.pool()).await
    }

    /// The ledger of that name, if there is one.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn ledger(&self, name: &LedgerName) -> Result<Option<LedgerInfo>, StoreError> {
        ledgers::by_name(self.pool(), name).await
    }

    /// The ledger of that name.
    ///
    /// # Errors
    /// [`StoreError::UnknownLedger`] if there is none, and if the database is away.
    pub async fn existing(&self, name: &LedgerName) -> Result<LedgerInfo, StoreError> {
        self.ledger(name)
            .await?
            .ok_or_else(|| StoreError::UnknownLedger(name.clone()))
    }

    /// The ledger that takes what is to be recorded under this name: the one of that name, or the one
    /// that continues it.
    ///
    /// # Errors
    /// As [`EventStore::existing`].
    pub async fn current(&self, name: &LedgerName) -> Result<LedgerInfo, StoreError> {
        let mut ledger = self.existing(name).await?;
        while let Some(next) = self.successor(ledger.id).await? {
            ledger = next;
        }
        Ok(ledger)
    }

    /// The name under which what this ledger takes is recorded: its own, or that of the ledger which
    /// it continues in the end. It leads back by [`EventStore::current`].
    ///
    /// # Errors
    /// If the database is away.
    pub async fn recorded_under(&self, ledger: &LedgerInfo) -> Result<LedgerName, StoreError> {
        if ledger.continues.is_none() {
            return Ok(ledger.name.clone());
        }
        Ok(ledger.recorded_under(&self.ledgers().await?).clone())
    }

    /// The ledger that continues this one, which is closed then.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn successor(&self, ledger: LedgerId) -> Result<Option<LedgerInfo>, StoreError> {
        let continued: Option<i32> = sqlx::query_scalar(
            "SELECT continued_by FROM ledger_heads WHERE ledger_id = $1 AND continued_by IS NOT NULL",
        )
        .bind(ledger.0)
        .fetch_optional(self.pool())
        .await?;
        match continued {
            Some(_) => ledgers::continuation_of(self.pool(), ledger).await,
            None => Ok(None),
        }
    }

    /// Whether another ledger continues this one, as far as this process knows: it looks twice a
    /// second. To ask for sure, see [`EventStore::successor`].
    #[must_use]
    pub fn is_closed(&self, ledger: LedgerId) -> bool {
        self.inner.successors.is_closed(ledger)
    }

    /// Appends the events of one command, all or none, and waits until they are durable.
    ///
    /// A command (ledger, actor, command id) that is in the ledger already is answered with its
    /// first receipt. Waits while the writer's queue is full, or while the appends of this process
    /// that wait hold 256 MiB: that is the back-pressure.
    ///
    /// # Errors
    /// See [`AppendError`]: each variant says whether anything was appended and what to do.
    pub async fn append(&self, ledger: LedgerId, append: Append) -> Result<Appended, AppendError> {
        append.check()?;
        require_not_the_logs_own(&append)?;
        let room = self.inner.room.take(append.weight()).await;
        let start = self.start_writer(ledger);
        let writer = self.inner.writers.get(ledger, start).await?;
        writer.append(append, room).await
    }

    /// The answer to a command that is in the ledger already: its first receipt, or
    /// [`AppendError::CommandIdReused`] if it was other input. `None` if it is new.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn find_command(
        &self,
        ledger: &LedgerInfo,
        actor: &str,
        command: Uuid,
        input_hash: &[u8; 32],
    ) -> Result<Option<Result<Appended, AppendError>>, StoreError> {
        let found = find_commands(self.pool(), ledger, &[actor], &[command]).await?;
        Ok(found
            .into_values()
            .next()
            .map(|known| known.answer(input_hash)))
    }

    /// Number of entries.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn size(&self, ledger: LedgerId) -> Result<u64, StoreError> {
        reader::size(self.pool(), ledger).await
    }

    /// At most `limit` entries from index `from` on, gapless and in order.
    ///
    /// # Errors
    /// If the database is away or a row cannot be read.
    pub async fn read(
        &self,
        ledger: LedgerId,
        from: Index,
        limit: u32,
    ) -> Result<Vec<Recorded>, StoreError> {
        reader::read(self.pool(), ledger, from, limit).await
    }

    /// As [`EventStore::read`], for who wants no payloads: none has one here, erased or not.
    ///
    /// # Errors
    /// If the database is away or a row cannot be read.
    pub async fn read_envelopes(
        &self,
        ledger: LedgerId,
        from: Index,
        limit: u32,
    ) -> Result<Vec<Recorded>, StoreError> {
        reader::read_envelopes(self.pool(), ledger, from, limit).await
    }

    /// As [`EventStore::read`], but the answer ends before its payloads would have more than
    /// `max_bytes` bytes together. It holds at least one entry where there is one, however large.
    ///
    /// # Errors
    /// If the database is away or a row cannot be read.
    pub async fn read_bounded(
        &self,
        ledger: LedgerId,
        from: Index,
        limit: u32,
        max_bytes: u64,
    ) -> Result<Vec<Recorded>, StoreError> {
        reader::read_bounded(self.pool(), ledger, from, limit, max_bytes).await
    }

    /// The entries from index `from` to before `to` that are not of type `kind`, in order and at most
    /// `limit`. Payloads of that type are not read.
    ///
    /// # Errors
    /// If the database is away or a row cannot be read.
    pub async fn read_without(
        &self,
        ledger: LedgerId,
        kind: &str,
        range: (Index, Index),
        limit: u32,
    ) -> Result<Vec<Recorded>, StoreError> {
        reader::read_without(self.pool(), ledger, kind, range, limit).await
    }

    /// The leaf hashes of the entries at these indexes, in ascending order, without their payloads.
    ///
    /// # Errors
    /// If the database is away or a row cannot be read.
    pub async fn leaf_hashes(
        &self,
        ledger: LedgerId,
        indexes: &[Index],
    ) -> Result<Vec<Hash>, StoreError> {
        reader::leaf_hashes(self.pool(), ledger, indexes).await
    }

    /// The entries of one stream after a version, in order.
    ///
    /// # Errors
    /// If the database is away or a row cannot be read.
    pub async fn read_stream(
        &self,
        ledger: LedgerId,
        stream: &str,
        after_version: u64,
    ) -> Result<Vec<Recorded>, StoreError> {
        reader::read_stream(self.pool(), ledger, stream, after_version).await
    }

    /// The newest entry of each of these streams that has one, in the order of their indexes, whatever
    /// that of the streams or how often one is named.
    ///
    /// # Errors
    /// If the database is away or a row cannot be read.
    pub async fn newest_of(
        &self,
        ledger: LedgerId,
        streams: &[String],
    ) -> Result<Vec<Recorded>, StoreError> {
        reader::newest_of(self.pool(), ledger, streams).await
    }

    /// The streams that have an entry of one of these types from index `from` to before `to`, without
    /// reading payloads.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn streams_with(
        &self,
        ledger: LedgerId,
        from: Index,
        to: Index,
        kinds: &[&str],
    ) -> Result<Vec<String>, StoreError> {
        reader::streams_with(self.pool(), ledger, from, to, kinds).await
    }

    /// All public keys that the ledger has had, oldest first, each with the trees that it signs.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn keys(&self, ledger: LedgerId) -> Result<Vec<KeyRange>, StoreError> {
        reader::keys(self.pool(), ledger).await
    }

    /// The signed checkpoints that are the first to contain one of the entries from `first` to `last`,
    /// and those between, in their order. Each entry's own is the first that is larger than its index.
    ///
    /// # Errors
    /// If the database is away, or a stored checkpoint does not verify.
    pub async fn checkpoints_covering(
        &self,
        ledger: &LedgerInfo,
        (first, last): (Index, Index),
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let notes = reader::checkpoints_covering(self.pool(), ledger.id, (first, last)).await?;
        if notes.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.keys(ledger.id).await?;
        reader::parse_checkpoints(&keys, &notes)
    }

    /// The newest signed checkpoint, or `None` for an empty ledger.
    ///
    /// # Errors
    /// As [`EventStore::checkpoints_covering`].
    pub async fn last_checkpoint(
        &self,
        ledger: &LedgerInfo,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let Some(note) = reader::last_checkpoint(self.pool(), ledger.id).await? else {
            return Ok(None);
        };
        let keys = self.keys(ledger.id).await?;
        Ok(reader::parse_checkpoints(&keys, &[note])?.pop())
    }

    /// Woken when the ledger grows: at once for appends of this process, within half a second for
    /// those of others. Starts at 0, not at the ledger's size.
    #[must_use]
    pub fn watch_size(&self, ledger: LedgerId) -> watch::Receiver<u64> {
        self.inner.sizes.watch(ledger)
    }

    /// Takes no more appends and returns when those that were taken are answered.
    pub async fn close(&self) {
        for writer in self.inner.writers.close() {
            writer.close().await;
        }
    }

    pub(crate) fn host(&self) -> &str {
        &self.inner.host
    }

    /// Looks now for what other processes and own writers did.
    pub(crate) async fn poll_once(&self) -> Result<(), StoreError> {
        Ok(poll(&self.inner).await?)
    }

    /// Signs no more of this ledger in this process.
    pub(crate) fn stop(&self, ledger: LedgerId, reason: &str) {
        self.inner.stops.stop(ledger, reason);
    }

    pub(crate) fn snapshots(&self) -> &Snapshots {
        &self.inner.snapshots
    }

    #[cfg(test)]
    pub(crate) fn writers(&self) -> &Writers {
        &self.inner.writers
    }

    async fn start_writer(&self, ledger: LedgerId) -> Result<WriterHandle, StoreError> {
        let all = self.ledgers().await?;
        let info = all
            .into_iter()
            .find(|info| info.id == ledger)
            .ok_or_else(|| StoreError::Fatal(format!("there is no ledger with id {ledger}")))?;
        let (keys, pool) = (Arc::clone(&self.inner.keys), self.pool().clone());
        let (sizes, stops) = (Arc::clone(&self.inner.sizes), Arc::clone(&self.inner.stops));
        Ok(Writer::start(pool, info, keys, sizes, stops))
    }

    /// A writer beside the one that takes appends: they take turns by the head row.
    pub(crate) fn own_writer(&self, ledger: &LedgerInfo) -> Writer {
        let (keys, pool) = (Arc::clone(&self.inner.keys), self.pool().clone());
        let (sizes, stops) = (Arc::clone(&self.inner.sizes), Arc::clone(&self.inner.stops));
        Writer::new(pool, ledger.clone(), keys, sizes, stops)
    }

    /// A key that the ledger does not have yet. Key sources do file I/O, so they run off the async
    /// threads.
    pub(crate) async fn unused_key(
        &self,
        name: &LedgerName,
        origin: &Origin,
        known: Vec<KeyRange>,
    ) -> Result<Signer, StoreError> {
        let (keys, name, origin) = (Arc::clone(&self.inner.keys), name.clone(), origin.clone());
        let get = move || keys.unused(&name, &origin, &known);
        let key = tokio::task::spawn_blocking(get)
            .await
            .map_err(|e| StoreError::Fatal(format!("the key source failed: {e}")))?;
        Ok(key?)
    }
}

async fn fix_origin_host(pool: &PgPool, host: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO platform (origin_host) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(host)
        .execute(pool)
        .await?;
    let fixed: String = sqlx::query_scalar("SELECT origin_host FROM platform")
        .fetch_one(pool)
        .await?;
    if fixed == host {
        return Ok(());
    }
    Err(StoreError::Fatal(format!(
        "this database was first started with SEALROCK_ORIGIN={fixed}, now it is {host}: \
         an origin never changes, set it back"
    )))
}

/// Finds what other processes appended. Ends with the store.
async fn poll_sizes(store: Weak<Inner>) {
    loop {
        tokio::time::sleep(POLL).await;
        let Some(inner) = store.upgrade() else { return };
        if let Err(error) = poll(&inner).await {
            tracing::debug!(%error, "cannot look for new entries");
        }
    }
}

async fn poll(inner: &Inner) -> Result<(), sqlx::Error> {
    let heads: Vec<(i32, i64, Option<i32>)> =
        sqlx::query_as("SELECT ledger_id, size, continued_by FROM ledger_heads")
            .fetch_all(&inner.pool)
            .await?;
    for (id, size, continued_by) in heads {
        inner.sizes.publish(LedgerId(id), index(size).0);
        if continued_by.is_some() {
            inner.successors.close(LedgerId(id));
        }
    }
    Ok(())
}

/// Ledgers that others continue.
#[derive(Default)]
struct Successors(Mutex<HashSet<LedgerId>>);

impl Successors {
    fn close(&self, ledger: LedgerId) {
        self.lock().insert(ledger);
    }

    fn is_closed(&self, ledger: LedgerId) -> bool {
        self.lock().contains(&ledger)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<LedgerId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
