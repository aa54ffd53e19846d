//! The parts of a batch's time in which it measured: how readings of an entry are found in a key that
//! begins with the series.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use sealrock_eventstore::{IndexSet, LedgerId};
use sqlx::PgTransaction;

use super::rows::{Row, Rows};
use crate::copy::CopyRows;
use crate::erasing::columns as ranges;

/// A longer time without a reading divides two stretches. Whoever looks for the readings of a stretch
/// passes all readings of its series in that time: a batch that has a reading of today and one of last
/// year shall not lead through the year.
const HOLE: TimeDelta = TimeDelta::hours(1);

/// Remembers when the batches of these rows measured what.
pub(super) async fn remember(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    rows: &Rows<'_>,
    series: &[i32],
) -> sqlx::Result<()> {
    let mut copy = CopyRows::new();
    for batch in rows.readings.chunk_by(|one, next| one.index == next.index) {
        let mut by_time: Vec<&Row<'_>> = batch.iter().collect();
        by_time.sort_by_key(|row| row.at);
        for stretch in by_time.chunk_by(|one, next| is_one_stretch(one, next)) {
            add(&mut copy, ledger, rows, series, stretch);
        }
    }
    copy.send(tx, include_str!("copy_stretches.sql")).await
}

fn is_one_stretch(one: &Row<'_>, next: &Row<'_>) -> bool {
    one.far == next.far && next.at - one.at <= HOLE
}

fn add(
    copy: &mut CopyRows,
    ledger: LedgerId,
    rows: &Rows<'_>,
    series: &[i32],
    stretch: &[&Row<'_>],
) {
    let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else {
        return;
    };
    let mut of: Vec<i32> = stretch.iter().map(|row| series[row.series]).collect();
    of.sort_unstable();
    of.dedup();
    copy.row(7)
        .integer(ledger.0)
        .bigint(first.index)
        .uuid(rows.series.keys[first.series].device.0)
        .time(first.at)
        .time(last.at)
        .boolean(Some(first.far))
        .integers(&of);
}

/// Where readings are in the key of `reading` or `far_reading`.
#[derive(Default)]
struct Places {
    series: Vec<i32>,
    index: Vec<i64>,
    from_at: Vec<DateTime<Utc>>,
    to_at: Vec<DateTime<Utc>>,
}

type Place = (bool, i32, i64, DateTime<Utc>, DateTime<Utc>);

/// The readings of erased batches go, and the series that have no other.
pub(super) async fn forget(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    erased: &IndexSet,
) -> sqlx::Result<()> {
    let (first, last) = ranges(erased);
    let places: Vec<Place> = sqlx::query_as(include_str!("forget_stretches.sql"))
        .bind(ledger.0)
        .bind(first)
        .bind(last)
        .fetch_all(&mut **tx)
        .await?;
    let series: BTreeSet<i32> = places.iter().map(|place| place.1).collect();
    let (far, near): (Vec<_>, Vec<_>) = places.into_iter().partition(|place| place.0);
    Places::of(near).forget(tx, "reading").await?;
    Places::of(far).forget(tx, "far_reading").await?;
    sqlx::query(include_str!("forget_series.sql"))
        .bind(series.into_iter().collect::<Vec<_>>())
        .execute(&mut **tx)
        .await
        .map(drop)
}

impl Places {
    fn of(places: Vec<Place>) -> Self {
        let mut columns = Self::default();
        for (_, series, index, from_at, to_at) in places {
            columns.series.push(series);
            columns.index.push(index);
            columns.from_at.push(from_at);
            columns.to_at.push(to_at);
        }
        columns
    }

    async fn forget(self, tx: &mut PgTransaction<'_>, table: &str) -> sqlx::Result<()> {
        let (Some(from), Some(to)) = (
            self.from_at.iter().min().copied(),
            self.to_at.iter().max().copied(),
        ) else {
            return Ok(());
        };
        let sql = format!("DELETE FROM {table}{}", include_str!("forget_readings.sql"));
        sqlx::query(&sql)
            .bind(self.series)
            .bind(self.index)
            .bind(self.from_at)
            .bind(self.to_at)
            .bind(from)
            .bind(to)
            .execute(&mut **tx)
            .await
            .map(drop)
    }
}
