//! The buckets of a day anew, from the batches that are left in it and the seals of those that are
//! not.

use sealrock_domain::telemetry::metric;
use sealrock_domain::telemetry::window::WindowSealed;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::PgTransaction;

use super::aggregate::{Aggregate, bucket_of};
use super::fives::{Fives, Rollup};
use super::fold::{Buckets, Row, add, by_series, store};
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
    for (series, known) in load_day(tx, at).await? {
        let of_series = buckets.entry(series).or_default();
        for (place, known) in known {
            if place.0 == FIVE_MINUTES {
                of_series.insert(place, known);
            } else if let Some(bucket) = of_series.get_mut(&place) {
                bucket.fives = known.fives;
            }
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
            .for_each(|reading| {
                let series = (reading.device, reading.metric.into());
                add(buckets.entry(series).or_default(), &reading);
            });
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
        let series = (seal.device, metric.to_string().into());
        let of_series = buckets.entry(series).or_default();
        for width in SEALED_WIDTHS {
            let start = bucket_of(seal.hour.start(), width);
            of_series
                .entry((width, start))
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
    Ok(by_series(rows))
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
