//! Erasing payloads and salts that an entry of the ledger says are erased. Entries stay, and with
//! them every proof.
//!
//! The entry comes first. From its commit on the erasure is decided; the rows are deleted when every
//! read model has folded it, which is for the caller to wait for. A crash at any line leaves an
//! erasure that [`EventStore::pending_erasures`] names, and [`EventStore::erase`] finishes.

mod days;
mod index_set;
mod retention;

use chrono::{DateTime, Utc};
use sealrock_ledger::record::{IndexRange, PayloadRedacted, Record, RetentionApplied, stream_of};
use sealrock_ledger::{Entry, Index};
use sqlx::{Executor, PgConnection, PgTransaction};

use crate::error::{StoreError, index, stored};
use crate::ledgers::{LedgerId, LedgerInfo};
use crate::reader::{self, PayloadRow};
use crate::store::EventStore;

pub use days::DroppedDay;
pub use index_set::IndexSet;

/// Indexes looked at in one transaction that deletes.
const CHUNK: u64 = 1_000;

/// An entry that says which payloads are erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// The entry.
    pub index: Index,
    /// Its version in the stream `ledger/<name>`.
    pub version: u64,
    /// Who decided it.
    pub actor: String,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// Which payloads; all of them stand before the entry.
    pub payloads: Vec<IndexRange>,
    /// Why.
    pub why: Why,
    /// Whether the rows are deleted.
    pub finished: bool,
}

/// Why payloads are erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A person decided it, for this reason.
    Redacted(String),
    /// Their evidence period is over: they were recorded before this time.
    Retained(DateTime<Utc>),
}

/// Why a payload may not be erased.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotErasable {
    /// There is no such entry.
    #[error("there is no entry {index}: the ledger has {size} entries, from 0")]
    NoEntry {
        /// The index asked for.
        index: Index,
        /// Entries in the ledger.
        size: u64,
    },
    /// The entry is of a stream whose payloads are for ever.
    #[error(
        "the payload of entry {index} may not be erased: it is of stream {stream}, and only \
         payloads of telemetry may be"
    )]
    Kept {
        /// The entry.
        index: Index,
        /// Its stream.
        stream: String,
    },
    /// It was erased before.
    #[error("the payload of entry {index} is erased already, by entry {by}")]
    Erased {
        /// The entry.
        index: Index,
        /// The entry that erased it.
        by: Index,
    },
    /// It is not there, and nothing says that it was erased.
    #[error("the payload of entry {index} is missing and no entry erases it: run `sealrock fsck`")]
    Missing {
        /// The entry.
        index: Index,
    },
}

type ErasingRow = (
    Vec<u8>,
    Option<String>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    bool,
);

impl EventStore {
    /// The entries behind `after_version` of stream `ledger/<name>` that erase payloads, in order.
    ///
    /// # Errors
    /// If the database is away, or one of them cannot be read or is not what its entry commits to.
    pub async fn erasures(
        &self,
        ledger: &LedgerInfo,
        after_version: u64,
    ) -> Result<Vec<Erasure>, StoreError> {
        let mut connection = self.pool().acquire().await?;
        let range = Versions {
            after: after_version,
            ..Versions::ALL
        };
        erasures(&mut connection, ledger, range).await
    }

