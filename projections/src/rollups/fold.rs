//! Batches to buckets.
//!
//! The buckets that a batch touches are loaded, every reading is added in the ledger's order, and
//! they are stored: so a sum has the same last bit however the ledger was cut into batches, and a
//! rebuild gives the same rows. Adding partial sums in SQL would not. Nothing can be taken out of a
//! least or a greatest, so the days of an erased batch are derived anew: see `derive.rs`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_eventstore::{LedgerId, LedgerInfo};
use sqlx::PgTransaction;
use sqlx::types::Uuid;

use super::aggregate::bucket_of;
use super::fives::{Fives, Rollup};
use super::{Aggregate, FIVE_MINUTES, NAME, WIDTHS, derive};
use crate::erasing::{self, Step};
use crate::runner::{FoldError, Projection, Shown};
use crate::telemetry::{Batch, Counted, batches};

/// Fills read model `rollups`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RollupsProjection;

/// Device and metric.
pub(super) type Series = (DeviceId, Cow<'static, str>);
/// The buckets of a series, by width in seconds and start.
pub(super) type OfSeries = BTreeMap<(i32, DateTime<Utc>), Rollup>;
pub(super) type Buckets = HashMap<Series, OfSeries>;
/// The readings of each series, in the ledger's order.
type Readings = HashMap<(DeviceId, &'static str), Vec<Counted>>;

#[async_trait]
impl Projection for RollupsProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        6
    }

    fn schema(&self) -> &'static str {
        concat!(include_str!("schema.sql"), erasing::tables!())
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<(), FoldError> {
        let batches = batches(batch)?;
        let mut readings = Readings::new();
        for reading in batches.iter().copied().flat_map(Batch::counted) {
            let series = (reading.device, reading.metric);
            readings.entry(series).or_default().push(reading);
        }
        let mut buckets = load(tx, &readings).await?;
        for ((device, metric), readings) in readings {
            let of_series = buckets.entry((device, metric.into())).or_default();
            for reading in &readings {
                add(of_series, reading);
            }
        }
        store(tx, ledger.id, &buckets).await?;
        erasing::remember(tx, ledger.id, &batches).await?;
        for step in erasing::steps(ledger, batch)? {
            fold_step(tx, ledger.id, step).await?;
        }
        Ok(())
    }
}

async fn fold_step(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    step: Step,
) -> Result<(), FoldError> {
    match step {
        Step::Seals(seals) => erasing::remember_seals(tx, ledger, &seals).await?,
        Step::Redacted(erased) => {
            for day in erasing::forget(tx, ledger, &erased).await? {
                derive::redacted(tx, ledger, day, erased.by).await?;
            }
        }
        Step::Retained(erased) => {
            for day in erasing::retain(tx, ledger, &erased).await?.days {
                derive::retained(tx, ledger, day, erased.by).await?;
            }
        }
    }
    Ok(())
}

fn place(reading: &Counted, width: i32) -> (i32, DateTime<Utc>) {
    (width, bucket_of(reading.at, width))
}

