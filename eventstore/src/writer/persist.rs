//! Writes a chained commit, and finds out what became of it when COMMIT did not answer.

use std::sync::LazyLock;
use std::time::Duration;

use sealrock_ledger::Checkpoint;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, PgPool, Postgres};

use super::admit::Admission;
use super::batch::{Batch, Sealed};
use super::chain::ChainedEntry;
use super::clock::Moment;
use super::edge::FullTile;
use crate::append::{NewEvent, Retention};
use crate::error::stored;
use crate::ledgers::LedgerId;

/// Begins a transaction that waits neither for a lock nor for us without end.
pub(super) const BEGIN: &str = include_str!("../sql/begin_append.sql");
/// How long to wait for one answer about a commit; longer than a lock may take.
const ASKING: Duration = Duration::from_secs(15);

/// The statements of commits, by the parts that they have: 1 for kept payloads, 2 for batches, 4 for
/// full tiles. A table that a statement names is opened and planned for, whether or not it gets a row.
static APPEND: LazyLock<[String; 8]> = LazyLock::new(|| std::array::from_fn(append_sql));

fn append_sql(parts: usize) -> String {
    /// Parameters of the head, the commands, the events and the checkpoint.
    const ALWAYS: usize = 30;
    let optional = [
        include_str!("../sql/append/payloads.sql"),
        include_str!("../sql/append/batch_payloads.sql"),
        include_str!("../sql/append/tiles.sql"),
    ];
    let mut sql = include_str!("../sql/append/head.sql").to_owned();
    let mut parameter = ALWAYS;
    for (_, part) in optional
        .iter()
        .enumerate()
        .filter(|(n, _)| parts & (1 << n) != 0)
    {
        for (n, piece) in part.split('?').enumerate() {
            if n > 0 {
                parameter += 1;
                sql.push('$');
                sql.push_str(&parameter.to_string());
            }
            sql.push_str(piece);
        }
    }
    sql + include_str!("../sql/append/checkpoint.sql")
}

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

/// Stores a commit by one statement, all of it or nothing: `false` where the head row is not as it
/// was known, on the Postgres where it was known.
pub(super) async fn insert(
    connection: &mut PgConnection,
    ledger: LedgerId,
    sealed: &Sealed,
) -> Result<bool, sqlx::Error> {
    let Sealed {
        batch,
        head,
        checkpoint,
        place,
    } = sealed;
    let before = &batch.before;
    let payloads = with_payload(batch, Retention::Kept);
    let batches = with_payload(batch, Retention::Batch);
    let tiles = &batch.chained.tiles;
    let parts = usize::from(!payloads.is_empty())
        | usize::from(!batches.is_empty()) << 1
        | usize::from(!tiles.is_empty()) << 2;
    let query = sqlx::query(&APPEND[parts])
        .bind(ledger.0)
        .bind(stored(before.size()))
        .bind(before.root.0.as_slice())
        .bind(before.recorded_at)
        .bind(before.epoch)
        .bind(before.clock_waived)
        .bind(place.cluster.system_identifier)
        .bind(place.cluster.timeline)
        .bind(place.started)
        .bind(stored(head.size()))
        .bind(head.root.0.as_slice())
        .bind(head.frontier.to_bytes())
        .bind(head.leaf_hash.0.as_slice())
        .bind(head.recorded_at)
        .bind(head.epoch)
        .bind(head.clock_waived)
        .bind(Moment::now().wall);
    let query = bind_commands(query, batch);
    let mut query = bind_events(query, batch).bind(&checkpoint.note);
    if !payloads.is_empty() {
        query = bind_payloads(query, &payloads);
    }
    if !batches.is_empty() {
        query = bind_batch_payloads(query, &batches);
    }
    if !tiles.is_empty() {
        query = bind_tiles(query, tiles);
    }
    // Not `fetch_optional`, which answers before the end of the transaction is known.
    let done = query.execute(connection).await?;
    Ok(done.rows_affected() == 1)
}

/// Asks the database whether the commit that `checkpoint` signed is in it. Locking the head row
/// waits for a COMMIT that may still be under way in a backend that has lost us. One that has not yet
/// read what we sent, and so holds no lock, finds another epoch when it comes to it.
pub(super) async fn outcome(pool: &PgPool, ledger: LedgerId, checkpoint: &Checkpoint) -> Committed {
    for attempt in 0..8u32 {
        tokio::time::sleep(Duration::from_millis(20) * 2u32.pow(attempt)).await;
        match tokio::time::timeout(ASKING, settle(pool, ledger, checkpoint)).await {
            Ok(Ok(true)) => return Committed::Yes,
            Ok(Ok(false)) => return Committed::No,
            Ok(Err(error)) => tracing::warn!(%error, "cannot yet ask what became of a commit"),
            Err(_) => tracing::warn!("Postgres does not yet say what became of a commit"),
        }
    }
    Committed::Unknown
}

