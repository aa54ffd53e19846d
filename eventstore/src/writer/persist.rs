//! Writes a chained commit, and finds out what became of it when COMMIT did not answer.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sealrock_ledger::Checkpoint;
use sqlx::{PgPool, PgTransaction};

use super::admit::Admission;
use super::chain::{Chained, ChainedEntry};
use super::change::Effect;
use crate::append::Retention;
use crate::error::{AppendError, stored};
use crate::ledgers::LedgerId;

/// Begins a transaction that waits neither for a lock nor for us without end.
pub(super) const BEGIN: &str = include_str!("../sql/begin_append.sql");
/// How long to wait for one answer about a commit; longer than a lock may take.
const ASKING: Duration = Duration::from_secs(15);

/// Where a commit can break; the fault table goes through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The head row is locked, nothing is written.
    Locked,
    /// Everything is written, COMMIT was not sent.
    Inserted,
    /// COMMIT was sent, its answer was lost.
    Committed,
    /// All is committed, and what is kept outside the database is not written.
    Noted,
}

/// What became of a commit whose answer was lost.
pub(super) enum Committed {
    Yes,
    No,
    Unknown,
}

pub(super) async fn insert(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    admission: &Admission,
    chained: &Chained,
    effect: &Effect,
    checkpoint: &Checkpoint,
) -> Result<(), AppendError> {
    insert_events(tx, ledger, &chained.entries).await?;
    insert_payloads(tx, ledger, &chained.entries).await?;
    insert_batch_payloads(tx, ledger, &chained.entries).await?;
    upsert_streams(tx, ledger, admission, chained).await?;
    insert_commands(tx, ledger, admission, chained).await?;
    insert_tiles(tx, ledger, chained).await?;
    effect.store(tx, ledger, chained).await?;
    sqlx::query("INSERT INTO checkpoints (ledger_id, size, note) VALUES ($1, $2, $3)")
        .bind(ledger.0)
        .bind(stored(checkpoint.size))
        .bind(&checkpoint.note)
        .execute(&mut **tx)
        .await?;
    move_head(tx, ledger, chained).await
}

/// Asks the database whether the commit that `checkpoint` signed is in it. Locking the head row
/// waits for a COMMIT that may still be under way in a backend that has lost us.
pub(super) async fn outcome(pool: &PgPool, ledger: LedgerId, checkpoint: &Checkpoint) -> Committed {
    for attempt in 0..8u32 {
        tokio::time::sleep(Duration::from_millis(20) * 2u32.pow(attempt)).await;
        match tokio::time::timeout(ASKING, stored_note(pool, ledger, checkpoint)).await {
            Ok(Ok(Some(note))) if note == checkpoint.note => return Committed::Yes,
            Ok(Ok(_)) => return Committed::No,
            Ok(Err(error)) => tracing::warn!(%error, "cannot yet ask what became of a commit"),
            Err(_) => tracing::warn!("Postgres does not yet say what became of a commit"),
        }
    }
    Committed::Unknown
}

async fn stored_note(
    pool: &PgPool,
    ledger: LedgerId,
    checkpoint: &Checkpoint,
) -> Result<Option<String>, sqlx::Error> {
    let mut tx = pool.begin_with(BEGIN).await?;
    sqlx::query("SELECT size FROM ledger_heads WHERE ledger_id = $1 FOR UPDATE")
        .bind(ledger.0)
        .execute(&mut *tx)
        .await?;
    sqlx::query_scalar("SELECT note FROM checkpoints WHERE ledger_id = $1 AND size = $2")
        .bind(ledger.0)
        .bind(stored(checkpoint.size))
        .fetch_optional(&mut *tx)
        .await
}

