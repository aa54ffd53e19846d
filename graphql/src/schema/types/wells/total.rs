//! Injected totals.

use async_graphql::{ID, SimpleObject};
use sealrock_domain::Mass;
use sealrock_ledger::LedgerName;
use sealrock_projections::wells::{InjectionTotal as Stored, Share};

use crate::schema::global_id::GlobalId;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Day};

/// What was injected in a span of UTC days, exact.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct InjectionTotal {
    /// The first day of the day, month or year; null for all time.
    start: Option<Day>,
    /// Slug of the site, where totals are of wells or sites.
    site: Option<String>,
    /// Id of the well's asset, where totals are of wells.
    well: Option<ID>,
    /// CO2 injected, as stated, kilograms, a decimal.
    injected_kg: String,
    /// The same in tonnes.
    injected_tonnes: String,
    /// The part of it that is approved, kilograms.
    approved_kg: String,
    /// The part of it that is approved and counts for credits, kilograms.
    creditable_kg: String,
    /// Days that are recorded.
    days: Count,
    /// The permit's limit that it is held against, kilograms: of a well's day or year; null where none
    /// applies.
    permit_limit_kg: Option<String>,
    /// How much of that limit it is, in percent with two places.
    permit_percent: Option<String>,
    /// The entries of the days' newest versions.
    provenance: Provenance,
}

impl InjectionTotal {
    pub(super) fn new(ledger: &LedgerName, total: Stored) -> Self {
        let limit = total.share.map(Share::limit);
        Self {
            start: total.start.map(Day),
            site: total.site.map(|site| site.to_string()),
            well: total.well.map(|well| GlobalId::Asset(well).into()),
            injected_kg: total.injected.kilograms(),
            injected_tonnes: total.injected.tonnes(),
            approved_kg: total.approved.kilograms(),
            creditable_kg: total.creditable.kilograms(),
            days: total.days.into(),
            permit_limit_kg: limit.map(Mass::kilograms),
            permit_percent: total.share.map(Share::percent),
            provenance: Provenance::of(ledger, total.indexes).cut_short(total.truncated),
        }
    }
}