    /// The version of a stream: its number of entries, 0 for a new one.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn stream_version(&self, ledger: LedgerId, stream: &str) -> Result<u64, StoreError> {
        let found: Option<(String, i64)> = sqlx::query_as(include_str!("../sql/versions.sql"))
            .bind(ledger.0)
            .bind([stream].as_slice())
            .fetch_optional(self.pool())
            .await?;
        Ok(found.map_or(0, |(_, version)| version.unsigned_abs()))
    }

    /// Erasures that are decided and not finished, in order.
    ///
    /// # Errors
    /// As [`EventStore::erasures`].
    pub async fn pending_erasures(&self, ledger: &LedgerInfo) -> Result<Vec<Erasure>, StoreError> {
        let mut connection = self.pool().acquire().await?;
        let pending = Versions {
            finished: false,
            ..Versions::ALL
        };
        erasures(&mut connection, ledger, pending).await
    }

    /// The first payload in `ranges` that may not be erased, and why; `None` if all may. May be:
    /// payloads of streams that begin with `streams`, which are there. `erased` are the erasures so
    /// far.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn not_erasable(
        &self,
        ledger: LedgerId,
        ranges: &[IndexRange],
        streams: &str,
        erased: &[Erasure],
    ) -> Result<Option<NotErasable>, StoreError> {
        let size = self.size(ledger).await?;
        let erased: Vec<(Index, IndexSet)> = erased
            .iter()
            .map(|one| (one.index, one.payloads.iter().copied().collect()))
            .collect();
        for range in ranges {
            if range.last.0 >= size {
                let index = range.last;
                return Ok(Some(NotErasable::NoEntry { index, size }));
            }
            let already = erased
                .iter()
                .find_map(|(by, payloads)| Some((*by, payloads.first_in(*range)?)));
            if let Some((by, index)) = already {
                return Ok(Some(NotErasable::Erased { index, by }));
            }
            let found: Option<(i64, Option<String>)> =
                sqlx::query_as(include_str!("../sql/not_erasable.sql"))
                    .bind(ledger.0)
                    .bind(stored(range.first.0))
                    .bind(stored(range.last.0))
                    .bind(streams)
                    .fetch_optional(self.pool())
                    .await?;
            if let Some((at, stream)) = found {
                let index = index(at);
                return Ok(Some(match stream {
                    Some(stream) => NotErasable::Kept { index, stream },
                    None => NotErasable::Missing { index },
                }));
            }
        }
        Ok(None)
    }

    /// Deletes the payloads that the entry at `entry` says are erased, and answers how many there
    /// were left. Doing it again deletes nothing more.
    ///
    /// **Crash contract.** Some hundreds of payloads a transaction; each looks up the entry first, so
    /// nothing is deleted that no committed entry names. After the last, the erasure is noted as
    /// finished; without that note it is pending, and erased again.
    ///
    /// **Rights.** The application may not delete payloads: each transaction acts as role
    /// `sealrock_erase`, of which the login must be a member.
    ///
    /// # Errors
    /// [`StoreError::Fatal`] if the entry erases nothing, or the login may not act as
    /// `sealrock_erase`; if the database is away.
    pub async fn erase(&self, ledger: &LedgerInfo, entry: Index) -> Result<u64, StoreError> {
        let mut erased = 0;
        let erasure = self.erasure(ledger, entry).await?;
        for range in erasure.payloads {
            for chunk in chunks(range) {
                let mut tx = self.begin_as_eraser().await?;
                erased += erase_chunk(&mut tx, ledger, entry, chunk).await?;
                tx.commit().await?;
            }
        }
        self.finish(ledger, entry).await?;
        metrics::counter!("sealrock_payloads_erased_total", "ledger" => ledger.name.to_string())
            .increment(erased);
        Ok(erased)
    }

    async fn erasure(&self, ledger: &LedgerInfo, entry: Index) -> Result<Erasure, StoreError> {
        let mut connection = self.pool().acquire().await?;
        named(&mut connection, ledger, entry).await
    }

    async fn finish(&self, ledger: &LedgerInfo, entry: Index) -> Result<(), StoreError> {
        let mut tx = self.begin_as_eraser().await?;
        sqlx::query(
            "INSERT INTO erasures (ledger_id, index) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(ledger.id.0)
        .bind(stored(entry.0))
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    async fn begin_as_eraser(&self) -> Result<PgTransaction<'static>, StoreError> {
        let mut tx = self.pool().begin().await?;
        tx.execute("SET LOCAL ROLE sealrock_erase")
            .await
            .map_err(|error| match error.as_database_error() {
                Some(refused) => StoreError::Fatal(format!(
                    "payloads cannot be erased, because this login may not act as sealrock_erase \
                     ({}): run `GRANT sealrock_erase TO <the login in DATABASE_URL>` as superuser",
                    refused.message()
                )),
                None => error.into(),
            })?;
        Ok(tx)
    }
}

/// Some entries and their payloads, by index, inside a transaction of the caller's on this database,
/// whatever its role and `search_path`: how a read model reads again what it has folded before.
///
/// # Errors
/// If the database is away or a row cannot be read.
pub async fn read_listed(
    connection: &mut PgConnection,
    ledger: LedgerId,
    indexes: &[Index],
) -> Result<Vec<reader::Recorded>, StoreError> {
    reader::read_listed(connection, ledger, indexes).await
}

/// The erasures of a ledger in a transaction of the caller's with `search_path` `sealrock`, in order.
/// Those that cannot be read, or are not what their entries commit to, are left out: they erase
/// nothing, and whoever checks the ledger finds their payload changed.
///
/// # Errors
/// If the database is away.
pub async fn readable_erasures(
    connection: &mut PgConnection,
    ledger: &LedgerInfo,
) -> Result<Vec<Erasure>, StoreError> {
    let rows = rows(connection, ledger, Versions::ALL).await?;
    Ok(rows.into_iter().filter_map(|row| read(row).ok()).collect())
}

/// Which entries of the stream.
struct Versions {
    after: u64,
    through: i64,
    finished: bool,
}

impl Versions {
    const ALL: Self = Self {
        after: 0,
        through: i64::MAX,
        finished: true,
    };
}

