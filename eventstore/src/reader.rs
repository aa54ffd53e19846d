//! Reading entries by position.

use std::collections::HashMap;

use sealrock_ledger::{Checkpoint, Entry, Hash, Index, KeyRange, LogVerifier, Payload, SALT_BYTES};
use sqlx::{PgConnection, PgPool};

use crate::error::{StoreError, index, stored};
use crate::ledgers::LedgerId;

/// An entry as it is stored, with its payload.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The entry, read from its bytes.
    pub entry: Entry,
    /// The bytes: the truth.
    pub entry_bytes: Vec<u8>,
    /// Their leaf hash.
    pub leaf_hash: Hash,
    /// The payload, or `None` where it was erased.
    pub payload: Option<Payload>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct PayloadRow {
    pub(crate) index: i64,
    pub(crate) media: String,
    pub(crate) salt: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

/// Entry, leaf hash, index; media type, salt and bytes of the payload where it is there.
type ListedRow = (
    Vec<u8>,
    Vec<u8>,
    i64,
    Option<String>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
);

type EntryRow = (Vec<u8>, Vec<u8>);

/// Index, media type, salt and bytes; no bytes from where they would pass the bound.
type BoundedRow = (i64, String, Vec<u8>, Option<Vec<u8>>);

pub(crate) async fn read(
    pool: &PgPool,
    ledger: LedgerId,
    from: Index,
    limit: u32,
) -> Result<Vec<Recorded>, StoreError> {
    let rows: Vec<EntryRow> = sqlx::query_as(include_str!("sql/read_entries.sql"))
        .bind(ledger.0)
        .bind(stored(from.0))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    with_payloads(pool, ledger, rows).await
}

/// As [`read`], without looking for payloads.
pub(crate) async fn read_envelopes(
    pool: &PgPool,
    ledger: LedgerId,
    from: Index,
    limit: u32,
) -> Result<Vec<Recorded>, StoreError> {
    let rows: Vec<EntryRow> = sqlx::query_as(include_str!("sql/read_entries.sql"))
        .bind(ledger.0)
        .bind(stored(from.0))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(without_payload).collect()
}

/// As [`read`], cut where the payloads' bytes would pass `max_bytes`; at least one entry.
pub(crate) async fn read_bounded(
    pool: &PgPool,
    ledger: LedgerId,
    from: Index,
    limit: u32,
    max_bytes: u64,
) -> Result<Vec<Recorded>, StoreError> {
    let mut recorded = read_envelopes(pool, ledger, from, limit).await?;
    let payloads = bounded_payloads(pool, ledger, &recorded, max_bytes).await?;
    if let Some((index, ..)) = payloads.iter().find(|row| row.3.is_none()) {
        recorded.truncate(recorded.partition_point(|one| stored(one.entry.index.0) < *index));
    }
    merge(&mut recorded, payloads)?;
    Ok(recorded)
}

/// In the order of their indexes.
async fn bounded_payloads(
    pool: &PgPool,
    ledger: LedgerId,
    recorded: &[Recorded],
    max_bytes: u64,
) -> Result<Vec<BoundedRow>, StoreError> {
    let days = recorded.iter().map(|r| r.entry.recorded_at.date_naive());
    let (Some(first), Some(last)) = (recorded.first(), recorded.last()) else {
        return Ok(Vec::new());
    };
    Ok(
        sqlx::query_as(include_str!("sql/read_payloads_bounded.sql"))
            .bind(ledger.0)
            .bind(stored(first.entry.index.0))
            .bind(stored(last.entry.index.0))
            .bind(days.clone().min())
            .bind(days.max())
            .bind(i64::try_from(max_bytes).unwrap_or(i64::MAX))
            .fetch_all(pool)
            .await?,
    )
}

/// The entries from `from` to before `to` that are not of type `kind`, at most `limit`.
pub(crate) async fn read_without(
    pool: &PgPool,
    ledger: LedgerId,
    kind: &str,
    (from, to): (Index, Index),
    limit: u32,
) -> Result<Vec<Recorded>, StoreError> {
    let rows: Vec<EntryRow> = sqlx::query_as(include_str!("sql/read_entries_without.sql"))
        .bind(ledger.0)
        .bind(stored(from.0))
        .bind(stored(to.0))
        .bind(kind)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    with_payloads(pool, ledger, rows).await
}

/// Gives entries their payloads, both in the order of their indexes.
fn merge(recorded: &mut [Recorded], payloads: Vec<BoundedRow>) -> Result<(), StoreError> {
    let mut payloads = payloads.into_iter().peekable();
    for one in recorded {
        let own = |row: &BoundedRow| row.0 == stored(one.entry.index.0);
        if let Some((index, media, salt, Some(bytes))) = payloads.next_if(own) {
            one.payload = Some(payload(PayloadRow {
                index,
                media,
                salt,
                bytes,
            })?);
        }
    }
    Ok(())
}

/// The entries at these indexes, within a transaction of the caller's.
pub(crate) async fn read_listed(
    connection: &mut PgConnection,
    ledger: LedgerId,
    indexes: &[Index],
) -> Result<Vec<Recorded>, StoreError> {
    let indexes: Vec<i64> = indexes.iter().map(|index| stored(index.0)).collect();
    let rows: Vec<ListedRow> = sqlx::query_as(include_str!("sql/read_listed.sql"))
        .bind(ledger.0)
        .bind(indexes)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(listed).collect()
}

/// The leaf hashes of the entries at these indexes, in ascending order.
pub(crate) async fn leaf_hashes(
    pool: &PgPool,
    ledger: LedgerId,
    indexes: &[Index],
) -> Result<Vec<Hash>, StoreError> {
    let indexes: Vec<i64> = indexes.iter().map(|index| stored(index.0)).collect();
    let hashes: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT leaf_hash FROM events WHERE ledger_id = $1 AND index = ANY ($2) ORDER BY index",
    )
    .bind(ledger.0)
    .bind(indexes)
    .fetch_all(pool)
    .await?;
    hashes.iter().map(|bytes| hash(bytes)).collect()
}

