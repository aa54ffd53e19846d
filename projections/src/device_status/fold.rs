//! Batches to counts, boots and gaps: what they touch is loaded, changed in order, and stored.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sealrock_eventstore::{LedgerId, LedgerInfo, Recorded};
use sqlx::PgTransaction;
use sqlx::types::Json;
use uuid::Uuid;

use super::NAME;
use super::gaps::{Counted, Counters};
use super::rows::{BootRow, GapRow, StatusRow};
use crate::runner::{FoldError, Projection};
use crate::telemetry::{Batch, batches};

/// Fills read model `device_status`.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeviceStatusProjection;

#[async_trait]
impl Projection for DeviceStatusProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        include_str!("schema.sql")
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        batch: &[Recorded],
    ) -> Result<(), FoldError> {
        let batches = batches(batch)?;
        fold_statuses(tx, ledger.id, &batches).await?;
        fold_counters(tx, &batches).await?;
        Ok(())
    }
}

async fn fold_statuses(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    batches: &[Batch],
) -> sqlx::Result<()> {
    let devices: Vec<Uuid> = batches.iter().map(|batch| batch.device.0).collect();
    let rows: Vec<Json<StatusRow>> =
        sqlx::query_scalar("SELECT to_jsonb(s) FROM device_status s WHERE device_id = ANY ($1)")
            .bind(devices)
            .fetch_all(&mut **tx)
            .await?;
    let mut statuses: BTreeMap<Uuid, StatusRow> = rows
        .into_iter()
        .map(|Json(row)| (row.device_id, row))
        .collect();
    for batch in batches {
        let status = statuses.entry(batch.device.0);
        status
            .or_insert_with(|| StatusRow::new(ledger, batch))
            .add(batch);
    }
    let rows: Vec<StatusRow> = statuses.into_values().collect();
    store(tx, include_str!("store_statuses.sql"), &rows).await
}

impl StatusRow {
    fn new(ledger: LedgerId, batch: &Batch) -> Self {
        Self {
            device_id: batch.device.0,
            ledger_id: ledger.0,
            first_seen: batch.received_at,
            last_seen: batch.received_at,
            last_index: 0,
            last_boot: None,
            last_seq: None,
            batches: 0,
            readings: 0,
            suspect: 0,
        }
    }

    fn add(&mut self, batch: &Batch) {
        let counted = count(batch.counted());
        let readings = count(batch.content.readings.iter());
        self.first_seen = self.first_seen.min(batch.received_at);
        self.last_seen = self.last_seen.max(batch.received_at);
        self.last_index = batch.index.0.cast_signed();
        self.last_boot.clone_from(&batch.content.boot);
        self.last_seq = batch.content.seq.map(u64::cast_signed);
        self.batches += 1;
        self.readings += readings;
        self.suspect += readings - counted;
    }
}

async fn fold_counters(tx: &mut PgTransaction<'_>, batches: &[Batch]) -> sqlx::Result<()> {
    let counted: Vec<Counted> = batches.iter().filter_map(counted).collect();
    if counted.is_empty() {
        return Ok(());
    }
    let mut counters = load_counters(tx, &counted).await?;
    for batch in &counted {
        counters.add(batch);
    }
    let (boots, gaps) = counters.into_rows();
    store(tx, include_str!("store_boots.sql"), &boots).await?;
    store(tx, include_str!("store_gaps.sql"), &gaps).await
}

fn counted(batch: &Batch) -> Option<Counted> {
    Some(Counted {
        key: (
            batch.device.0,
            batch.content.boot.clone().unwrap_or_default(),
        ),
        seq: batch.content.seq?.cast_signed(),
        index: batch.index.0.cast_signed(),
        received_at: batch.received_at,
    })
}

async fn load_counters(tx: &mut PgTransaction<'_>, counted: &[Counted]) -> sqlx::Result<Counters> {
    let devices: Vec<Uuid> = counted.iter().map(|batch| batch.key.0).collect();
    let boots: Vec<&str> = counted.iter().map(|batch| batch.key.1.as_str()).collect();
    let seqs: Vec<i64> = counted.iter().map(|batch| batch.seq).collect();
    let boot_rows: Vec<Json<BootRow>> = sqlx::query_scalar(include_str!("load_boots.sql"))
        .bind(&devices)
        .bind(&boots)
        .fetch_all(&mut **tx)
        .await?;
    let gap_rows: Vec<Json<GapRow>> = sqlx::query_scalar(include_str!("load_gaps.sql"))
        .bind(&devices)
        .bind(&boots)
        .bind(&seqs)
        .fetch_all(&mut **tx)
        .await?;
    let boots = boot_rows.into_iter().map(|Json(row)| row).collect();
    let gaps = gap_rows.into_iter().map(|Json(row)| row).collect();
    Ok(Counters::new(boots, gaps))
}

async fn store<T: serde::Serialize + Sync>(
    tx: &mut PgTransaction<'_>,
    sql: &'static str,
    rows: &[T],
) -> sqlx::Result<()> {
    sqlx::query(sql)
        .bind(Json(rows))
        .execute(&mut **tx)
        .await
        .map(drop)
}

fn count(items: impl Iterator) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}
