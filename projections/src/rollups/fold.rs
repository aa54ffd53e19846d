//! Batches to buckets.
//!
//! The buckets that a batch touches are loaded, every reading is added in the ledger's order, and
//! they are stored: so a sum has the same last bit however the ledger was cut into batches, and a
//! rebuild gives the same rows. Adding partial sums in SQL would not. Nothing can be taken out of a
//! least or a greatest, so the days of an erased batch are derived anew: see `derive.rs`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

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

/// Device, metric, width in seconds, start.
pub(super) type Key = (DeviceId, Cow<'static, str>, i32, DateTime<Utc>);
pub(super) type Buckets = HashMap<Key, Rollup>;

#[async_trait]
impl Projection for RollupsProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        5
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
        let readings: Vec<Counted> = batches.iter().copied().flat_map(Batch::counted).collect();
        let mut buckets = load(tx, &readings).await?;
        for reading in &readings {
            add(&mut buckets, reading);
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

fn keys(reading: &Counted) -> impl Iterator<Item = Key> {
    WIDTHS.into_iter().map(|width| key(reading, width))
}

fn key(reading: &Counted, width: i32) -> Key {
    let start = bucket_of(reading.at, width);
    (reading.device, Cow::Borrowed(reading.metric), width, start)
}

pub(super) fn add(buckets: &mut Buckets, reading: &Counted) {
    let five_minutes = buckets.get(&key(reading, FIVE_MINUTES));
    let change = Fives::changed_by(five_minutes.map(|bucket| &bucket.aggregate), reading);
    for key in keys(reading) {
        buckets
            .entry(key)
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

async fn load(tx: &mut PgTransaction<'_>, readings: &[Counted]) -> sqlx::Result<Buckets> {
    let wanted: HashSet<Key> = readings.iter().flat_map(keys).collect();
    let devices: Vec<Uuid> = wanted.iter().map(|key| key.0.0).collect();
    let metrics: Vec<&str> = wanted.iter().map(|key| &*key.1).collect();
    let widths: Vec<i32> = wanted.iter().map(|key| key.2).collect();
    let starts: Vec<DateTime<Utc>> = wanted.iter().map(|key| key.3).collect();
    let rows: Vec<Row> = sqlx::query_as(include_str!("load.sql"))
        .bind(devices)
        .bind(metrics)
        .bind(widths)
        .bind(starts)
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(Row::into_bucket).collect())
}

impl Row {
    pub(super) fn into_bucket(self) -> (Key, Rollup) {
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
        (
            (
                DeviceId(self.device_id),
                Cow::Owned(self.metric),
                self.width,
                self.bucket,
            ),
            Rollup { aggregate, fives },
        )
    }
}

pub(super) async fn store(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    buckets: &Buckets,
) -> sqlx::Result<()> {
    // In the order of the key, so that neighbours in the index are written one after the other.
    let mut rows: Vec<(&Key, &Rollup)> = buckets.iter().collect();
    rows.sort_unstable_by_key(|(key, _)| *key);
    let keys = || rows.iter().map(|(key, _)| *key);
    let aggregates = || rows.iter().map(|(_, bucket)| &bucket.aggregate);
    let column = |f: fn(&Aggregate) -> f64| aggregates().map(f).collect::<Vec<f64>>();
    let time = |f: fn(&Aggregate) -> DateTime<Utc>| aggregates().map(f).collect::<Vec<_>>();
    let counts: Vec<i64> = aggregates().map(|a| a.count.cast_signed()).collect();
    let fives = || rows.iter().map(|(_, bucket)| bucket.fives);
    sqlx::query(include_str!("store.sql"))
        .bind(ledger.0)
        .bind(keys().map(|key| key.0.0).collect::<Vec<Uuid>>())
        .bind(keys().map(|key| &*key.1).collect::<Vec<&str>>())
        .bind(keys().map(|key| key.2).collect::<Vec<i32>>())
        .bind(keys().map(|key| key.3).collect::<Vec<DateTime<Utc>>>())
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
