//! What sites captured in a period.

use std::collections::BTreeMap;

use sealrock_domain::{Mass, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;

use super::Period;
use crate::read_models::{QueryError, ReadModels, stored};

/// The most entries that a captured mass names.
const MOST_INDEXES: i32 = 1_000;

/// What a site captured in the period: its records whose own period begins in it, as corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// The mass.
    pub mass: Mass,
    /// How many records.
    pub records: u64,
    /// The first thousand entries of them.
    pub indexes: Vec<Index>,
}

type Row = (String, String, i64, Vec<i64>);

impl ReadModels {
    /// By site.
    pub(super) async fn captured_in(
        &self,
        ledger: LedgerId,
        period: Period,
    ) -> Result<BTreeMap<Slug, Captured>, QueryError> {
        let rows: Vec<Row> = sqlx::query_as(include_str!("captured.sql"))
            .bind(ledger.0)
            .bind(period.from)
            .bind(period.to)
            .bind(MOST_INDEXES)
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(captured).collect()
    }
}

fn captured((site, grams, records, indexes): Row) -> Result<(Slug, Captured), QueryError> {
    let mass = Mass::from_grams(stored(&grams)?).ok_or(QueryError::Stored(grams))?;
    let indexes = indexes.iter().map(|index| Index(index.unsigned_abs()));
    let captured = Captured {
        mass,
        records: records.unsigned_abs(),
        indexes: indexes.collect(),
    };
    Ok((stored(&site)?, captured))
}
