//! Wells and their injection days.

use std::collections::HashMap;

use async_graphql::dataloader::Loader as Load;
use chrono::NaiveDate;
use sealrock_domain::{AssetId, Slug};
use sealrock_ledger::Index;
use sealrock_projections::LedgerId;
use sealrock_projections::wells::{DayCursor, DayFilter, StoredDay, StoredWell, WellFilter};

use super::{Loader, alike, load_alike};
use crate::schema::problem::Problem;

/// Asks for a well, if it is of this site.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct WellOf {
    pub(crate) ledger: LedgerId,
    pub(crate) as_of: Option<Index>,
    pub(crate) site: Option<Slug>,
    pub(crate) well: AssetId,
}

/// Asks for a page of injection days.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct DaysOf {
    pub(crate) ledger: LedgerId,
    pub(crate) as_of: Option<Index>,
    pub(crate) filter: DayFilter,
    pub(crate) after: Option<DayCursor>,
    pub(crate) first: u32,
}

/// Asks for the versions of a well's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct DayVersionsOf {
    pub(crate) ledger: LedgerId,
    pub(crate) as_of: Option<Index>,
    pub(crate) day: (AssetId, NaiveDate),
}

impl Load<WellOf> for Loader {
    type Value = StoredWell;
    type Error = Problem;

    async fn load(&self, keys: &[WellOf]) -> Result<HashMap<WellOf, StoredWell>, Problem> {
        let mut found = HashMap::new();
        let asked = |key: &WellOf| (key.ledger, key.as_of, key.site.clone());
        for ((ledger, as_of, site), keys) in alike(keys, asked) {
            let filter = WellFilter {
                wells: Some(keys.iter().map(|key| key.well).collect()),
                site,
                ..WellFilter::default()
            };
            let wells = self.0.wells(ledger, &filter, as_of).await?.into_iter();
            let mut wells: HashMap<AssetId, _> = wells.map(|well| (well.id, well)).collect();
            let well = |key: WellOf| wells.remove(&key.well).map(|well| (key, well));
            found.extend(keys.into_iter().filter_map(well));
        }
        Ok(found)
    }
}

load_alike!(
    DaysOf => Vec<StoredDay>,
    |key| (key.ledger, key.as_of, key.after, key.first),
    |read, (ledger, as_of, after, first), keys| {
        let filters: Vec<DayFilter> = keys.iter().map(|key| key.filter.clone()).collect();
        read.injection_days_of(ledger, &filters, as_of, (after, first)).await
    }
);
load_alike!(
    DayVersionsOf => Vec<StoredDay>,
    |key| (key.ledger, key.as_of),
    |read, (ledger, as_of), keys| {
        let days: Vec<_> = keys.iter().map(|key| key.day).collect();
        read.injection_day_versions_of(ledger, &days, as_of).await
    }
);