fn listed((entry, leaf, index, media, salt, bytes): ListedRow) -> Result<Recorded, StoreError> {
    let found = media.zip(salt).zip(bytes);
    let row = found.map(|((media, salt), bytes)| PayloadRow {
        index,
        media,
        salt,
        bytes,
    });
    let recorded = without_payload((entry, leaf))?;
    Ok(Recorded {
        payload: row.map(payload).transpose()?,
        ..recorded
    })
}

pub(crate) async fn read_stream(
    pool: &PgPool,
    ledger: LedgerId,
    stream: &str,
    after_version: u64,
) -> Result<Vec<Recorded>, StoreError> {
    let rows: Vec<EntryRow> = sqlx::query_as(include_str!("sql/read_stream.sql"))
        .bind(ledger.0)
        .bind(stream)
        .bind(stored(after_version))
        .fetch_all(pool)
        .await?;
    with_payloads(pool, ledger, rows).await
}

/// The newest entry of each of these streams that has one, in the order of their indexes.
pub(crate) async fn newest_of(
    pool: &PgPool,
    ledger: LedgerId,
    streams: &[String],
) -> Result<Vec<Recorded>, StoreError> {
    let rows: Vec<EntryRow> = sqlx::query_as(include_str!("sql/newest_of.sql"))
        .bind(ledger.0)
        .bind(streams)
        .fetch_all(pool)
        .await?;
    with_payloads(pool, ledger, rows).await
}

pub(crate) async fn streams_with(
    pool: &PgPool,
    ledger: LedgerId,
    from: Index,
    to: Index,
    kinds: &[&str],
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT stream FROM events \
         WHERE ledger_id = $1 AND index >= $2 AND index < $3 AND type = ANY ($4)",
    )
    .bind(ledger.0)
    .bind(stored(from.0))
    .bind(stored(to.0))
    .bind(kinds)
    .fetch_all(pool)
    .await?)
}

pub(crate) async fn size(pool: &PgPool, ledger: LedgerId) -> Result<u64, StoreError> {
    let size: Option<i64> =
        sqlx::query_scalar("SELECT size FROM ledger_heads WHERE ledger_id = $1")
            .bind(ledger.0)
            .fetch_optional(pool)
            .await?;
    Ok(size.map_or(0, |size| index(size).0))
}

/// The signed checkpoints that are the first to contain one of the entries from `first` to `last`, and
/// those between, in their order.
pub(crate) async fn checkpoints_covering(
    pool: &PgPool,
    ledger: LedgerId,
    (first, last): (Index, Index),
) -> Result<Vec<String>, StoreError> {
    Ok(
        sqlx::query_scalar(include_str!("sql/checkpoints_covering.sql"))
            .bind(ledger.0)
            .bind(stored(first.0))
            .bind(stored(last.0))
            .fetch_all(pool)
            .await?,
    )
}

