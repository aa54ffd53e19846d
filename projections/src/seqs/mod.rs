//! What devices count: boots, and the seqs of them that are missing.
//!
//! A read model that needs it has the tables of `schema.sql` in its own schema and folds them in the
//! same transaction, so that they are exactly as far as the rest of it.

mod counters;
mod rows;

use chrono::{DateTime, Utc};
use sealrock_domain::telemetry::window::{Gap, MAX_GAPS, SealedBoot, WindowEvent};
use sealrock_ledger::Index;
use sqlx::PgTransaction;
use sqlx::types::Json;
use uuid::Uuid;

use crate::entry::decode;
use crate::runner::{FoldError, Shown};
use crate::telemetry::Batch;
use counters::{Counters, Seen};
use rows::{BootRow, GapRow};

/// A seal or a gap, as an entry has it.
#[derive(Debug)]
pub(crate) struct WindowEntry {
    pub(crate) index: Index,
    /// Its number in its stream.
    pub(crate) version: u64,
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) event: WindowEvent,
}

/// The seals and gaps among `entries`.
///
/// # Errors
/// Poison for one that this code does not know.
pub(crate) fn window_entries(entries: &[Shown]) -> Result<Vec<WindowEntry>, FoldError> {
    let mut found = Vec::new();
    for recorded in entries {
        if let Some(event) = decode(recorded)? {
            found.push(WindowEntry {
                index: recorded.entry.index,
                version: recorded.entry.version,
                recorded_at: recorded.entry.recorded_at,
                event,
            });
        }
    }
    Ok(found)
}

/// Folds what batches, seals and gaps say of seqs.
///
/// A batch counts its seq. A seal shows which seqs had come, even where the batches were erased
/// since. A named gap is marked.
pub(crate) async fn fold(
    tx: &mut PgTransaction<'_>,
    batches: &[&Batch],
    windows: &[WindowEntry],
) -> sqlx::Result<()> {
    let counted = batches
        .iter()
        .copied()
        .filter_map(of_batch)
        .map(|seen| (true, seen));
    let sealed = windows.iter().flat_map(of_seal).map(|seen| (false, seen));
    let mut seen: Vec<(bool, Seen)> = counted.chain(sealed).collect();
    seen.sort_by_key(|(_, seen)| seen.index);
    if !seen.is_empty() {
        count(tx, &seen).await?;
    }
    name(tx, windows).await
}

/// In the ledger's order; `true` for batches.
async fn count(tx: &mut PgTransaction<'_>, seen: &[(bool, Seen)]) -> sqlx::Result<()> {
    let mut counters = load(tx, seen).await?;
    for (is_batch, seen) in seen {
        if *is_batch {
            counters.add(seen);
        } else {
            counters.see(seen);
        }
    }
    let (boots, gaps) = counters.into_rows();
    store(tx, include_str!("store_boots.sql"), &boots).await?;
    store(tx, include_str!("store_gaps.sql"), &gaps).await
}

fn of_batch(batch: &Batch) -> Option<Seen> {
    let seq = batch.content.seq?.cast_signed();
    let boot = batch.content.boot.clone().unwrap_or_default();
    Some(Seen {
        key: (batch.device.0, boot),
        from_seq: seq,
        to_seq: seq,
        index: batch.index.0.cast_signed(),
        at: batch.received_at,
    })
}

/// The stretches between a seal's gaps. A seal that could not list all its gaps shows nothing.
fn of_seal(entry: &WindowEntry) -> Vec<Seen> {
    let WindowEvent::WindowSealed(seal) = &entry.event else {
        return Vec::new();
    };
    if seal.gaps.len() >= MAX_GAPS {
        return Vec::new();
    }
    let seen = |(boot, from, to): (&str, u64, u64)| Seen {
        key: (seal.device.0, boot.to_owned()),
        from_seq: from.cast_signed(),
        to_seq: to.cast_signed(),
        index: entry.index.0.cast_signed(),
        at: entry.recorded_at,
    };
    seal.boots
        .iter()
        .flat_map(|boot| stretches(boot, &seal.gaps))
        .map(seen)
        .collect()
}

/// Boot, first and last seq of what `boot` has without its gaps, which are in ascending order.
fn stretches<'a>(boot: &'a SealedBoot, gaps: &[Gap]) -> Vec<(&'a str, u64, u64)> {
    let name = boot.boot.as_str();
    let (mut from, mut stretches) = (boot.first_seq, Vec::new());
    for gap in gaps.iter().filter(|gap| gap.boot == name) {
        if from < gap.from_seq {
            stretches.push((name, from, gap.from_seq - 1));
        }
        from = from.max(gap.to_seq.saturating_add(1));
    }
    if from <= boot.last_seq {
        stretches.push((name, from, boot.last_seq));
    }
    stretches
}

async fn load(tx: &mut PgTransaction<'_>, seen: &[(bool, Seen)]) -> sqlx::Result<Counters> {
    let seen = || seen.iter().map(|(_, seen)| seen);
    let devices: Vec<Uuid> = seen().map(|seen| seen.key.0).collect();
    let boots: Vec<&str> = seen().map(|seen| seen.key.1.as_str()).collect();
    let from: Vec<i64> = seen().map(|seen| seen.from_seq).collect();
    let to: Vec<i64> = seen().map(|seen| seen.to_seq).collect();
    let boot_rows: Vec<Json<BootRow>> = sqlx::query_scalar(include_str!("load_boots.sql"))
        .bind(&devices)
        .bind(&boots)
        .fetch_all(&mut **tx)
        .await?;
    let gap_rows: Vec<Json<GapRow>> = sqlx::query_scalar(include_str!("load_gaps.sql"))
        .bind(&devices)
        .bind(&boots)
        .bind(&from)
        .bind(&to)
        .fetch_all(&mut **tx)
        .await?;
    let boots = boot_rows.into_iter().map(|Json(row)| row).collect();
    let gaps = gap_rows.into_iter().map(|Json(row)| row).collect();
    Ok(Counters::new(boots, gaps))
}

async fn name(tx: &mut PgTransaction<'_>, windows: &[WindowEntry]) -> sqlx::Result<()> {
    let named = || {
        windows.iter().filter_map(|entry| match &entry.event {
            WindowEvent::GapDetected(gap) => Some((entry.index.0.cast_signed(), gap)),
            WindowEvent::WindowSealed(_) => None,
        })
    };
    if named().next().is_none() {
        return Ok(());
    }
    let devices: Vec<Uuid> = named().map(|(_, gap)| gap.device.0).collect();
    let boots: Vec<&str> = named().map(|(_, gap)| gap.boot.as_str()).collect();
    let from: Vec<i64> = named().map(|(_, gap)| gap.from_seq.cast_signed()).collect();
    let to: Vec<i64> = named().map(|(_, gap)| gap.to_seq.cast_signed()).collect();
    let indexes: Vec<i64> = named().map(|(index, _)| index).collect();
    sqlx::query(include_str!("name_gaps.sql"))
        .bind(devices)
        .bind(boots)
        .bind(from)
        .bind(to)
        .bind(indexes)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Stores rows as JSON; `sql` says where.
pub(crate) async fn store<T: serde::Serialize + Sync>(
    tx: &mut PgTransaction<'_>,
    sql: &'static str,
    rows: &[T],
) -> sqlx::Result<()> {
    sqlx::query(sql)
        .bind(Json(rows))
        .execute(&mut **tx)
        .await
        .map(drop)
}
