//! Which days batches are in, and the batches that are left in a day.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::window::{WindowEvent, WindowSealed};
use sealrock_eventstore::{LedgerId, Recorded, read_listed};
use sealrock_ledger::Index;
use sqlx::PgTransaction;
use sqlx::types::Uuid;

use super::{Erased, columns, unreadable};
use crate::copy::CopyRows;
use crate::entry::decode;
use crate::runner::{FoldError, Shown};
use crate::telemetry::{Batch, batches};

/// Batches read again at a time.
const AT_ONCE: usize = 100;

/// A device and a UTC day of its readings.
pub(crate) type DeviceDay = (DeviceId, NaiveDate);

/// Notes which days these batches are in.
pub(crate) async fn remember(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    batches: &[&Batch],
) -> sqlx::Result<()> {
    let mut copied = CopyRows::new();
    for (device, day, index) in batches.iter().copied().flat_map(rows) {
        copied
            .row(4)
            .integer(ledger.0)
            .uuid(device)
            .date(day)
            .bigint(index);
    }
    copied.send(tx, include_str!("copy_days.sql")).await
}

fn rows(batch: &Batch) -> impl Iterator<Item = (Uuid, NaiveDate, i64)> {
    let (device, index) = (batch.device.0, batch.index.0.cast_signed());
    let mut days: BTreeSet<NaiveDate> = batch.counted().map(|r| r.at.date_naive()).collect();
    if days.is_empty() {
        days.insert(batch.received_at.date_naive());
    }
    days.into_iter().map(move |day| (device, day, index))
}

/// Forgets erased batches; the days that they were in.
pub(crate) async fn forget(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    erased: &Erased,
) -> sqlx::Result<BTreeSet<DeviceDay>> {
    let (first, last) = columns(&erased.payloads);
    let rows: Vec<(Uuid, NaiveDate)> = sqlx::query_as(include_str!("forget_days.sql"))
        .bind(ledger.0)
        .bind(first)
        .bind(last)
        .fetch_all(&mut **tx)
        .await?;
    let days = rows
        .into_iter()
        .map(|(device, day)| (DeviceId(device), day));
    Ok(days.collect())
}

/// Gives `take` each batch that is left of a device in a day, in the ledger's order. It may have
/// readings of other days, too.
///
/// # Errors
/// Poison at the entry that erases, if a batch that it leaves cannot be read.
pub(crate) async fn each_left(
    tx: &mut PgTransaction<'_>,
    (device, day): DeviceDay,
    by: Index,
    mut take: impl FnMut(&Batch) + Send,
) -> Result<(), FoldError> {
    let left: Vec<(i32, i64)> = sqlx::query_as(
        "SELECT ledger_id, index FROM batch_day WHERE device_id = $1 AND day = $2 \
         ORDER BY ledger_id, index",
    )
    .bind(device.0)
    .bind(day)
    .fetch_all(&mut **tx)
    .await?;
    for (ledger, some) in by_ledger(&left) {
        let listed = listed(tx, ledger, &some, by).await?;
        let shown: Vec<Shown> = listed.into_iter().map(Shown::from).collect();
        let batches = batches(&shown)?;
        if batches.len() != some.len() {
            let reason = "payloads that it leaves are missing: run `sealrock fsck`, then rebuild";
            return Err(FoldError::poison(by, reason));
        }
        batches.into_iter().for_each(&mut take);
    }
    Ok(())
}

/// The seals that speak for windows of the day whose batches retention erased.
///
/// # Errors
/// As [`each_left`].
pub(crate) async fn sealed_in(
    tx: &mut PgTransaction<'_>,
    (device, day): DeviceDay,
    by: Index,
) -> Result<Vec<WindowSealed>, FoldError> {
    let (from, to) = bounds(day);
    let found: Vec<(i32, i64)> = sqlx::query_as(include_str!("sealed_hours.sql"))
        .bind(device.0)
        .bind(from)
        .bind(to)
        .fetch_all(&mut **tx)
        .await?;
    let mut seals = Vec::with_capacity(found.len());
    for (ledger, indexes) in by_ledger(&found) {
        for seal in listed(tx, ledger, &indexes, by).await? {
            seals.push(sealed(&seal, by)?);
        }
    }
    Ok(seals)
}

/// Entries of one ledger at a time, and not too many of them.
fn by_ledger(entries: &[(i32, i64)]) -> impl Iterator<Item = (LedgerId, Vec<i64>)> {
    entries
        .chunk_by(|a, b| a.0 == b.0)
        .flat_map(|of_ledger| of_ledger.chunks(AT_ONCE))
        .map(|some| {
            let indexes = some.iter().map(|(_, index)| *index).collect();
            (LedgerId(some[0].0), indexes)
        })
}

/// Where a day begins and ends.
pub(crate) fn bounds(day: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
    let start = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    (start(day), start(day + Days::new(1)))
}

pub(super) async fn listed(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    indexes: &[i64],
    by: Index,
) -> Result<Vec<Recorded>, FoldError> {
    let indexes: Vec<Index> = indexes.iter().map(|i| Index(i.unsigned_abs())).collect();
    let read = read_listed(tx, ledger, &indexes).await;
    read.map_err(|error| unreadable(by, error))
}

pub(super) fn sealed(recorded: &Recorded, by: Index) -> Result<WindowSealed, FoldError> {
    match decode(recorded)? {
        Some(WindowEvent::WindowSealed(sealed)) => Ok(sealed),
        _ => Err(FoldError::poison(
            by,
            format!(
                "entry {} should be a seal and is none",
                recorded.entry.index
            ),
        )),
    }
}
