//! Accounts, issuances and blocks, now or as of an entry.

use sealrock_domain::mass_account::MassAccountId;
use sealrock_domain::{CreditBlockId, SiteId, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Block, Issuance, MassAccount, Request, Reservation};
use crate::read_models::{QueryError, ReadModels};

/// Which issuances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuanceFilter {
    /// Those that this ledger set kilograms aside for.
    OfStorage(LedgerId),
    /// Those that were requested in this registry's ledger.
    OfRegistry(LedgerId),
}

/// Which blocks; an absent field means all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockFilter {
    /// In this registry's ledger.
    pub ledger: LedgerId,
    /// Held by this organisation.
    pub holder: Option<Slug>,
}

type IssuanceRow = (Option<Json<Reservation>>, Option<Json<Request>>);

impl ReadModels {
    /// The mass accounts of a ledger, or of one of its sites, by site and year.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn mass_accounts(
        &self,
        ledger: LedgerId,
        site: Option<SiteId>,
        as_of: Option<Index>,
    ) -> Result<Vec<MassAccount>, QueryError> {
        let rows: Vec<Json<MassAccount>> = sqlx::query_scalar(include_str!("accounts.sql"))
            .bind(ledger.0)
            .bind(site.map(|site| site.0))
            .bind(until(as_of))
            .fetch_all(self.pool())
            .await?;
        Ok(unwrapped(rows))
    }

    /// One mass account; `None` if nothing is in it.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn mass_account(
        &self,
        ledger: LedgerId,
        id: MassAccountId,
        as_of: Option<Index>,
    ) -> Result<Option<MassAccount>, QueryError> {
        let accounts = self.mass_accounts(ledger, Some(id.site), as_of).await?;
        Ok(accounts.into_iter().find(|account| account.year == id.year))
    }

    /// Issuances as both ledgers have them, the newest first: at most `limit`, begun before entry
    /// `before`. Both entries are of the ledger that the filter names; what the other ledger says is
    /// shown as it is now.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn issuances(
        &self,
        filter: IssuanceFilter,
        (as_of, before): (Option<Index>, Option<Index>),
        limit: u32,
    ) -> Result<Vec<Issuance>, QueryError> {
        let (sql, ledger) = match filter {
            IssuanceFilter::OfStorage(ledger) => (include_str!("of_storage.sql"), ledger),
            IssuanceFilter::OfRegistry(ledger) => (include_str!("of_registry.sql"), ledger),
        };
        let rows: Vec<IssuanceRow> = sqlx::query_as(sql)
            .bind(ledger.0)
            .bind(until(as_of))
            .bind(i64::from(limit))
            .bind(until(before))
            .fetch_all(self.pool())
            .await?;
        Ok(rows.into_iter().map(issuance).collect())
    }

    /// Issuances by their ids, as they are now.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn issuances_by_id(&self, ids: &[Uuid]) -> Result<Vec<Issuance>, QueryError> {
        let rows: Vec<IssuanceRow> = sqlx::query_as(include_str!("issuances_by_id.sql"))
            .bind(ids)
            .fetch_all(self.pool())
            .await?;
        Ok(rows.into_iter().map(issuance).collect())
    }

    /// Blocks of credits in the order in which they were issued: at most `limit`, issued behind entry
    /// `after`. Both entries are of the filter's ledger.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn credit_blocks(
        &self,
        filter: &BlockFilter,
        (as_of, after): (Option<Index>, Option<Index>),
        limit: u32,
    ) -> Result<Vec<Block>, QueryError> {
        let rows: Vec<Json<Block>> = sqlx::query_scalar(include_str!("blocks.sql"))
            .bind(filter.ledger.0)
            .bind(filter.holder.as_ref().map(Slug::as_str))
            .bind(until(as_of))
            .bind(after.map_or(-1, |index| index.0.cast_signed()))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        Ok(unwrapped(rows))
    }

    /// Blocks of credits by their ids, or by the issuances that they came from, as they are now.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn credit_blocks_by_id(
        &self,
        ids: &[CreditBlockId],
        issuances: &[Uuid],
    ) -> Result<Vec<Block>, QueryError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows: Vec<Json<Block>> = sqlx::query_scalar(include_str!("blocks_by_id.sql"))
            .bind(ids)
            .bind(issuances)
            .fetch_all(self.pool())
            .await?;
        Ok(unwrapped(rows))
    }
}

fn until(as_of: Option<Index>) -> i64 {
    as_of.map_or(i64::MAX, |index| index.0.cast_signed())
}

fn unwrapped<T>(rows: Vec<Json<T>>) -> Vec<T> {
    rows.into_iter().map(|Json(row)| row).collect()
}

fn issuance((reservation, request): IssuanceRow) -> Issuance {
    Issuance {
        reservation: reservation.map(|Json(row)| row),
        request: request.map(|Json(row)| row),
    }
}
