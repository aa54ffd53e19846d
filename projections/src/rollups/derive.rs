//! The buckets of a day anew, from the batches that are left in it and the seals of those that are
//! not.

use sealrock_domain::telemetry::metric;
use sealrock_domain::telemetry::window::WindowSealed;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::PgTransaction;

use super::WIDTHS;
use super::aggregate::{Aggregate, bucket_of};
use super::fives::{Fives, Rollup};
use super::fold::{Buckets, add, store};
use crate::erasing::{self, DeviceDay, bounds};
use crate::runner::FoldError;

/// The widths that a seal of an hour can fill.
const SEALED_WIDTHS: [i32; 2] = [3_600, 86_400];

/// Derives a day of a device anew, because entry `by` erased some of it.
pub(super) async fn day(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    at: DeviceDay,
    by: Index,
) -> Result<(), FoldError> {
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
    drop_day(tx, at).await?;
    store(tx, ledger, &buckets).await?;
    Ok(())
}

/// All of a seal's readings count in its hour, wherever in time a few of them lie. It says nothing
/// of five minutes, so none of them is filled by it.
fn add_seal(buckets: &mut Buckets, seal: &WindowSealed) {
    for (metric, summary) in &seal.metrics {
        let sealed = Aggregate::from(summary);
        for width in SEALED_WIDTHS {
            let start = bucket_of(seal.hour.start(), width);
            buckets
                .entry((seal.device, metric.to_string(), width, start))
                .and_modify(|bucket| bucket.aggregate = bucket.aggregate.and(sealed))
                .or_insert(Rollup {
                    aggregate: sealed,
                    fives: Fives::default(),
                });
        }
    }
}

async fn drop_day(tx: &mut PgTransaction<'_>, (device, day): DeviceDay) -> sqlx::Result<()> {
    let metrics: Vec<&str> = metric::all().iter().map(|metric| metric.name).collect();
    let (from, to) = bounds(day);
    sqlx::query(include_str!("drop_day.sql"))
        .bind(device.0)
        .bind(metrics)
        .bind(WIDTHS)
        .bind(from)
        .bind(to)
        .execute(&mut **tx)
        .await
        .map(drop)
}