/// Whether the commit is stored; if not, it never will be.
async fn settle(
    pool: &PgPool,
    ledger: LedgerId,
    checkpoint: &Checkpoint,
) -> Result<bool, sqlx::Error> {
    let mut tx = pool.begin_with(BEGIN).await?;
    sqlx::query("SELECT size FROM ledger_heads WHERE ledger_id = $1 FOR UPDATE")
        .bind(ledger.0)
        .execute(&mut *tx)
        .await?;
    let note: Option<String> =
        sqlx::query_scalar("SELECT note FROM checkpoints WHERE ledger_id = $1 AND size = $2")
            .bind(ledger.0)
            .bind(stored(checkpoint.size))
            .fetch_optional(&mut *tx)
            .await?;
    if note.is_some_and(|note| note == checkpoint.note) {
        return Ok(true);
    }
    sqlx::query("UPDATE ledger_heads SET epoch = epoch + 1 WHERE ledger_id = $1")
        .bind(ledger.0)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(false)
}

type Statement<'a> = Query<'a, Postgres, PgArguments>;

/// A column of the rows that `of` names, as an array.
fn column<'r, R, T>(rows: &'r [R], of: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

fn bind_commands<'a>(query: Statement<'a>, batch: &'a Batch) -> Statement<'a> {
    let Admission {
        appends, admitted, ..
    } = &batch.admission;
    let spans = &batch.chained.spans;
    query
        .bind(column(admitted, |nth| appends[*nth].actor.as_str()))
        .bind(column(admitted, |nth| appends[*nth].command))
        .bind(column(admitted, |nth| appends[*nth].input_hash.as_slice()))
        .bind(column(spans, |(first, _)| stored(first.0)))
        .bind(column(spans, |(_, last)| stored(last.0)))
}

fn bind_events<'a>(query: Statement<'a>, batch: &'a Batch) -> Statement<'a> {
    let entries = &batch.chained.entries;
    query
        .bind(column(entries, |e| stored(e.index.0)))
        .bind(column(entries, |e| e.bytes.as_slice()))
        .bind(column(entries, |e| e.leaf_hash.0.as_slice()))
        .bind(column(entries, |e| batch.event(e).stream.as_str()))
        .bind(column(entries, |e| stored(e.version)))
        .bind(column(entries, |e| batch.event(e).kind.as_str()))
        .bind(column(entries, |e| e.recorded_at))
}

type WithPayload<'a> = (&'a ChainedEntry, &'a NewEvent);

fn bind_payloads<'a>(query: Statement<'a>, kept: &[WithPayload<'a>]) -> Statement<'a> {
    query
        .bind(column(kept, |(e, _)| stored(e.index.0)))
        .bind(column(kept, |(_, event)| event.media.as_str()))
        .bind(column(kept, |(e, _)| e.salt.as_slice()))
        .bind(column(kept, |(_, event)| event.bytes.as_slice()))
}

fn bind_batch_payloads<'a>(query: Statement<'a>, batches: &[WithPayload<'a>]) -> Statement<'a> {
    query
        .bind(column(batches, |(e, _)| stored(e.index.0)))
        .bind(column(batches, |(e, _)| e.recorded_at.date_naive()))
        .bind(column(batches, |(_, event)| event.media.as_str()))
        .bind(column(batches, |(e, _)| e.salt.as_slice()))
        .bind(column(batches, |(_, event)| event.bytes.as_slice()))
}

fn with_payload(batch: &Batch, retention: Retention) -> Vec<WithPayload<'_>> {
    let entries = batch.chained.entries.iter();
    entries
        .map(|entry| (entry, batch.event(entry)))
        .filter(|(_, event)| event.retention == retention)
        .collect()
}

fn bind_tiles<'a>(query: Statement<'a>, tiles: &[FullTile]) -> Statement<'a> {
    let hashes = |tile: &FullTile| tile.hashes.iter().flat_map(|hash| hash.0).collect();
    query
        .bind(column(tiles, |tile| i16::from(tile.level)))
        .bind(column(tiles, |tile| stored(tile.n)))
        .bind(column::<_, Vec<u8>>(tiles, hashes))
}
