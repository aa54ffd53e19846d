//! Capture units, what they captured, and totals of it.

mod capture;
mod total;
mod unit;

use async_graphql::Context;
use chrono::NaiveDate;
use sealrock_access::Permission::ReadAccounting;
use sealrock_domain::{AssetId, Slug};
use sealrock_ledger::Index;
use sealrock_projections::captures::{
    Capture as StoredCapture, CaptureCursor, CaptureFilter, CaptureUnit as StoredUnit, NAME,
};
use sealrock_projections::{LedgerInfo, QueryError, ReadModels};

use super::Per;
use crate::schema::as_of::AsOf;
use crate::schema::guard::permit;
use crate::schema::loaders::{CaptureTotalsOf, CaptureUnitsOf, CapturesOf, CurrentLedger, load};
use crate::schema::paging::{self, Page};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::ledger_of;
use crate::schema::scalars::Day;

pub(crate) use capture::Capture;
pub(crate) use total::CaptureTotal;
pub(crate) use unit::CaptureUnit;

/// Whose captures are asked for, and as of when.
#[derive(Debug, Clone)]
pub(crate) struct Captures {
    ledger: LedgerInfo,
    filter: CaptureFilter,
    as_of: Option<Index>,
}

/// From and up to which UTC day.
pub(crate) type Days = (Option<Day>, Option<Day>);

impl Captures {
    /// Those of an organisation, or of one of its sites. `None` if it has no ledger yet.
    ///
    /// # Errors
    /// If the caller may not read accounts, or of [`AsOf::read`].
    pub(crate) async fn of(
        context: &Context<'_>,
        organisation: &Slug,
        site: Option<&Slug>,
        as_of: Option<Position>,
    ) -> Result<Option<Self>, Problem> {
        permit(context, ReadAccounting, organisation, site)?;
        let current = CurrentLedger(ledger_of(organisation));
        let Some(ledger) = load(context, current).await? else {
            return Ok(None);
        };
        let as_of = AsOf::read(context, &ledger, NAME, as_of).await?;
        let filter = CaptureFilter {
            site: site.cloned(),
            ..CaptureFilter::default()
        };
        Ok(Some(Self {
            ledger,
            filter,
            as_of,
        }))
    }

    /// Of one unit only.
    pub(crate) fn of_unit(mut self, unit: AssetId) -> Self {
        self.filter.unit = Some(unit);
        self
    }

    /// As of this position instead, if there is one.
    async fn as_of(
        &self,
        context: &Context<'_>,
        position: Option<Position>,
    ) -> Result<Self, Problem> {
        let as_of = AsOf::read(context, &self.ledger, NAME, position).await?;
        Ok(Self {
            as_of: as_of.or(self.as_of),
            ..self.clone()
        })
    }

    fn within(&self, (first, last): Days) -> CaptureFilter {
        let day = |day: Option<Day>| -> Option<NaiveDate> { day.map(|day| day.0) };
        CaptureFilter {
            first_day: day(first),
            last_day: day(last),
            ..self.filter.clone()
        }
    }

    pub(crate) async fn units(&self, context: &Context<'_>) -> Result<Vec<CaptureUnit>, Problem> {
        let asked = CaptureUnitsOf {
            ledger: self.ledger.id,
            as_of: self.as_of,
            filter: self.filter.clone(),
        };
        let found = load(context, asked).await?.unwrap_or_default();
        let unit = |stored: StoredUnit| CaptureUnit {
            captures: self.clone().of_unit(stored.id),
            stored,
        };
        Ok(found.into_iter().map(unit).collect())
    }

    /// The records of a unit's day.
    pub(crate) async fn of_day(
        &self,
        read: &ReadModels,
        day: NaiveDate,
    ) -> Result<Vec<Capture>, QueryError> {
        let filter = self.within((Some(Day(day)), Some(Day(day))));
        let found = read.captures(self.ledger.id, &filter, self.as_of, (None, 1_000));
        let found = found.await?.into_iter().rev();
        Ok(found.map(|stored| self.capture(stored)).collect())
    }

    pub(crate) async fn page(
        &self,
        context: &Context<'_>,
        days: Days,
        (first, after): (Option<i32>, Option<String>),
    ) -> Result<Page<Capture>, Problem> {
        let (size, after) = (paging::size(first)?, cursor(after.as_deref())?);
        let asked = CapturesOf {
            ledger: self.ledger.id,
            as_of: self.as_of,
            filter: self.within(days),
            after,
            first: size + 1,
        };
        let found = load(context, asked).await?.unwrap_or_default();
        let place =
            |stored: &StoredCapture| format!("{}/{}", stored.period.from.to_rfc3339(), stored.unit);
        let capture = |stored| self.capture(stored);
        Ok(paging::page(found, size, after.is_none(), place, capture))
    }

    pub(crate) async fn totals(
        &self,
        context: &Context<'_>,
        per: Per,
        days: Days,
    ) -> Result<Vec<CaptureTotal>, Problem> {
        let asked = CaptureTotalsOf {
            ledger: self.ledger.id,
            as_of: self.as_of,
            filter: self.within(days),
            per: per.into(),
        };
        let found = load(context, asked).await?.unwrap_or_default();
        let total = |stored| CaptureTotal {
            ledger: self.ledger.clone(),
            stored,
        };
        Ok(found.into_iter().map(total).collect())
    }

    fn capture(&self, stored: StoredCapture) -> Capture {
        Capture {
            captures: self.clone(),
            stored,
        }
    }
}

fn cursor(after: Option<&str>) -> Result<Option<CaptureCursor>, Problem> {
    paging::cursor(after, |text| {
        let (from, unit) = text.split_once('/')?;
        let from = from.parse().ok()?;
        let unit = unit.parse().ok()?;
        Some(CaptureCursor { from, unit })
    })
}

/// The units of an organisation, or of one of its sites.
pub(super) async fn units(
    context: &Context<'_>,
    (organisation, site): (&Slug, Option<&Slug>),
    as_of: Option<Position>,
) -> Result<Vec<CaptureUnit>, Problem> {
    match Captures::of(context, organisation, site, as_of).await? {
        Some(captures) => captures.units(context).await,
        None => Ok(Vec::new()),
    }
}

/// What an organisation captured, or one of its sites.
pub(super) async fn page(
    context: &Context<'_>,
    (organisation, site): (&Slug, Option<&Slug>),
    days: Days,
    place: (Option<i32>, Option<String>),
    as_of: Option<Position>,
) -> Result<Page<Capture>, Problem> {
    match Captures::of(context, organisation, site, as_of).await? {
        Some(captures) => captures.page(context, days, place).await,
        None => Ok(Page::new(false, false)),
    }
}

/// Totals of it.
pub(super) async fn totals(
    context: &Context<'_>,
    (organisation, site): (&Slug, Option<&Slug>),
    (per, days): (Per, Days),
    as_of: Option<Position>,
) -> Result<Vec<CaptureTotal>, Problem> {
    match Captures::of(context, organisation, site, as_of).await? {
        Some(captures) => captures.totals(context, per, days).await,
        None => Ok(Vec::new()),
    }
}