pub(super) fn add(buckets: &mut OfSeries, reading: &Counted) {
    let five_minutes = buckets.get(&place(reading, FIVE_MINUTES));
    let change = Fives::changed_by(five_minutes.map(|bucket| &bucket.aggregate), reading);
    for width in WIDTHS {
        buckets
            .entry(place(reading, width))
            .and_modify(|bucket| *bucket = bucket.with(reading, change))
            .or_insert_with(|| Rollup::of(reading, change));
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    device_id: Uuid,
    metric: String,
    width: i32,
    bucket: DateTime<Utc>,
    count: i64,
    sum: f64,
    min: f64,
    max: f64,
    first: f64,
    first_at: DateTime<Utc>,
    last: f64,
    last_at: DateTime<Utc>,
    filled: i32,
    mean_sum: f64,
}

async fn load(tx: &mut PgTransaction<'_>, readings: &Readings) -> sqlx::Result<Buckets> {
    let (mut devices, mut metrics) = (Vec::<Uuid>::new(), Vec::<&str>::new());
    let (mut widths, mut starts) = (Vec::<i32>::new(), Vec::<DateTime<Utc>>::new());
    for ((device, metric), readings) in readings {
        let places = |reading| WIDTHS.map(|width| place(reading, width));
        let wanted: BTreeSet<_> = readings.iter().flat_map(places).collect();
        devices.extend(wanted.iter().map(|_| device.0));
        metrics.extend(wanted.iter().map(|_| metric));
        widths.extend(wanted.iter().map(|(width, _)| width));
        starts.extend(wanted.iter().map(|(_, start)| start));
    }
    let rows: Vec<Row> = sqlx::query_as(include_str!("load.sql"))
        .bind(devices)
        .bind(metrics)
        .bind(widths)
        .bind(starts)
        .fetch_all(&mut **tx)
        .await?;
    Ok(by_series(rows))
}

pub(super) fn by_series(rows: Vec<Row>) -> Buckets {
    let mut buckets = Buckets::new();
    for row in rows {
        let series = (DeviceId(row.device_id), Cow::Owned(row.metric.clone()));
        let place = (row.width, row.bucket);
        buckets
            .entry(series)
            .or_default()
            .insert(place, row.rollup());
    }
    buckets
}

impl Row {
    fn rollup(&self) -> Rollup {
        let aggregate = Aggregate {
            count: self.count.unsigned_abs(),
            sum: self.sum,
            min: self.min,
            max: self.max,
            first: self.first,
            first_at: self.first_at,
            last: self.last,
            last_at: self.last_at,
        };
        let fives = Fives {
            filled: self.filled,
            mean_sum: self.mean_sum,
        };
        Rollup { aggregate, fives }
    }
}

pub(super) async fn store(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    buckets: &Buckets,
) -> sqlx::Result<()> {
    // In the order of the key, so that neighbours in the index are written one after the other.
    let mut series: Vec<(&Series, &OfSeries)> = buckets.iter().collect();
    series.sort_unstable_by_key(|(series, _)| *series);
    let rows = || {
        let all = series.iter();
        all.flat_map(|(series, own)| own.iter().map(move |(place, one)| (*series, place, one)))
    };
    let aggregates = || rows().map(|(_, _, bucket)| &bucket.aggregate);
    let column = |f: fn(&Aggregate) -> f64| aggregates().map(f).collect::<Vec<f64>>();
    let time = |f: fn(&Aggregate) -> DateTime<Utc>| aggregates().map(f).collect::<Vec<_>>();
    let counts: Vec<i64> = aggregates().map(|a| a.count.cast_signed()).collect();
    let fives = || rows().map(|(_, _, bucket)| bucket.fives);
    sqlx::query(include_str!("store.sql"))
        .bind(ledger.0)
        .bind(
            rows()
                .map(|(series, _, _)| series.0.0)
                .collect::<Vec<Uuid>>(),
        )
        .bind(
            rows()
                .map(|(series, _, _)| &*series.1)
                .collect::<Vec<&str>>(),
        )
        .bind(
            rows()
                .map(|(_, (width, _), _)| *width)
                .collect::<Vec<i32>>(),
        )
        .bind(
            rows()
                .map(|(_, (_, start), _)| *start)
                .collect::<Vec<DateTime<Utc>>>(),
        )
        .bind(counts)
        .bind(column(|b| b.sum))
        .bind(column(|b| b.min))
        .bind(column(|b| b.max))
        .bind(column(|b| b.first))
        .bind(time(|b| b.first_at))
        .bind(column(|b| b.last))
        .bind(time(|b| b.last_at))
        .bind(fives().map(|fives| fives.filled).collect::<Vec<i32>>())
        .bind(fives().map(|fives| fives.mean_sum).collect::<Vec<f64>>())
        .execute(&mut **tx)
        .await
        .map(drop)
}