async fn insert_events(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    entries: &[ChainedEntry],
) -> Result<(), AppendError> {
    sqlx::query(include_str!("../sql/insert_events.sql"))
        .bind(ledger.0)
        .bind(
            entries
                .iter()
                .map(|e| stored(e.entry.index.0))
                .collect::<Vec<_>>(),
        )
        .bind(
            entries
                .iter()
                .map(|e| e.bytes.as_slice())
                .collect::<Vec<_>>(),
        )
        .bind(
            entries
                .iter()
                .map(|e| e.leaf_hash.0.as_slice())
                .collect::<Vec<_>>(),
        )
        .bind(
            entries
                .iter()
                .map(|e| e.entry.stream.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            entries
                .iter()
                .map(|e| stored(e.entry.version))
                .collect::<Vec<_>>(),
        )
        .bind(
            entries
                .iter()
                .map(|e| e.entry.kind.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            entries
                .iter()
                .map(|e| e.entry.recorded_at)
                .collect::<Vec<DateTime<Utc>>>(),
        )
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn insert_payloads(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    entries: &[ChainedEntry],
) -> Result<(), AppendError> {
    let kept: Vec<_> = entries
        .iter()
        .filter(|e| e.retention == Retention::Kept)
        .collect();
    if kept.is_empty() {
        return Ok(());
    }
    sqlx::query(include_str!("../sql/insert_payloads.sql"))
        .bind(ledger.0)
        .bind(
            kept.iter()
                .map(|e| stored(e.entry.index.0))
                .collect::<Vec<_>>(),
        )
        .bind(
            kept.iter()
                .map(|e| e.payload.media.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            kept.iter()
                .map(|e| e.payload.salt.as_slice())
                .collect::<Vec<_>>(),
        )
        .bind(
            kept.iter()
                .map(|e| e.payload.bytes.as_slice())
                .collect::<Vec<_>>(),
        )
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn insert_batch_payloads(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    entries: &[ChainedEntry],
) -> Result<(), AppendError> {
    let batches: Vec<_> = entries
        .iter()
        .filter(|e| e.retention == Retention::Batch)
        .collect();
    if batches.is_empty() {
        return Ok(());
    }
    sqlx::query(include_str!("../sql/insert_batch_payloads.sql"))
        .bind(ledger.0)
        .bind(
            batches
                .iter()
                .map(|e| stored(e.entry.index.0))
                .collect::<Vec<_>>(),
        )
        .bind(
            batches
                .iter()
                .map(|e| e.entry.recorded_at.date_naive())
                .collect::<Vec<_>>(),
        )
        .bind(
            batches
                .iter()
                .map(|e| e.payload.media.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            batches
                .iter()
                .map(|e| e.payload.salt.as_slice())
                .collect::<Vec<_>>(),
        )
        .bind(
            batches
                .iter()
                .map(|e| e.payload.bytes.as_slice())
                .collect::<Vec<_>>(),
        )
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn upsert_streams(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    admission: &Admission,
    chained: &Chained,
) -> Result<(), AppendError> {
    let mut streams: Vec<&str> = chained
        .entries
        .iter()
        .map(|e| e.entry.stream.as_str())
        .collect();
    streams.sort_unstable();
    streams.dedup();
    let versions: Vec<i64> = streams
        .iter()
        .map(|s| stored(admission.versions[*s]))
        .collect();
    sqlx::query(include_str!("../sql/upsert_streams.sql"))
        .bind(ledger.0)
        .bind(streams)
        .bind(versions)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn insert_commands(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    admission: &Admission,
    chained: &Chained,
) -> Result<(), AppendError> {
    let appends: Vec<_> = admission
        .admitted
        .iter()
        .map(|(append, _)| append)
        .collect();
    sqlx::query(include_str!("../sql/insert_commands.sql"))
        .bind(ledger.0)
        .bind(appends.iter().map(|a| a.actor.as_str()).collect::<Vec<_>>())
        .bind(appends.iter().map(|a| a.command).collect::<Vec<_>>())
        .bind(
            appends
                .iter()
                .map(|a| a.input_hash.as_slice())
                .collect::<Vec<_>>(),
        )
        .bind(
            chained
                .spans
                .iter()
                .map(|(first, _)| stored(first.0))
                .collect::<Vec<_>>(),
        )
        .bind(
            chained
                .spans
                .iter()
                .map(|(_, last)| stored(last.0))
                .collect::<Vec<_>>(),
        )
        .bind(stored(chained.head.size()))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn insert_tiles(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    chained: &Chained,
) -> Result<(), AppendError> {
    for tile in &chained.tiles {
        let hashes: Vec<u8> = tile.hashes.iter().flat_map(|hash| hash.0).collect();
        sqlx::query("INSERT INTO tiles (ledger_id, level, n, hashes) VALUES ($1, $2, $3, $4)")
            .bind(ledger.0)
            .bind(i16::from(tile.level))
            .bind(stored(tile.n))
            .bind(hashes)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn move_head(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    chained: &Chained,
) -> Result<(), AppendError> {
    let moved = sqlx::query(include_str!("../sql/move_head.sql"))
        .bind(ledger.0)
        .bind(stored(chained.before.size()))
        .bind(chained.before.root.0.as_slice())
        .bind(stored(chained.head.size()))
        .bind(chained.head.root.0.as_slice())
        .bind(chained.head.frontier.to_bytes())
        .bind(chained.head.leaf_hash.0.as_slice())
        .bind(chained.head.recorded_at)
        .bind(chained.head.epoch)
        .bind(chained.head.clock_waived)
        .execute(&mut **tx)
        .await?;
    if moved.rows_affected() != 1 {
        return Err(AppendError::Fatal(
            "the head row moved while it was locked".into(),
        ));
    }
    Ok(())
}
