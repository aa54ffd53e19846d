//! What was added to accounts and taken off them.

use sealrock_domain::KilogramRange;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::types::Json;

use super::AccountEntry;
use crate::read_models::{QueryError, ReadModels};

impl ReadModels {
    /// What was added to an account (`<site id>/<year>`) and taken off it, in the ledger's order:
    /// at most `limit`, behind entry `after` and not behind entry `as_of`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn account_entries(
        &self,
        ledger: LedgerId,
        account: &str,
        (after, as_of): (Option<Index>, Option<Index>),
        limit: u32,
    ) -> Result<Vec<AccountEntry>, QueryError> {
        let rows: Vec<Json<AccountEntry>> = sqlx::query_scalar(include_str!("entries.sql"))
            .bind(ledger.0)
            .bind(account)
            .bind(after.map_or(-1, |index| index.0.cast_signed()))
            .bind(as_of.map_or(i64::MAX, |index| index.0.cast_signed()))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        Ok(rows.into_iter().map(|Json(row)| row).collect())
    }

    /// Where the kilograms of a range came from: the entries that added them, in the ledger's order.
    /// An account counts its kilograms in the order in which they were stored.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn net_mass_of(
        &self,
        ledger: LedgerId,
        account: &str,
        range: KilogramRange,
    ) -> Result<Vec<AccountEntry>, QueryError> {
        let grams = |kilograms: u64| (kilograms * 1_000).cast_signed();
        let rows: Vec<Json<AccountEntry>> = sqlx::query_scalar(include_str!("net_mass_of.sql"))
            .bind(ledger.0)
            .bind(account)
            .bind(grams(range.from_kg()))
            .bind(grams(range.to_kg()))
            .fetch_all(self.pool())
            .await?;
        Ok(rows.into_iter().map(|Json(row)| row).collect())
    }
}
