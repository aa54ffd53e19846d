//! Batches to rows.

use async_trait::async_trait;
use sealrock_eventstore::{LedgerId, LedgerInfo};
use sqlx::PgTransaction;

use super::rows::Rows;
use super::{NAME, dictionary, partitions, stretches};
use crate::copy::CopyRows;
use crate::runner::{FoldError, Prepared, Projection, Shown};
use crate::telemetry::batches;
use crate::{binding, erasing};

/// Fills read model `readings`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadingsProjection;

#[async_trait]
impl Projection for ReadingsProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        2
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
        store(tx, ledger.id, Rows::of(&batches, &bindings)).await?;
        for erased in erasing::erased(ledger, batch)? {
            stretches::forget(tx, ledger.id, &erased.payloads).await?;
        }
        Ok(())
    }
}

async fn store(tx: &mut PgTransaction<'_>, ledger: LedgerId, rows: Rows<'_>) -> sqlx::Result<()> {
    let series = dictionary::ids(tx, ledger, &rows.series.keys).await?;
    let contexts = dictionary::ids(tx, ledger, &rows.contexts.keys).await?;
    stretches::remember(tx, ledger, &rows, &series).await?;
    let (near, far) = rows.into_copies(&series, &contexts);
    copy(tx, "reading", near).await?;
    copy(tx, "far_reading", far).await
}

async fn copy(tx: &mut PgTransaction<'_>, table: &str, rows: CopyRows) -> sqlx::Result<()> {
    let sql = format!("COPY {table}{}", include_str!("copy_readings.sql"));
    rows.send(tx, &sql).await
}