/// The newest signed checkpoint, or `None` for an empty ledger.
pub(crate) async fn last_checkpoint(
    pool: &PgPool,
    ledger: LedgerId,
) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT note FROM checkpoints WHERE ledger_id = $1 ORDER BY size DESC LIMIT 1",
    )
    .bind(ledger.0)
    .fetch_optional(pool)
    .await?)
}

/// All public keys that the ledger has had, oldest first.
pub(crate) async fn keys(
    connection: impl sqlx::PgExecutor<'_>,
    ledger: LedgerId,
) -> Result<Vec<KeyRange>, StoreError> {
    let rows: Vec<(String, i64, Option<i64>)> = sqlx::query_as(
        "SELECT vkey, from_size, through_size FROM log_keys WHERE ledger_id = $1 \
         ORDER BY from_size, vkey",
    )
    .bind(ledger.0)
    .fetch_all(connection)
    .await?;
    let range = |(vkey, from, through): (String, i64, Option<i64>)| KeyRange {
        vkey,
        from: index(from).0,
        through: through.map(|through| index(through).0),
    };
    Ok(rows.into_iter().map(range).collect())
}

/// Reads checkpoints of our own ledger with the public keys that it has had.
pub(crate) fn parse_checkpoints(
    keys: &[KeyRange],
    notes: &[String],
) -> Result<Vec<Checkpoint>, StoreError> {
    let verifier = LogVerifier::of(keys).map_err(unverified)?;
    let parsed = notes.iter().map(|note| verifier.verify(note.as_bytes()));
    parsed.map(|one| one.map_err(unverified)).collect()
}

fn unverified(error: impl std::fmt::Display) -> StoreError {
    StoreError::Fatal(format!("a stored checkpoint: {error}; run fsck"))
}

fn without_payload((entry_bytes, leaf_hash): EntryRow) -> Result<Recorded, StoreError> {
    let entry = Entry::read(&entry_bytes)
        .map_err(|e| StoreError::Fatal(format!("a stored entry cannot be read: {e}; run fsck")))?;
    Ok(Recorded {
        entry,
        leaf_hash: hash(&leaf_hash)?,
        entry_bytes,
        payload: None,
    })
}

async fn with_payloads(
    pool: &PgPool,
    ledger: LedgerId,
    rows: Vec<EntryRow>,
) -> Result<Vec<Recorded>, StoreError> {
    let mut recorded = rows
        .into_iter()
        .map(without_payload)
        .collect::<Result<Vec<_>, _>>()?;
    add_payloads(pool, ledger, &mut recorded).await?;
    Ok(recorded)
}

async fn add_payloads(
    pool: &PgPool,
    ledger: LedgerId,
    recorded: &mut [Recorded],
) -> Result<(), StoreError> {
    let indexes: Vec<i64> = recorded.iter().map(|r| stored(r.entry.index.0)).collect();
    let days = recorded.iter().map(|r| r.entry.recorded_at.date_naive());
    let (Some(first), Some(last)) = (days.clone().min(), days.max()) else {
        return Ok(());
    };
    let rows: Vec<PayloadRow> = sqlx::query_as(include_str!("sql/read_payloads.sql"))
        .bind(ledger.0)
        .bind(&indexes)
        .bind(first)
        .bind(last)
        .fetch_all(pool)
        .await?;
    let mut by_index = rows
        .into_iter()
        .map(|row| Ok((index(row.index), payload(row)?)))
        .collect::<Result<HashMap<_, _>, StoreError>>()?;
    for one in recorded {
        one.payload = by_index.remove(&one.entry.index);
    }
    Ok(())
}

pub(crate) fn payload(row: PayloadRow) -> Result<Payload, StoreError> {
    let salt: [u8; SALT_BYTES] = row.salt.try_into().map_err(|salt: Vec<u8>| {
        StoreError::Fatal(format!(
            "the salt of payload {} has {} bytes",
            row.index,
            salt.len()
        ))
    })?;
    Ok(Payload {
        media: row.media,
        salt,
        bytes: row.bytes,
    })
}

pub(crate) fn hash(bytes: &[u8]) -> Result<Hash, StoreError> {
    let hash = bytes.try_into().map_err(|_| {
        StoreError::Fatal(format!("a stored hash has {} bytes, not 32", bytes.len()))
    })?;
    Ok(Hash(hash))
}
