//! Aggregates over the store: loaded through cache and snapshots, appended with receipts.

mod cache;
mod cqrs;
mod snapshots;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, DomainEvent};
use sealrock_ledger::canonical_json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::append::{Append, Appended, Expected, NewEvent, Retention};
use crate::error::{AppendError, StoreError};
use crate::ledgers::LedgerInfo;
use crate::store::EventStore;
pub use cache::AggregateCache;
pub(crate) use snapshots::Snapshots;

/// A snapshot is stored each time a stream has grown by this many events.
const SNAPSHOT_EVERY: u64 = 64;

/// How an aggregate's events are written to and read from entries, and the version of the code that
/// folds them: a snapshot of another version is not used.
#[derive(Debug)]
pub struct Codec<E> {
    /// The fields of an event as JSON (its type and schema stand in the entry).
    pub encode: fn(&E) -> serde_json::Value,
    /// Reads an event from type, schema and payload bytes.
    pub decode: fn(&str, u32, &[u8]) -> Result<E, String>,
    /// Counted up whenever the aggregate's state or fold changes.
    pub code_version: i32,
}

/// An aggregate, as of a version of its stream.
#[derive(Debug)]
pub struct Loaded<A> {
    /// Shared with the cache while nobody changes it.
    aggregate: Arc<A>,
    stream: Arc<str>,
    version: u64,
}

/// Aggregates of one type in one ledger.
///
/// The cache may be behind (another process may have written); it is never wrong for a decision,
/// because the append expects the version that was decided on.
pub struct AggregateStore<A: Aggregate> {
    store: EventStore,
    ledger: LedgerInfo,
    codec: Arc<Codec<A::Event>>,
    cache: AggregateCache,
}

impl<A> Clone for Loaded<A> {
    fn clone(&self) -> Self {
        Self {
            aggregate: Arc::clone(&self.aggregate),
            stream: Arc::clone(&self.stream),
            version: self.version,
        }
    }
}

impl<A: Aggregate> Clone for AggregateStore<A> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            ledger: self.ledger.clone(),
            codec: Arc::clone(&self.codec),
            cache: self.cache.clone(),
        }
    }
}

impl<A> Loaded<A> {
    /// The state.
    #[must_use]
    pub fn state(&self) -> &A {
        &self.aggregate
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Version of the stream; 0 if it has no event.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }
}

