//! A partition for every day that a batch needs.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate};
use sealrock_ledger::micros;
use sqlx::{Executor, PgTransaction};

use crate::runner::{FoldError, Prepared};
use crate::telemetry::Batch;

/// Partitions made in one transaction. Each takes a handful of the locks of which Postgres has a
/// fixed number, and a batch may name 10,000 days.
const DAYS_AT_ONCE: usize = 50;

/// The days that have a partition of their own; the rest share two.
const YEARS: std::ops::Range<i32> = 2000..2100;

/// The days of all readings, as far as they have partitions of their own.
pub(super) fn days(batches: &[Batch]) -> BTreeSet<NaiveDate> {
    let readings = batches.iter().flat_map(|batch| &batch.content.readings);
    let days = readings.map(|reading| micros(reading.at).date_naive());
    days.filter(|day| YEARS.contains(&day.year())).collect()
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
