//! Batches to rows.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::{Assessed, Source, Verdict};
use sealrock_eventstore::{LedgerId, LedgerInfo, Recorded};
use sealrock_ledger::micros;
use sqlx::PgTransaction;
use sqlx::types::Uuid;

use super::{NAME, partitions};
use crate::binding::{self, Binding};
use crate::erasing::{self, Erased, columns as ranges};
use crate::runner::{FoldError, Prepared, Projection};
use crate::telemetry::{Batch, batches, columns};

/// Fills read model `readings`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadingsProjection;

#[async_trait]
impl Projection for ReadingsProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        include_str!("schema.sql")
    }

    async fn prepare(
        &self,
        tx: &mut PgTransaction<'_>,
        _ledger: &LedgerInfo,
        batch: &[Recorded],
    ) -> Result<Prepared, FoldError> {
        let days = partitions::days(&batches(batch)?);
        partitions::make(tx, &days).await
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        batch: &[Recorded],
    ) -> Result<(), FoldError> {
        let registered = binding::registered(batch)?;
        let batches = batches(batch)?;
        let devices = batches.iter().map(|batch| batch.device);
        let bindings = binding::fold(tx, &registered, devices).await?;
        insert_batches(tx, ledger.id, &batches).await?;
        let (near, far) = Columns::of(&batches, &bindings);
        near.insert(tx, "reading", ledger.id).await?;
        far.insert(tx, "far_reading", ledger.id).await?;
        for erased in erasing::erased(ledger, batch)? {
            forget(tx, ledger.id, &erased).await?;
        }
        Ok(())
    }
}

/// The readings of erased batches go, whoever erased them.
async fn forget(tx: &mut PgTransaction<'_>, ledger: LedgerId, erased: &Erased) -> sqlx::Result<()> {
    let (first, last) = ranges(&erased.payloads);
    let (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>) =
        sqlx::query_as(include_str!("forget_batches.sql"))
            .bind(ledger.0)
            .bind(&first)
            .bind(&last)
            .fetch_one(&mut **tx)
            .await?;
    sqlx::query(include_str!("forget_readings.sql"))
        .bind(ledger.0)
        .bind(first)
        .bind(last)
        .bind(from)
        .bind(to)
        .execute(&mut **tx)
        .await
        .map(drop)
}

async fn insert_batches(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    batches: &[Batch],
) -> sqlx::Result<()> {
    let near = |batch: &Batch| {
        let times = batch.content.readings.iter().map(|r| r.at);
        let near = times.filter(|at| partitions::is_near(*at, batch.received_at));
        near.map(micros).collect()
    };
    let times: Vec<Vec<DateTime<Utc>>> = batches.iter().map(near).collect();
    let indexes: Vec<i64> = batches
        .iter()
        .map(|batch| batch.index.0.cast_signed())
        .collect();
    let devices: Vec<Uuid> = batches.iter().map(|batch| batch.device.0).collect();
    let from: Vec<_> = times
        .iter()
        .map(|times| times.iter().min().copied())
        .collect();
    let to: Vec<_> = times
        .iter()
        .map(|times| times.iter().max().copied())
        .collect();
    sqlx::query(include_str!("insert_batches.sql"))
        .bind(ledger.0)
        .bind(indexes)
        .bind(devices)
        .bind(from)
        .bind(to)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// The rows of a batch, column by column, for one UNNEST.
#[derive(Default)]
struct Columns<'a> {
    index: Vec<i64>,
    ordinal: Vec<i32>,
    device: Vec<Uuid>,
    site: Vec<Option<&'a str>>,
    metric: Vec<&'a str>,
    at: Vec<DateTime<Utc>>,
    value: Vec<Option<f64>>,
    truth: Vec<Option<bool>>,
    text: Vec<Option<&'a str>>,
    unit: Vec<Option<&'a str>>,
    canonical: Vec<Option<f64>>,
    quality: Vec<&'static str>,
    suspicion: Vec<Option<&'static str>>,
    source: Vec<Option<&'static str>>,
}

impl<'a> Columns<'a> {
    /// The rows for partitions, and those for `far_reading`.
    fn of(batches: &'a [Batch], bindings: &'a HashMap<DeviceId, Binding>) -> (Self, Self) {
        let (mut near, mut far) = (Self::default(), Self::default());
        for batch in batches {
            let binding = bindings.get(&batch.device);
            for (ordinal, assessed) in batch.assessed() {
                let columns = if partitions::is_near(assessed.reading.at, batch.received_at) {
                    &mut near
                } else {
                    &mut far
                };
                columns.push(batch, binding, ordinal, &assessed);
            }
        }
        (near, far)
    }

    fn push(
        &mut self,
        batch: &'a Batch,
        binding: Option<&'a Binding>,
        ordinal: i32,
        assessed: &Assessed<'a>,
    ) {
        let reading = assessed.reading;
        let (value, truth, text) = columns(&reading.value);
        let (canonical, suspicion) = match &assessed.verdict {
            Verdict::Good { value, .. } => (Some(*value), None),
            Verdict::Suspect(suspicion) => (None, Some(suspicion.code())),
        };
        let registered = binding.map(|binding| binding.source);
        let source = Source::effective(registered, batch.content.source);
        self.index.push(batch.index.0.cast_signed());
        self.ordinal.push(ordinal);
        self.device.push(batch.device.0);
        self.site.push(binding.map(|binding| binding.site.as_str()));
        self.metric.push(reading.metric.as_str());
        self.at.push(micros(reading.at));
        self.value.push(value);
        self.truth.push(truth);
        self.text.push(text);
        self.unit.push(reading.unit.as_deref());
        self.canonical.push(canonical);
        self.quality.push(reading.quality.as_str());
        self.suspicion.push(suspicion);
        self.source.push(source.map(Source::as_str));
    }

    async fn insert(
        self,
        tx: &mut PgTransaction<'_>,
        table: &'static str,
        ledger: LedgerId,
    ) -> sqlx::Result<()> {
        if self.index.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO {table} {}",
            include_str!("insert_readings.sql")
        );
        sqlx::query(&sql)
            .bind(ledger.0)
            .bind(self.index)
            .bind(self.ordinal)
            .bind(self.device)
            .bind(self.site)
            .bind(self.metric)
            .bind(self.at)
            .bind(self.value)
            .bind(self.truth)
            .bind(self.text)
            .bind(self.unit)
            .bind(self.canonical)
            .bind(self.quality)
            .bind(self.suspicion)
            .bind(self.source)
            .execute(&mut **tx)
            .await
            .map(drop)
    }
}
