//! Injected totals, and how much of the permits they are.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};
use sealrock_domain::well::PermitLimits;
use sealrock_domain::{AssetId, Mass, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use uuid::Uuid;

use super::queries::at;
use super::{DayFilter, InjectionTotal, MOST_INDEXES, Share, StoredWell, WellFilter};
use crate::read_models::{QueryError, ReadModels, stored};

/// Over which span totals are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Each UTC day.
    Day,
    /// Each calendar month.
    Month,
    /// Each calendar year.
    Year,
    /// All of it.
    All,
}

/// What totals are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Each well by itself.
    Well,
    /// Each site.
    Site,
    /// The whole organisation.
    Organisation,
}

impl Per {
    const fn unit(self) -> Option<&'static str> {
        match self {
            Self::Day => Some("day"),
            Self::Month => Some("month"),
            Self::Year => Some("year"),
            Self::All => None,
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    start: Option<NaiveDate>,
    of_site: Option<String>,
    of_well: Option<Uuid>,
    injected_g: i64,
    approved_g: i64,
    creditable_g: i64,
    days: i64,
    indexes: Vec<i64>,
}

impl ReadModels {
    /// Totals of the days, months or years that have days recorded, in their order, as the model
    /// stood behind `as_of`. Of the filter, `approved` does not count: each total says both.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn injection_totals(
        &self,
        ledger: LedgerId,
        filter: &DayFilter,
        as_of: Option<Index>,
        (per, by): (Per, By),
    ) -> Result<Vec<InjectionTotal>, QueryError> {
        let most = i32::try_from(MOST_INDEXES + 1).unwrap_or(i32::MAX);
        let statement = match as_of {
            Some(_) => include_str!("totals.sql"),
            None => include_str!("totals_now.sql"),
        };
        let rows: Vec<Row> = sqlx::query_as(statement)
            .bind(ledger.0)
            .bind(at(as_of))
            .bind(filter.site.as_ref().map(Slug::as_str))
            .bind(filter.well.map(|well| well.0))
            .bind(filter.first_day)
            .bind(filter.last_day)
            .bind(per.unit())
            .bind(by != By::Organisation)
            .bind(by == By::Well)
            .bind(most)
            .fetch_all(self.pool())
            .await?;
        let wells = match by {
            By::Well => self.wells(ledger, &WellFilter::default(), as_of).await?,
            By::Site | By::Organisation => Vec::new(),
        };
        let wells: HashMap<AssetId, StoredWell> =
            wells.into_iter().map(|well| (well.id, well)).collect();
        let totals = rows.into_iter().map(|row| {
            let total = row.read()?;
            let well = total.well.and_then(|well| wells.get(&well));
            let share = well.and_then(|well| share(&total, well, per));
            Ok(InjectionTotal { share, ..total })
        });
        totals.collect()
    }
}

/// A day is held against the limits of that day; a year against the yearly limit of the permit in force
/// on its last day that has one.
fn share(total: &InjectionTotal, well: &StoredWell, per: Per) -> Option<Share> {
    let start = total.start?;
    let limit = match per {
        Per::Day => well.state.permit_on(start)?.max_daily_mass_kg,
        Per::Year => yearly(well, start)?,
        Per::Month | Per::All => return None,
    };
    Share::of(total.injected, limit)
}

fn yearly(well: &StoredWell, start: NaiveDate) -> Option<Mass> {
    let last = NaiveDate::from_ymd_opt(start.year(), 12, 31)?;
    let of_year = |limits: &PermitLimits| limits.valid_from <= last && limits.valid_until >= start;
    let of_year = well.state.permits().filter(of_year);
    let day = of_year.map(|limits| limits.valid_until.min(last)).max()?;
    well.state.permit_on(day)?.max_yearly_mass_kg
}

impl Row {
    fn read(self) -> Result<InjectionTotal, QueryError> {
        let mass = |grams: i64| {
            let mass = Mass::from_grams(grams.unsigned_abs());
            mass.ok_or_else(|| QueryError::Stored(grams.to_string()))
        };
        let indexes = self.indexes.iter().map(|index| Index(index.unsigned_abs()));
        Ok(InjectionTotal {
            start: self.start,
            site: self.of_site.as_deref().map(stored).transpose()?,
            well: self.of_well.map(AssetId),
            injected: mass(self.injected_g)?,
            approved: mass(self.approved_g)?,
            creditable: mass(self.creditable_g)?,
            days: self.days.unsigned_abs(),
            share: None,
            truncated: self.indexes.len() > MOST_INDEXES,
            indexes: indexes.take(MOST_INDEXES).collect(),
        })
    }
}
