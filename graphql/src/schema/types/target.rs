//! Emission targets.

use async_graphql::SimpleObject;
use sealrock_ledger::LedgerName;
use sealrock_projections::targets::SiteTarget;

use crate::schema::provenance::Provenance;
use crate::schema::scalars::Day;

/// What a site shall emit on average at most, and on which days.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct EmissionTarget {
    /// The mean rate, kg/h, a decimal.
    average_kg_per_h: String,
    /// The first UTC day on which it holds; it names the target.
    from: Day,
    /// The last UTC day on which it holds; null until it is ended.
    until: Option<Day>,
    /// The entries that set it and changed it last.
    provenance: Provenance,
}

impl EmissionTarget {
    pub(crate) fn new(ledger: &LedgerName, of_site: SiteTarget) -> Self {
        let SiteTarget {
            target,
            set_by,
            changed_by,
            ..
        } = of_site;
        Self {
            average_kg_per_h: target.average_kg_per_h.to_string(),
            from: Day(target.from),
            until: target.until.map(Day),
            provenance: Provenance::of(ledger, [set_by, changed_by]),
        }
    }
}
