//! Events to versions of rows.

use async_trait::async_trait;
use sealrock_eventstore::LedgerInfo;
use sqlx::PgTransaction;

use super::{NAME, registry, storage};
use crate::runner::{FoldError, Projection, Shown};

/// Fills read model `credits`.
#[derive(Debug, Clone, Copy, Default)]
pub struct CreditsProjection;

#[async_trait]
impl Projection for CreditsProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn schema(&self) -> &'static str {
        include_str!("schema.sql")
    }

    fn folds_batches(&self) -> bool {
        false
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<(), FoldError> {
        storage::fold(tx, ledger.id, batch).await?;
        registry::fold(tx, ledger.id, batch).await
    }
}
