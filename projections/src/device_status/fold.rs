//! Batches to counts, boots and gaps: what they touch is loaded, changed in order, and stored.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sealrock_eventstore::{LedgerId, LedgerInfo};
use sqlx::PgTransaction;
use sqlx::types::Json;
use uuid::Uuid;

use super::rows::{BatchRow, StatusRow};
use super::{NAME, uncount};
use crate::copy::CopyRows;
use crate::erasing::{self, Step};
use crate::runner::{FoldError, Projection, Shown};
use crate::seqs::{self, store, window_entries};
use crate::telemetry::{Batch, Emptied, batches, emptied};

/// Fills read model `device_status`.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeviceStatusProjection;

#[async_trait]
impl Projection for DeviceStatusProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        5
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
        let (windows, emptied, batches) =
            (window_entries(batch)?, emptied(batch)?, batches(batch)?);
        let row = |batch: &Batch| row(ledger.id, batch);
        let rows: Vec<BatchRow> = batches.iter().copied().map(row).collect();
        fold_statuses(tx, ledger.id, &rows, &emptied).await?;
        seqs::fold(tx, &batches, &windows).await?;
        insert_batches(tx, &rows).await?;
        for step in erasing::steps(ledger, batch)? {
            match step {
                Step::Seals(_) => {}
                Step::Redacted(erased) => uncount::redacted(tx, ledger.id, &erased).await?,
                Step::Retained(erased) => uncount::retained(tx, ledger.id, &erased).await?,
            }
        }
        Ok(())
    }
}

fn row(ledger: LedgerId, batch: &Batch) -> BatchRow {
    let readings = count(batch.content.readings.iter());
    BatchRow {
        ledger_id: ledger.0,
        index: batch.index.0.cast_signed(),
        device_id: batch.device.0,
        boot: batch.content.boot.clone(),
        seq: batch.content.seq.map(u64::cast_signed),
        readings,
        suspect: readings - count(batch.counted()),
        received_at: batch.received_at,
    }
}

async fn insert_batches(tx: &mut PgTransaction<'_>, batches: &[BatchRow]) -> sqlx::Result<()> {
    let mut rows = CopyRows::new();
    for batch in batches {
        rows.row(8)
            .integer(batch.ledger_id)
            .bigint(batch.index)
            .uuid(batch.device_id)
            .text(batch.boot.as_deref())
            .nullable_bigint(batch.seq)
            .bigint(batch.readings)
            .bigint(batch.suspect)
            .time(batch.received_at);
    }
    rows.send(tx, include_str!("copy_batches.sql")).await
}

async fn fold_statuses(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    batches: &[BatchRow],
    emptied: &[Emptied],
) -> sqlx::Result<()> {
    let devices = batches.iter().map(|batch| batch.device_id);
    let devices: Vec<Uuid> = devices
        .chain(emptied.iter().map(|batch| batch.device.0))
        .collect();
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
        let status = statuses.entry(batch.device_id);
        status
            .or_insert_with(|| StatusRow::new(ledger, batch.device_id, batch.received_at))
            .add(batch);
    }
    for batch in emptied {
        let status = statuses.entry(batch.device.0);
        status
            .or_insert_with(|| StatusRow::new(ledger, batch.device.0, batch.received_at))
            .heard((ledger.0, batch.index.0.cast_signed()), batch.received_at);
    }
    let rows: Vec<StatusRow> = statuses.into_values().collect();
    store(tx, include_str!("store_statuses.sql"), &rows).await
}

impl StatusRow {
    fn new(ledger: LedgerId, device_id: Uuid, received_at: DateTime<Utc>) -> Self {
        Self {
            device_id,
            ledger_id: ledger.0,
            first_seen: received_at,
            last_seen: received_at,
            last_index: 0,
            last_boot: None,
            last_seq: None,
            batches: 0,
            readings: 0,
            suspect: 0,
        }
    }

    /// A batch came: all that is known of one whose payload was erased. Answers whether it is the
    /// newest: a ledger that continues another comes behind it, in whichever order they are folded.
    fn heard(&mut self, place: (i32, i64), received_at: DateTime<Utc>) -> bool {
        self.first_seen = self.first_seen.min(received_at);
        self.last_seen = self.last_seen.max(received_at);
        self.batches += 1;
        let newest = place >= (self.ledger_id, self.last_index);
        if newest {
            (self.ledger_id, self.last_index) = place;
        }
        newest
    }

    fn add(&mut self, batch: &BatchRow) {
        if self.heard((batch.ledger_id, batch.index), batch.received_at) {
            self.last_boot.clone_from(&batch.boot);
            self.last_seq = batch.seq;
        }
        self.readings += batch.readings;
        self.suspect += batch.suspect;
    }
}

fn count(items: impl Iterator) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}
