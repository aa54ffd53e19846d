//! Batches to rows.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::{Reading, Source, Verdict};
use sealrock_eventstore::{LedgerId, LedgerInfo};
use sealrock_ledger::micros;
use sqlx::PgTransaction;

use super::{NAME, partitions};
use crate::binding::{self, Binding};
use crate::copy::CopyRows;
use crate::erasing::{self, Erased, columns as ranges};
use crate::runner::{FoldError, Prepared, Projection, Shown};
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

    fn indexes(&self) -> &'static str {
        include_str!("indexes.sql")
    }

    fn prepares(&self) -> bool {
        true
    }

    async fn prepare(
        &self,
        tx: &mut PgTransaction<'_>,
        _ledger: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<Prepared, FoldError> {
        let days = partitions::days(&batches(batch)?);
        partitions::make(tx, &days).await
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<(), FoldError> {
        let registered = binding::registered(batch)?;
        let batches = batches(batch)?;
        let devices = batches.iter().map(|batch| batch.device);
        let bindings = binding::fold(tx, &registered, devices).await?;
        insert_batches(tx, ledger.id, &batches).await?;
        let (near, far) = rows(ledger.id, &batches, &bindings);
        copy(tx, "reading", near).await?;
        copy(tx, "far_reading", far).await?;
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
    batches: &[&Batch],
) -> sqlx::Result<()> {
    let mut rows = CopyRows::new();
    for batch in batches {
        let times = batch.content.readings.iter().map(|r| r.at);
        let near = times.filter(|at| partitions::is_near(*at, batch.received_at));
        rows.row(5)
            .integer(ledger.0)
            .bigint(batch.index.0.cast_signed())
            .uuid(batch.device.0)
            .nullable_time(near.clone().min().map(micros))
            .nullable_time(near.max().map(micros));
    }
    rows.send(tx, include_str!("copy_batches.sql")).await
}

/// The rows for partitions, and those for `far_reading`.
fn rows(
    ledger: LedgerId,
    batches: &[&Batch],
    bindings: &HashMap<DeviceId, Binding>,
) -> (CopyRows, CopyRows) {
    let (mut near, mut far) = (CopyRows::new(), CopyRows::new());
    for batch in batches {
        let binding = bindings.get(&batch.device);
        for (ordinal, reading, verdict) in batch.assessed() {
            let rows = if partitions::is_near(reading.at, batch.received_at) {
                &mut near
            } else {
                &mut far
            };
            add_row(rows, (ledger, batch, binding), ordinal, reading, verdict);
        }
    }
    (near, far)
}

fn add_row(
    rows: &mut CopyRows,
    (ledger, batch, binding): (LedgerId, &Batch, Option<&Binding>),
    ordinal: i32,
    reading: &Reading,
    verdict: &Verdict,
) {
    let (value, truth, text) = columns(&reading.value);
    let (canonical, suspicion) = match verdict {
        Verdict::Good { value, .. } => (Some(*value), None),
        Verdict::Suspect(suspicion) => (None, Some(suspicion.code())),
    };
    let registered = binding.map(|binding| binding.source);
    let source = Source::effective(registered, batch.content.source);
    rows.row(15)
        .integer(ledger.0)
        .bigint(batch.index.0.cast_signed())
        .integer(ordinal)
        .uuid(batch.device.0)
        .text(binding.map(|binding| binding.site.as_str()))
        .text(Some(reading.metric.as_str()))
        .time(reading.at)
        .double(value)
        .boolean(truth)
        .text(text)
        .text(reading.unit.as_deref())
        .double(canonical)
        .text(Some(reading.quality.as_str()))
        .text(suspicion)
        .text(source.map(Source::as_str));
}

async fn copy(tx: &mut PgTransaction<'_>, table: &str, rows: CopyRows) -> sqlx::Result<()> {
    let sql = format!("COPY {table}{}", include_str!("copy_readings.sql"));
    rows.send(tx, &sql).await
}
