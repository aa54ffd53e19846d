//! The buckets of a day anew, from the batches that are left in it and the seals of those that are
//! not.

use sealrock_domain::telemetry::metric;
use sealrock_domain::telemetry::window::WindowSealed;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::PgTransaction;

use super::aggregate::{Aggregate, bucket_of};
use super::fives::{Fives, Rollup};
use super::fold::{Buckets, Row, add, store};
use super::{FIVE_MINUTES, WIDTHS};
use crate::erasing::{self, DeviceDay, bounds};
use crate::runner::FoldError;

/// The widths that a seal of an hour can fill.
const SEALED_WIDTHS: [i32; 2] = [3_600, 86_400];

/// Derives a day of a device anew, because entry `by` redacted some of it.
pub(super) async fn redacted(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    at: DeviceDay,
    by: Index,
) -> Result<(), FoldError> {
    let buckets = left(tx, at, by).await?;
    drop_day(tx, at).await?;
    store(tx, ledger, &buckets).await?;
    Ok(())
}

/// Derives a day of a device anew, because retention erased some of it by entry `by`. What was known
/// of five minutes stays, because no seal tells it: past means over time and their coverage rest on it.
pub(super) async fn retained(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    at: DeviceDay,
    by: Index,
) -> Result<(), FoldError> {
    let mut buckets = left(tx, at, by).await?;
    for (key, known) in load_day(tx, at).await? {
        if key.2 == FIVE_MINUTES {
            buckets.insert(key, known);
        } else if let Some(bucket) = buckets.get_mut(&key) {
            bucket.fives = known.fives;
        }
    }
    drop_day(tx, at).await?;
    store(tx, ledger, &buckets).await?;
    Ok(())
}

/// The buckets of a day by the batches that are left and the seals of those that are not.
async fn left(tx: &mut PgTransaction<'_>, at: DeviceDay, by: Index) -> Result<Buckets, FoldError> {
    let mut buckets = Buckets::new();
    erasing::each_left(tx, at, by, |batch| {
        let readings = batch.counted();
        readings
            .filter(|reading| reading.at.date_naive() == at.1)
            .for_each(|reading| add(&mut buckets, &reading));
    })
    .await?;
    for seal in erasing::sealed_in(tx, at, by).await? {
        add_seal(&mut buckets, &seal);
    }
    Ok(buckets)
}

/// All of a seal's readings count in its hour, wherever in time a few of them lie. It says nothing
/// of five minutes, so none of them is filled by it.
fn add_seal(buckets: &mut Buckets, seal: &WindowSealed) {
    for (metric, summary) in &seal.metrics {
        let sealed = Aggregate::from(summary);
        for width in SEALED_WIDTHS {
            let start = bucket_of(seal.hour.start(), width);
            buckets
                .entry((seal.device, metric.to_string().into(), width, start))
                .and_modify(|bucket| bucket.aggregate = bucket.aggregate.and(sealed))
                .or_insert(Rollup {
                    aggregate: sealed,
                    fives: Fives::default(),
                });
        }
    }
}

async fn load_day(tx: &mut PgTransaction<'_>, (device, day): DeviceDay) -> sqlx::Result<Buckets> {
    let (from, to) = bounds(day);
    let rows: Vec<Row> = sqlx::query_as(include_str!("load_day.sql"))
        .bind(device.0)
        .bind(metrics())
        .bind(WIDTHS)
        .bind(from)
        .bind(to)
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(Row::into_bucket).collect())
}

async fn drop_day(tx: &mut PgTransaction<'_>, (device, day): DeviceDay) -> sqlx::Result<()> {
    let (from, to) = bounds(day);
    sqlx::query(include_str!("drop_day.sql"))
        .bind(device.0)
        .bind(metrics())
        .bind(WIDTHS)
        .bind(from)
        .bind(to)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// All that there are: the key of the table goes by metric.
fn metrics() -> Vec<&'static str> {
    metric::all().iter().map(|metric| metric.name).collect()
}
