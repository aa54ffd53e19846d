//! Batches to counts, boots and gaps: what they touch is loaded, changed in order, and stored.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sealrock_eventstore::{LedgerId, LedgerInfo, Recorded};
use sqlx::PgTransaction;
use sqlx::types::Json;
use uuid::Uuid;

use super::NAME;
use super::rows::StatusRow;
use crate::runner::{FoldError, Projection};
use crate::seqs::{self, store, window_entries};
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
        batch: &[Recorded],
    ) -> Result<(), FoldError> {
        let windows = window_entries(batch)?;
        let batches = batches(batch)?;
        fold_statuses(tx, ledger.id, &batches).await?;
        seqs::fold(tx, &batches, &windows).await?;
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

fn count(items: impl Iterator) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}
