//! Taking erased batches out of what was counted.

use std::collections::BTreeMap;

use sealrock_eventstore::LedgerId;
use sqlx::PgTransaction;
use sqlx::types::Json;
use uuid::Uuid;

use super::rows::BatchRow;
use crate::erasing::{Erased, columns};

/// What redacted batches counted goes. That they came stays, and so do their seqs: seals name them.
pub(super) async fn redacted(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    erased: &Erased,
) -> sqlx::Result<()> {
    let gone = forget(tx, ledger, erased).await?;
    let mut readings: BTreeMap<Uuid, (i64, i64)> = BTreeMap::new();
    for batch in &gone {
        let sums = readings.entry(batch.device_id).or_default();
        *sums = (sums.0 + batch.readings, sums.1 + batch.suspect);
    }
    for (device, (readings, suspect)) in readings {
        sqlx::query(include_str!("uncount.sql"))
            .bind(device)
            .bind(readings)
            .bind(suspect)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// What was counted of batches outlives them.
pub(super) async fn retained(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    erased: &Erased,
) -> sqlx::Result<()> {
    forget(tx, ledger, erased).await.map(drop)
}

async fn forget(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    erased: &Erased,
) -> sqlx::Result<Vec<BatchRow>> {
    let (first, last) = columns(&erased.payloads);
    let rows: Vec<Json<BatchRow>> = sqlx::query_scalar(include_str!("forget_batches.sql"))
        .bind(ledger.0)
        .bind(first)
        .bind(last)
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(|Json(row)| row).collect())
}
