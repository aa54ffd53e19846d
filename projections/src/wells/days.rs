//! Injection days, now or as of an entry.

use std::slice;

use chrono::NaiveDate;
use sealrock_domain::{AssetId, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::types::Json;
use uuid::Uuid;

use super::StoredDay;
use super::queries::at;
use super::rows::DayRow;
use crate::asked::{only, read_by_number};
use crate::read_models::{QueryError, ReadModels};

/// Which days; an absent field means all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct DayFilter {
    /// Of this site.
    pub site: Option<Slug>,
    /// Of this well.
    pub well: Option<AssetId>,
    /// From this day on.
    pub first_day: Option<NaiveDate>,
    /// Up to this day, which belongs to it.
    pub last_day: Option<NaiveDate>,
    /// Approved ones, or those that are not.
    pub approved: Option<bool>,
}

/// The place of a day in a list: the newest come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DayCursor {
    /// The day.
    pub day: NaiveDate,
    /// The well.
    pub well: AssetId,
}

/// A day, and which of several questions it answers, from 1.
type Row = (i64, Json<DayRow>);

impl ReadModels {
    /// At most `first` injection days behind `after`, the newest first, as the model stood behind
    /// `as_of`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn injection_days(
        &self,
        ledger: LedgerId,
        filter: &DayFilter,
        as_of: Option<Index>,
        page: (Option<DayCursor>, u32),
    ) -> Result<Vec<StoredDay>, QueryError> {
        let one = slice::from_ref(filter);
        Ok(only(
            self.injection_days_of(ledger, one, as_of, page).await?,
        ))
    }

    /// As [`injection_days`](Self::injection_days) by each of these filters, in their order.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn injection_days_of(
        &self,
        ledger: LedgerId,
        filters: &[DayFilter],
        as_of: Option<Index>,
        (after, first): (Option<DayCursor>, u32),
    ) -> Result<Vec<Vec<StoredDay>>, QueryError> {
        fn text(site: Option<&Slug>) -> Option<&str> {
            site.map(Slug::as_str)
        }
        let of = filters.iter();
        let sites: Vec<_> = of.clone().map(|one| text(one.site.as_ref())).collect();
        let wells: Vec<_> = of.clone().map(|one| one.well.map(|well| well.0)).collect();
        let first_days: Vec<_> = of.clone().map(|one| one.first_day).collect();
        let last_days: Vec<_> = of.clone().map(|one| one.last_day).collect();
        let approved: Vec<_> = of.map(|one| one.approved).collect();
        let rows: Vec<Row> = sqlx::query_as(include_str!("days.sql"))
            .bind(ledger.0)
            .bind(at(as_of))
            .bind(sites)
            .bind(wells)
            .bind(first_days)
            .bind(last_days)
            .bind(approved)
            .bind(after.map(|after| after.day))
            .bind(after.map(|after| after.well.0))
            .bind(i64::from(first))
            .fetch_all(self.pool())
            .await?;
        read_by_number(rows, filters.len(), |Json(row)| row.try_into())
    }

    /// Every version of a well's day, the first one first, as far as it was known behind `as_of`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn injection_day_versions(
        &self,
        ledger: LedgerId,
        day: (AssetId, NaiveDate),
        as_of: Option<Index>,
    ) -> Result<Vec<StoredDay>, QueryError> {
        let found = self
            .injection_day_versions_of(ledger, &[day], as_of)
            .await?;
        Ok(only(found))
    }

    /// As [`injection_day_versions`](Self::injection_day_versions) of each of these days, in their
    /// order.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn injection_day_versions_of(
        &self,
        ledger: LedgerId,
        days: &[(AssetId, NaiveDate)],
        as_of: Option<Index>,
    ) -> Result<Vec<Vec<StoredDay>>, QueryError> {
        let (wells, dates): (Vec<Uuid>, Vec<NaiveDate>) =
            days.iter().map(|(well, day)| (well.0, *day)).unzip();
        let rows: Vec<Row> = sqlx::query_as(include_str!("versions.sql"))
            .bind(ledger.0)
            .bind(at(as_of))
            .bind(wells)
            .bind(dates)
            .fetch_all(self.pool())
            .await?;
        read_by_number(rows, days.len(), |Json(row)| row.try_into())
    }
}
