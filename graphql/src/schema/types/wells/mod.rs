//! Wells, their injection days, and totals of them.

mod day;
mod kinds;
mod total;
mod well;

use std::collections::HashMap;

use async_graphql::Context;
use chrono::{TimeDelta, Utc};
use sealrock_access::Permission::ReadAccounting;
use sealrock_domain::{AssetId, Slug};
use sealrock_ledger::Index;
use sealrock_projections::latest::Latest;
use sealrock_projections::wells::{
    By, DayCursor, DayFilter, NAME, Per, StoredDay, StoredWell, WellFilter, WellPlace,
};
use sealrock_projections::{LedgerInfo, ReadModels};

use crate::code::Code;
use crate::schema::as_of::AsOf;
use crate::schema::guard::permit;
use crate::schema::loaders::{DaysOf, load};
use crate::schema::paging::{self, Page};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::ledger_of;

pub(crate) use day::InjectionDay;
pub(crate) use kinds::{InjectionBy, InjectionPer, MitKind, WellKind};
pub(crate) use total::InjectionTotal;
pub(crate) use well::Well;

/// What is asked of read model `wells`: of an organisation or one of its sites, and as of when.
#[derive(Debug, Clone)]
pub(crate) struct Injections {
    pub(crate) ledger: LedgerInfo,
    site: Option<Slug>,
    pub(crate) as_of: Option<Index>,
}

impl Injections {
    /// Asks whether the caller may read the accounts there.
    ///
    /// # Errors
    /// `FORBIDDEN`; `NOT_FOUND` for an organisation without a ledger; see [`AsOf::read`].
    pub(crate) async fn of(
        context: &Context<'_>,
        organisation: &Slug,
        site: Option<Slug>,
        as_of: Option<Position>,
    ) -> Result<Self, Problem> {
        permit(context, ReadAccounting, organisation, site.as_ref())?;
        let read = context.data_unchecked::<ReadModels>();
        let ledger = read.current_ledger(&ledger_of(organisation)).await?;
        let ledger = ledger.ok_or_else(|| {
            let message = format!("there is no organisation {organisation}");
            Problem::new(Code::NotFound, message)
        })?;
        let as_of = AsOf::read(context, &ledger, NAME, as_of).await?;
        Ok(Self {
            ledger,
            site,
            as_of,
        })
    }

    pub(crate) fn well(&self, stored: StoredWell) -> Well {
        Well::new(self.clone(), stored)
    }

    pub(crate) fn day(&self, stored: StoredDay) -> InjectionDay {
        InjectionDay::new(self.clone(), stored)
    }

    /// The wells that match, by site and name.
    pub(crate) async fn wells(
        &self,
        read: &ReadModels,
        filter: WellFilter,
    ) -> Result<Vec<Well>, Problem> {
        let filter = WellFilter {
            site: self.site.clone(),
            ..filter
        };
        let found = read.wells(self.ledger.id, &filter, self.as_of).await?;
        Ok(found.into_iter().map(|well| self.well(well)).collect())
    }

    /// Of these wells, those that are not plugged and whose devices measured something not longer
    /// ago than this.
    pub(crate) async fn reporting(
        &self,
        read: &ReadModels,
        wells: Vec<Well>,
        within: TimeDelta,
    ) -> Result<Vec<Well>, Problem> {
        let places: Vec<WellPlace> = wells.iter().map(Well::place).collect();
        let readings = read.well_readings(&places).await?;
        Ok(wells
            .into_iter()
            .filter(|well| !well.is_plugged() && reports(&readings, &well.place(), within))
            .collect())
    }

    /// A page of days, the newest first; of one well, if it is named.
    pub(crate) async fn days(
        &self,
        context: &Context<'_>,
        filter: DayFilter,
        (first, after): (Option<i32>, Option<String>),
    ) -> Result<Page<InjectionDay>, Problem> {
        let (size, after) = (
            paging::size(first)?,
            paging::cursor(after.as_deref(), read_cursor)?,
        );
        let filter = DayFilter {
            site: self.site.clone(),
            ..filter
        };
        let asked = DaysOf {
            ledger: self.ledger.id,
            as_of: self.as_of,
            filter,
            after,
            first: size + 1,
        };
        let found = load(context, asked).await?.unwrap_or_default();
        let cursor = |day: &StoredDay| format!("{} {}", day.day, day.well);
        let first_page = after.is_none();
        Ok(paging::page(found, size, first_page, cursor, |day| {
            self.day(day)
        }))
    }

    /// Totals of the days that match.
    pub(crate) async fn totals(
        &self,
        read: &ReadModels,
        filter: DayFilter,
        (per, by): (Per, By),
    ) -> Result<Vec<InjectionTotal>, Problem> {
        let filter = DayFilter {
            site: self.site.clone(),
            ..filter
        };
        let found = read
            .injection_totals(self.ledger.id, &filter, self.as_of, (per, by))
            .await?;
        let total = |total| InjectionTotal::new(&self.ledger.name, total);
        Ok(found.into_iter().map(total).collect())
    }
}

fn reports(
    readings: &HashMap<WellPlace, Vec<Latest>>,
    well: &WellPlace,
    within: TimeDelta,
) -> bool {
    let mut latest = readings.get(well).into_iter().flatten();
    latest.any(|latest| Utc::now() - latest.at <= within)
}

fn read_cursor(text: &str) -> Option<DayCursor> {
    let (day, well) = text.split_once(' ')?;
    Some(DayCursor {
        day: day.parse().ok()?,
        well: AssetId(well.parse().ok()?),
    })
}
