//! A partition for every day near a batch's receipt; readings of other days stand together in
//! `far_reading`.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use sealrock_ledger::micros;
use sqlx::{Executor, PgTransaction};

use crate::runner::{FoldError, Prepared};
use crate::telemetry::Batch;

/// Partitions made in one transaction. Each takes a handful of the locks of which Postgres has a
/// fixed number, and a first batch after a long outage needs hundreds of days.
const DAYS_AT_ONCE: usize = 50;

/// Days from a batch's receipt to a reading that goes into its day's partition: what a device kept
/// during an outage of a year, and the drift of clocks. A bound, because 10,000 readings may name
/// 10,000 days, and every partition costs locks and files for ever.
const NEAR_DAYS: std::ops::RangeInclusive<i64> = -400..=1;

/// Whether a reading goes into its day's partition. Depends on the ledger alone, so that a rebuild
/// puts it into the same table.
pub(super) fn is_near(at: DateTime<Utc>, received_at: DateTime<Utc>) -> bool {
    let days = micros(at).date_naive() - received_at.date_naive();
    NEAR_DAYS.contains(&days.num_days())
}

/// The days of all readings that go into partitions.
pub(super) fn days(batches: &[&Batch]) -> BTreeSet<NaiveDate> {
    batches.iter().copied().flat_map(near_days).collect()
}

fn near_days(batch: &Batch) -> impl Iterator<Item = NaiveDate> {
    let times = batch.content.readings.iter().map(|reading| reading.at);
    let near = times.filter(|at| is_near(*at, batch.received_at));
    near.map(|at| micros(at).date_naive())
}

/// Makes some of the missing partitions.
///
/// Made as a table and then attached: that waits for nobody who reads or writes the other days, as
/// `CREATE TABLE … PARTITION OF` would.
pub(super) async fn make(
    tx: &mut PgTransaction<'_>,
    days: &BTreeSet<NaiveDate>,
) -> Result<Prepared, FoldError> {
    if missing(tx, days).await?.is_empty() {
        return Ok(Prepared::Ready);
    }
    sqlx::query(include_str!("lock_partitions.sql"))
        .execute(&mut **tx)
        .await?;
    let missing = missing(tx, days).await?;
    for day in missing.iter().take(DAYS_AT_ONCE) {
        tx.execute(create(*day).as_str()).await?;
    }
    Ok(if missing.len() > DAYS_AT_ONCE {
        Prepared::Again
    } else {
        Prepared::Ready
    })
}

async fn missing(
    tx: &mut PgTransaction<'_>,
    days: &BTreeSet<NaiveDate>,
) -> Result<Vec<NaiveDate>, FoldError> {
    if days.is_empty() {
        return Ok(Vec::new());
    }
    let days: Vec<NaiveDate> = days.iter().copied().collect();
    Ok(sqlx::query_scalar(include_str!("missing_partitions.sql"))
        .bind(days)
        .fetch_all(&mut **tx)
        .await?)
}

fn create(day: NaiveDate) -> String {
    let name = format!("reading_{}", day.format("%Y%m%d"));
    let next = day + Days::new(1);
    format!(
        "CREATE TABLE {name} (LIKE reading INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
         ALTER TABLE reading ATTACH PARTITION {name} FOR VALUES FROM ('{day}Z') TO ('{next}Z');"
    )
}
