//! How much a registry has issued.

use sealrock_domain::Slug;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;

use crate::read_models::{QueryError, ReadModels, stored};

/// What a registry has issued for a site and vintage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedTotal {
    /// The organisation that stored the CO2.
    pub organisation: Slug,
    /// The storage site.
    pub site: Slug,
    /// The calendar year in which it was stored.
    pub vintage: i32,
    /// Blocks.
    pub blocks: u64,
    /// Credits, one a tonne.
    pub credits: u64,
    /// The entries that issued them.
    pub indexes: Vec<Index>,
}

type Row = (String, String, i32, i64, i64, Vec<i64>);

impl ReadModels {
    /// What the registry of this ledger has issued, by organisation, site and vintage; all, or for
    /// what one organisation stored.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn issued_totals(
        &self,
        registry: LedgerId,
        organisation: Option<&Slug>,
        as_of: Option<Index>,
    ) -> Result<Vec<IssuedTotal>, QueryError> {
        let rows: Vec<Row> = sqlx::query_as(include_str!("issued.sql"))
            .bind(registry.0)
            .bind(organisation.map(Slug::as_str))
            .bind(as_of.map_or(i64::MAX, |index| index.0.cast_signed()))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(total).collect()
    }
}

fn total(
    (organisation, site, vintage, blocks, credits, indexes): Row,
) -> Result<IssuedTotal, QueryError> {
    Ok(IssuedTotal {
        organisation: stored(&organisation)?,
        site: stored(&site)?,
        vintage,
        blocks: blocks.unsigned_abs(),
        credits: credits.unsigned_abs(),
        indexes: indexes
            .into_iter()
            .map(|index| Index(index.unsigned_abs()))
            .collect(),
    })
}