async fn erasures(
    connection: &mut PgConnection,
    ledger: &LedgerInfo,
    versions: Versions,
) -> Result<Vec<Erasure>, StoreError> {
    let rows = rows(connection, ledger, versions).await?;
    rows.into_iter().map(read).collect()
}

async fn rows(
    connection: &mut PgConnection,
    ledger: &LedgerInfo,
    versions: Versions,
) -> Result<Vec<ErasingRow>, StoreError> {
    Ok(sqlx::query_as(include_str!("../sql/erasing_entries.sql"))
        .bind(ledger.id.0)
        .bind(stream_of(&ledger.name))
        .bind(stored(versions.after))
        .bind(versions.through)
        .bind(versions.finished)
        .fetch_all(connection)
        .await?)
}

/// The erasure that the entry at `entry` is, from within the transaction that deletes.
async fn named(
    connection: &mut PgConnection,
    ledger: &LedgerInfo,
    entry: Index,
) -> Result<Erasure, StoreError> {
    let version: Option<i64> = sqlx::query_scalar(
        "SELECT version FROM events WHERE ledger_id = $1 AND index = $2 AND stream = $3",
    )
    .bind(ledger.id.0)
    .bind(stored(entry.0))
    .bind(stream_of(&ledger.name))
    .fetch_optional(&mut *connection)
    .await?;
    let found = match version {
        Some(through) => {
            let after = index(through).0.saturating_sub(1);
            let one = Versions {
                after,
                through,
                finished: true,
            };
            erasures(connection, ledger, one).await?
        }
        None => Vec::new(),
    };
    found.into_iter().next().ok_or_else(|| {
        let name = &ledger.name;
        StoreError::Fatal(format!("entry {entry} of {name} erases no payloads"))
    })
}

async fn erase_chunk(
    tx: &mut PgTransaction<'_>,
    ledger: &LedgerInfo,
    entry: Index,
    chunk: IndexRange,
) -> Result<u64, StoreError> {
    let erasure = named(tx, ledger, entry).await?;
    let inside = |range: &IndexRange| range.contains(chunk.first) && range.contains(chunk.last);
    if chunk.last >= entry || !erasure.payloads.iter().any(inside) {
        return Err(StoreError::Fatal(format!(
            "entry {entry} does not erase payloads {chunk}"
        )));
    }
    let erased: i64 = sqlx::query_scalar(include_str!("../sql/erase_payloads.sql"))
        .bind(ledger.id.0)
        .bind(stored(chunk.first.0))
        .bind(stored(chunk.last.0))
        .fetch_one(&mut **tx)
        .await?;
    Ok(erased.unsigned_abs())
}

fn chunks(range: IndexRange) -> impl Iterator<Item = IndexRange> {
    let IndexRange { first, last } = range;
    let firsts = (first.0..=last.0).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX));
    firsts.map(move |from| IndexRange {
        first: Index(from),
        last: Index((from + CHUNK - 1).min(last.0)),
    })
}

fn read((entry, media, salt, bytes, finished): ErasingRow) -> Result<Erasure, StoreError> {
    let entry = Entry::read(&entry)
        .map_err(|e| StoreError::Fatal(format!("a stored entry cannot be read: {e}; run fsck")))?;
    let unreadable = |reason: String| {
        let at = entry.index;
        StoreError::Fatal(format!(
            "entry {at} erases payloads and cannot be read: {reason}; run fsck"
        ))
    };
    let (Some(media), Some(salt), Some(bytes)) = (media, salt, bytes) else {
        return Err(unreadable("its own payload is missing".into()));
    };
    let payload = reader::payload(PayloadRow {
        index: stored(entry.index.0),
        media,
        salt,
        bytes,
    })?;
    if payload.commitment() != entry.payload {
        return Err(unreadable("its payload is not what it commits to".into()));
    }
    let (payloads, why) =
        said(&entry, &payload.bytes).map_err(|error| unreadable(error.to_string()))?;
    Ok(Erasure {
        index: entry.index,
        version: entry.version,
        actor: entry.actor,
        recorded_at: entry.recorded_at,
        payloads,
        why,
        finished,
    })
}

fn said(entry: &Entry, bytes: &[u8]) -> Result<(Vec<IndexRange>, Why), serde_json::Error> {
    if entry.kind == PayloadRedacted::KIND {
        let redacted: PayloadRedacted = serde_json::from_slice(bytes)?;
        return Ok((redacted.payloads, Why::Redacted(redacted.reason)));
    }
    let retained: RetentionApplied = serde_json::from_slice(bytes)?;
    Ok((retained.payloads, Why::Retained(retained.before)))
}

fn is_in_use(error: &sqlx::Error) -> bool {
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code == LOCK_NOT_AVAILABLE)
}
