//! Batches to hours, seals and erasures.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sealrock_domain::telemetry::window::{WindowEvent, WindowSealed, window_of};
use sealrock_eventstore::{LedgerId, LedgerInfo};
use sealrock_ledger::record::{IndexRange, LedgerContinued, Record};
use sqlx::PgTransaction;
use uuid::Uuid;

use super::NAME;
use crate::copy::CopyRows;
use crate::entry::erased;
use crate::runner::{FoldError, Projection, Shown};
use crate::seqs::{self, WindowEntry, window_entries};
use crate::telemetry::{Batch, batches};

/// Fills read model `windows`.
#[derive(Debug, Clone, Copy, Default)]
pub struct WindowsProjection;

/// Devices and hours whose unsealed batches changed.
type Touched = BTreeSet<(Uuid, DateTime<Utc>)>;

#[async_trait]
impl Projection for WindowsProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn schema(&self) -> &'static str {
        concat!(
            include_str!("schema.sql"),
            include_str!("../seqs/schema.sql")
        )
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<(), FoldError> {
        let (windows, erased) = (window_entries(batch)?, erased(batch)?);
        let batches = batches(batch)?;
        let begins = batch
            .iter()
            .any(|recorded| recorded.entry.kind == LedgerContinued::KIND);
        if let (Some(parent), true) = (ledger.continues, begins) {
            forget_parent(tx, parent).await?;
        }
        seqs::fold(tx, &batches, &windows).await?;
        store_versions(tx, &windows).await?;
        let mut touched = Touched::new();
        add_batches(tx, ledger.id, &batches, &mut touched).await?;
        for entry in &windows {
            if let WindowEvent::WindowSealed(seal) = &entry.event {
                add_seal(tx, ledger.id, entry, seal, &mut touched).await?;
            }
        }
        delete_erased(tx, ledger.id, &erased, &mut touched).await?;
        refresh(tx, ledger.id, touched).await?;
        Ok(())
    }
}

/// A ledger seals its own batches. What the one before left open stays open, and what it named as
/// gaps counts there: this one begins anew with its devices.
async fn forget_parent(tx: &mut PgTransaction<'_>, parent: LedgerId) -> sqlx::Result<()> {
    for sql in include_str!("forget_parent.sql").split_inclusive(';') {
        sqlx::query(sql).bind(parent.0).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn add_batches(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    batches: &[&Batch],
    touched: &mut Touched,
) -> sqlx::Result<()> {
    let mut rows = CopyRows::new();
    for batch in batches {
        let hour = window_of(&batch.content, batch.received_at).start();
        touched.insert((batch.device.0, hour));
        rows.row(5)
            .integer(ledger.0)
            .uuid(batch.device.0)
            .time(hour)
            .bigint(batch.index.0.cast_signed())
            .time(batch.received_at);
    }
    rows.send(tx, include_str!("copy_unsealed.sql")).await
}

/// What the seal holds waits no more.
async fn add_seal(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    entry: &WindowEntry,
    seal: &WindowSealed,
    touched: &mut Touched,
) -> sqlx::Result<()> {
    let (device, hour) = (seal.device.0, seal.hour.start());
    let waiting: Vec<i64> = sqlx::query_scalar(
        "SELECT index FROM unsealed WHERE device_id = $1 AND hour = $2 AND index <= $3",
    )
    .bind(device)
    .bind(hour)
    .bind(seal.last_entry().unwrap_or(0).cast_signed())
    .fetch_all(&mut **tx)
    .await?;
    let held = waiting.into_iter();
    let held: Vec<i64> = held
        .filter(|index| seal.holds(index.unsigned_abs()))
        .collect();
    sqlx::query("DELETE FROM unsealed WHERE device_id = $1 AND hour = $2 AND index = ANY ($3)")
        .bind(device)
        .bind(hour)
        .bind(held)
        .execute(&mut **tx)
        .await?;
    touched.insert((device, hour));
    store_seal(tx, ledger, entry, seal).await
}

async fn store_seal(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    entry: &WindowEntry,
    seal: &WindowSealed,
) -> sqlx::Result<()> {
    sqlx::query(include_str!("store_seal.sql"))
        .bind(ledger.0)
        .bind(seal.device.0)
        .bind(seal.hour.start())
        .bind(entry.index.0.cast_signed())
        .bind(entry.version.cast_signed())
        .bind(entry.recorded_at)
        .bind(seal.batches.cast_signed())
        .bind(&seal.root.0[..])
        .execute(&mut **tx)
        .await
        .map(drop)
}

async fn store_versions(tx: &mut PgTransaction<'_>, windows: &[WindowEntry]) -> sqlx::Result<()> {
    let named = windows.iter().filter_map(|entry| match &entry.event {
        WindowEvent::GapDetected(gap) => Some((gap.device.0, entry.version.cast_signed())),
        WindowEvent::WindowSealed(_) => None,
    });
    let (devices, versions): (Vec<Uuid>, Vec<i64>) = named.unzip();
    if devices.is_empty() {
        return Ok(());
    }
    sqlx::query(include_str!("store_versions.sql"))
        .bind(devices)
        .bind(versions)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// A batch that was erased before a seal held it belongs to no window any more.
async fn delete_erased(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    erased: &[IndexRange],
    touched: &mut Touched,
) -> sqlx::Result<()> {
    if erased.is_empty() {
        return Ok(());
    }
    let first: Vec<i64> = erased.iter().map(|e| e.first.0.cast_signed()).collect();
    let last: Vec<i64> = erased.iter().map(|e| e.last.0.cast_signed()).collect();
    let hours: Vec<(Uuid, DateTime<Utc>)> = sqlx::query_as(include_str!("delete_erased.sql"))
        .bind(ledger.0)
        .bind(first)
        .bind(last)
        .fetch_all(&mut **tx)
        .await?;
    touched.extend(hours);
    Ok(())
}

async fn refresh(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    touched: Touched,
) -> sqlx::Result<()> {
    if touched.is_empty() {
        return Ok(());
    }
    let (devices, hours): (Vec<Uuid>, Vec<DateTime<Utc>>) = touched.into_iter().unzip();
    sqlx::query(include_str!("refresh.sql"))
        .bind(ledger.0)
        .bind(&devices)
        .bind(&hours)
        .execute(&mut **tx)
        .await?;
    sqlx::query(include_str!("forget_empty.sql"))
        .bind(devices)
        .bind(hours)
        .execute(&mut **tx)
        .await
        .map(drop)
}
