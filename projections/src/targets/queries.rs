//! Targets now, or as of an entry.

use sealrock_domain::SiteId;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use uuid::Uuid;

use super::SiteTarget;
use super::rows::Version;
use crate::read_models::{QueryError, ReadModels};

impl ReadModels {
    /// The emission targets of these sites, by site and first day: those of now, or those that the
    /// ledger knew behind entry `as_of`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn emission_targets(
        &self,
        ledger: LedgerId,
        sites: &[SiteId],
        as_of: Option<Index>,
    ) -> Result<Vec<SiteTarget>, QueryError> {
        let sites: Vec<Uuid> = sites.iter().map(|site| site.0).collect();
        let rows: Vec<Version> = sqlx::query_as(include_str!("as_of.sql"))
            .bind(ledger.0)
            .bind(sites)
            .bind(as_of.map_or(i64::MAX, |index| index.0.cast_signed()))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(SiteTarget::try_from).collect()
    }
}