impl<A: Aggregate + Clone + 'static> AggregateStore<A> {
    /// The aggregates of type `A` in `ledger`. `cache` may be that of other types and ledgers of the
    /// same store, and of clones of this; not of one with another codec.
    #[must_use]
    pub fn new(
        store: EventStore,
        ledger: LedgerInfo,
        codec: Codec<A::Event>,
        cache: AggregateCache,
    ) -> Self {
        Self {
            store,
            ledger,
            codec: Arc::new(codec),
            cache,
        }
    }

    /// The aggregate from the cache where it is there, else as [`AggregateStore::load_current`].
    ///
    /// # Errors
    /// If the database is away or an event cannot be read.
    pub async fn load(&self, id: &str) -> Result<Loaded<A>, StoreError> {
        let stream = stream_of::<A>(id);
        let loaded = self.cache.get(self.ledger.id, &stream);
        let outcome = if loaded.is_some() { "hit" } else { "miss" };
        metrics::counter!("sealrock_aggregate_cache_total", "outcome" => outcome).increment(1);
        match loaded {
            Some(loaded) => Ok(loaded),
            None => self.load_stream(stream).await,
        }
    }

    /// The aggregate with all events that are committed now.
    ///
    /// # Errors
    /// If the database is away or an event cannot be read.
    pub async fn load_current(&self, id: &str) -> Result<Loaded<A>, StoreError> {
        self.load_stream(stream_of::<A>(id)).await
    }

    async fn load_stream(&self, stream: Arc<str>) -> Result<Loaded<A>, StoreError> {
        let ledger = self.ledger.id;
        let cached = self.cache.get(ledger, &stream);
        let is_known = cached.is_some();
        let mut loaded = match cached {
            Some(loaded) => loaded,
            None => self.snapshot(stream).await?,
        };
        let version = loaded.version;
        let tail = self.store.read_stream(ledger, &loaded.stream, version);
        for recorded in tail.await? {
            let entry = &recorded.entry;
            let bytes = recorded
                .payload
                .as_ref()
                .map_or(&b""[..], |payload| &payload.bytes);
            let event = (self.codec.decode)(&entry.kind, entry.schema, bytes)
                .map_err(|e| StoreError::Fatal(format!("entry {}: {e}", entry.index)))?;
            Arc::make_mut(&mut loaded.aggregate).apply(event);
            loaded.version = entry.version;
        }
        if !is_known || loaded.version > version {
            self.cache.keep(ledger, &loaded);
        }
        Ok(loaded)
    }

    /// Appends what was decided on `loaded`, then folds it into the cached state. Of `loaded` only
    /// the version counts: deciding may have changed its state already.
    ///
    /// # Errors
    /// See [`AppendError`]. After a conflict the cached state is dropped: load again.
    pub async fn commit_events(
        &self,
        events: Vec<A::Event>,
        loaded: Loaded<A>,
        context: CommandContext,
    ) -> Result<Appended, AppendError> {
        let append = self.append_of(&events, &loaded, context)?;
        let (bytes, ledger) = (append.weight(), self.ledger.id);
        let Loaded {
            aggregate,
            stream,
            version,
        } = loaded;
        // A state that nobody else holds is folded in place.
        drop(aggregate);
        let appended = self.store.append(ledger, append).await;
        match &appended {
            Ok(Appended {
                duplicate: false, ..
            }) => self.fold(events, &stream, version, bytes),
            _ => self.cache.forget(ledger, &stream),
        }
        appended
    }

    /// Events decided on `loaded`, ready to be appended together with those of other aggregates.
    ///
    /// # Errors
    /// [`AppendError::Invalid`] for an event that cannot be written.
    pub fn new_events(
        &self,
        events: &[A::Event],
        loaded: &Loaded<A>,
    ) -> Result<Vec<NewEvent>, AppendError> {
        let new_event = |(event, expected): (&A::Event, u64)| {
            let invalid = |e: &dyn std::fmt::Display| AppendError::Invalid(e.to_string());
            Ok(NewEvent {
                stream: loaded.stream.to_string(),
                expected: Expected::Version(expected),
                kind: event.event_type(),
                schema: event.event_version().parse().map_err(|e| invalid(&e))?,
                media: "application/json".into(),
                bytes: canonical_json(&(self.codec.encode)(event)).map_err(|e| invalid(&e))?,
                retention: Retention::Kept,
            })
        };
        events.iter().zip(loaded.version..).map(new_event).collect()
    }

    fn append_of(
        &self,
        events: &[A::Event],
        loaded: &Loaded<A>,
        context: CommandContext,
    ) -> Result<Append, AppendError> {
        let events = self.new_events(events, loaded)?;
        let CommandContext {
            actor,
            command,
            input_hash,
            cause,
            via,
            received_at,
        } = context;
        Ok(Append {
            actor,
            command,
            input_hash,
            cause,
            via,
            received_at,
            unchanged: None,
            events,
        })
    }

    /// Stands for the input of a command of which only its events are known.
    fn input_hash(&self, events: &[A::Event]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for event in events {
            let fields = (self.codec.encode)(event).to_string();
            hash.update(format!(
                "{}\n{}\n{fields}\n",
                event.event_type(),
                event.event_version()
            ));
        }
        hash.finalize().into()
    }

    /// Folds committed events into the cached state. The state that they were decided on will not do:
    /// cqrs-es applies each event to it while the aggregate handles the command, and applying it
    /// again is how its own snapshots count twice.
    fn fold(&self, events: Vec<A::Event>, stream: &Arc<str>, before: u64, bytes: usize) {
        let (ledger, after) = (self.ledger.id, before + events.len() as u64);
        let folded = self.cache.fold::<A>(ledger, stream, before, events, bytes);
        if after / SNAPSHOT_EVERY == before / SNAPSHOT_EVERY {
            return;
        }
        // A state that is not here, or is behind, was not loaded since: the next one that is gets it.
        if let Some(folded) = folded.filter(|folded| folded.version >= after) {
            self.cache.keep(ledger, &folded);
            let (version, code) = (folded.version, self.codec.code_version);
            let snapshots = self.store.snapshots();
            snapshots.store(ledger, stream, version, code, folded.aggregate);
        }
    }

    /// The stored snapshot, or the empty state. A snapshot is only a cache: one that cannot be
    /// read, or that claims more events than there are, is as good as none.
    async fn snapshot(&self, stream: Arc<str>) -> Result<Loaded<A>, StoreError> {
        let row: Option<(i64, Vec<u8>)> = sqlx::query_as(include_str!("../sql/read_snapshot.sql"))
            .bind(self.ledger.id.0)
            .bind(&*stream)
            .bind(self.codec.code_version)
            .fetch_optional(self.store.pool())
            .await?;
        let state = row.and_then(|(version, state)| {
            Some((
                u64::try_from(version).ok()?,
                serde_json::from_slice(&state).ok()?,
            ))
        });
        let (version, aggregate) = state.unwrap_or_default();
        Ok(Loaded {
            aggregate: Arc::new(aggregate),
            stream,
            version,
        })
    }
}

/// Who commands, what, and how it reached us.
#[derive(Debug, Clone)]
pub struct CommandContext {
    /// `user/<id>`, `device/<id>` or `service/<name>`.
    pub actor: String,
    /// Idempotency key.
    pub command: Uuid,
    /// SHA-256 of the command's input.
    pub input_hash: [u8; 32],
    /// `<origin>#<index>` of the entry that led to this, or empty.
    pub cause: String,
    /// How it reached us.
    pub via: String,
    /// When it reached us.
    pub received_at: DateTime<Utc>,
}

fn stream_of<A: Aggregate>(id: &str) -> Arc<str> {
    format!("{}/{id}", A::TYPE).into()
}
