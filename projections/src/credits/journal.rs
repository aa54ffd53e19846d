//! What was added to accounts and taken off them.

use sealrock_domain::KilogramRange;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::types::Json;

use super::AccountEntry;
use crate::asked::{by_number, only};
use crate::read_models::{QueryError, ReadModels};

/// An entry, and which of several questions it answers, from 1.
type Row = (i64, Json<AccountEntry>);

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
        between: (Option<Index>, Option<Index>),
        limit: u32,
    ) -> Result<Vec<AccountEntry>, QueryError> {
        let one = [account];
        let found = self.account_entries_of(ledger, &one, between, limit);
        Ok(only(found.await?))
    }

    /// As [`account_entries`](Self::account_entries) of each of these accounts, in their order.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn account_entries_of(
        &self,
        ledger: LedgerId,
        accounts: &[&str],
        (after, as_of): (Option<Index>, Option<Index>),
        limit: u32,
    ) -> Result<Vec<Vec<AccountEntry>>, QueryError> {
        let rows: Vec<Row> = sqlx::query_as(include_str!("entries.sql"))
            .bind(ledger.0)
            .bind(accounts)
            .bind(after.map_or(-1, |index| index.0.cast_signed()))
            .bind(as_of.map_or(i64::MAX, |index| index.0.cast_signed()))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        Ok(numbered(rows, accounts.len()))
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
        let found = self.net_masses_of(ledger, &[(account, range)]).await?;
        Ok(only(found))
    }

    /// As [`net_mass_of`](Self::net_mass_of) each of these ranges of accounts, in their order.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn net_masses_of(
        &self,
        ledger: LedgerId,
        ranges: &[(&str, KilogramRange)],
    ) -> Result<Vec<Vec<AccountEntry>>, QueryError> {
        let grams = |kilograms: u64| (kilograms * 1_000).cast_signed();
        let of = ranges.iter();
        let accounts: Vec<&str> = of.clone().map(|(account, _)| *account).collect();
        let from: Vec<i64> = of.clone().map(|(_, of)| grams(of.from_kg())).collect();
        let to: Vec<i64> = of.map(|(_, of)| grams(of.to_kg())).collect();
        let rows: Vec<Row> = sqlx::query_as(include_str!("net_mass_of.sql"))
            .bind(ledger.0)
            .bind(accounts)
            .bind(from)
            .bind(to)
            .fetch_all(self.pool())
            .await?;
        Ok(numbered(rows, ranges.len()))
    }
}

fn numbered(rows: Vec<Row>, questions: usize) -> Vec<Vec<AccountEntry>> {
    let rows = rows.into_iter().map(|(number, Json(row))| (number, row));
    by_number(rows, questions)
}
