//! Units, records and totals, now or as of an entry.

use std::slice;

use chrono::{DateTime, NaiveDate, Utc};
use sealrock_domain::decimal::DecimalText;
use sealrock_domain::{AssetId, Mass, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::types::{Json, Uuid};

use super::rows::{ApprovalRow, CaptureRow, UnitRow, mass};
use super::{Capture, CaptureTotal, CaptureUnit, MOST_INDEXES};
use crate::asked::{only, read_by_number};
use crate::read_models::{QueryError, ReadModels, stored};

/// Whose captures, and of which UTC days; an absent field means all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CaptureFilter {
    /// Of this site.
    pub site: Option<Slug>,
    /// Of this unit.
    pub unit: Option<AssetId>,
    /// From this day on.
    pub first_day: Option<NaiveDate>,
    /// Up to this day, which belongs to it.
    pub last_day: Option<NaiveDate>,
}

/// The place of a record in a list: the newest come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CaptureCursor {
    /// When its period begins.
    pub from: DateTime<Utc>,
    /// Its unit.
    pub unit: AssetId,
}

/// What totals are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Per {
    /// Each UTC day that has records.
    Day,
    /// Each calendar month.
    Month,
    /// Each calendar year.
    Year,
    /// All of it: one total.
    All,
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

/// A record and its day's approval, and which of several questions they answer, from 1.
type Row = (i64, Json<CaptureRow>, Option<Json<ApprovalRow>>);

#[derive(sqlx::FromRow)]
struct TotalRow {
    number: i64,
    start: Option<NaiveDate>,
    captured_g: String,
    approved_g: String,
    real_g: String,
    vented_g: String,
    electricity: Option<String>,
    heat: Option<String>,
    records: i64,
    indexes: Vec<i64>,
}

/// What filters say, field by field.
struct Asked<'f> {
    sites: Vec<Option<&'f str>>,
    units: Vec<Option<Uuid>>,
    first_days: Vec<Option<NaiveDate>>,
    last_days: Vec<Option<NaiveDate>>,
}

impl<'f> Asked<'f> {
    fn of(filters: &'f [CaptureFilter]) -> Self {
        fn text(site: Option<&Slug>) -> Option<&str> {
            site.map(Slug::as_str)
        }
        let of = filters.iter();
        Self {
            sites: of.clone().map(|one| text(one.site.as_ref())).collect(),
            units: of.clone().map(|one| one.unit.map(|unit| unit.0)).collect(),
            first_days: of.clone().map(|one| one.first_day).collect(),
            last_days: of.map(|one| one.last_day).collect(),
        }
    }
}

impl ReadModels {
    /// The capture units of a ledger, by site and name, as the model stood behind `as_of`. Of the
    /// filter, days do not count.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn capture_units(
        &self,
        ledger: LedgerId,
        filter: &CaptureFilter,
        as_of: Option<Index>,
    ) -> Result<Vec<CaptureUnit>, QueryError> {
        let one = slice::from_ref(filter);
        Ok(only(self.capture_units_of(ledger, one, as_of).await?))
    }

    /// As [`capture_units`](Self::capture_units) by each of these filters, in their order.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn capture_units_of(
        &self,
        ledger: LedgerId,
        filters: &[CaptureFilter],
        as_of: Option<Index>,
    ) -> Result<Vec<Vec<CaptureUnit>>, QueryError> {
        let asked = Asked::of(filters);
        let rows: Vec<(i64, Json<UnitRow>)> = sqlx::query_as(include_str!("units.sql"))
            .bind(ledger.0)
            .bind(asked.sites)
            .bind(asked.units)
            .bind(at(as_of))
            .fetch_all(self.pool())
            .await?;
        read_by_number(rows, filters.len(), |Json(row)| row.read())
    }

    /// At most `first` records behind `after`, the newest first, as the model stood behind `as_of`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn captures(
        &self,
        ledger: LedgerId,
        filter: &CaptureFilter,
        as_of: Option<Index>,
        page: (Option<CaptureCursor>, u32),
    ) -> Result<Vec<Capture>, QueryError> {
        let one = slice::from_ref(filter);
        Ok(only(self.captures_of(ledger, one, as_of, page).await?))
    }

    /// As [`captures`](Self::captures) by each of these filters, in their order.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn captures_of(
        &self,
        ledger: LedgerId,
        filters: &[CaptureFilter],
        as_of: Option<Index>,
        (after, first): (Option<CaptureCursor>, u32),
    ) -> Result<Vec<Vec<Capture>>, QueryError> {
        let asked = Asked::of(filters);
        let rows: Vec<Row> = sqlx::query_as(include_str!("captures.sql"))
            .bind(ledger.0)
            .bind(asked.sites)
            .bind(asked.units)
            .bind(asked.first_days)
            .bind(asked.last_days)
            .bind(at(as_of))
            .bind(after.map(|after| after.from))
            .bind(after.map(|after| after.unit.0))
            .bind(i64::from(first))
            .fetch_all(self.pool())
            .await?;
        captures(rows, filters.len())
    }

    /// Every version of the record of a unit's period, the first one first, as far as it was known
    /// behind `as_of`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn capture_versions(
        &self,
        ledger: LedgerId,
        record: (AssetId, DateTime<Utc>),
        as_of: Option<Index>,
    ) -> Result<Vec<Capture>, QueryError> {
        let found = self.capture_versions_of(ledger, &[record], as_of).await?;
        Ok(only(found))
    }

    /// As [`capture_versions`](Self::capture_versions) of each of these records, in their order.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn capture_versions_of(
        &self,
        ledger: LedgerId,
        records: &[(AssetId, DateTime<Utc>)],
        as_of: Option<Index>,
    ) -> Result<Vec<Vec<Capture>>, QueryError> {
        let (units, from): (Vec<Uuid>, Vec<DateTime<Utc>>) =
            records.iter().map(|(unit, from)| (unit.0, *from)).unzip();
        let rows: Vec<Row> = sqlx::query_as(include_str!("history.sql"))
            .bind(ledger.0)
            .bind(units)
            .bind(from)
            .bind(at(as_of))
            .fetch_all(self.pool())
            .await?;
        captures(rows, records.len())
    }

    /// Totals of the days, months or years that have records, in their order, as the model stood
    /// behind `as_of`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn capture_totals(
        &self,
        ledger: LedgerId,
        filter: &CaptureFilter,
        as_of: Option<Index>,
        per: Per,
    ) -> Result<Vec<CaptureTotal>, QueryError> {
        let one = slice::from_ref(filter);
        Ok(only(self.capture_totals_of(ledger, one, as_of, per).await?))
    }

    /// As [`capture_totals`](Self::capture_totals) by each of these filters, in their order.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn capture_totals_of(
        &self,
        ledger: LedgerId,
        filters: &[CaptureFilter],
        as_of: Option<Index>,
        per: Per,
    ) -> Result<Vec<Vec<CaptureTotal>>, QueryError> {
        let most = i32::try_from(MOST_INDEXES).unwrap_or(i32::MAX);
        let asked = Asked::of(filters);
        let rows: Vec<TotalRow> = sqlx::query_as(include_str!("totals.sql"))
            .bind(ledger.0)
            .bind(asked.sites)
            .bind(asked.units)
            .bind(asked.first_days)
            .bind(asked.last_days)
            .bind(at(as_of))
            .bind(per.unit())
            .bind(most)
            .fetch_all(self.pool())
            .await?;
        let rows = rows.into_iter().map(|row| (row.number, row)).collect();
        read_by_number(rows, filters.len(), total)
    }
}

fn at(as_of: Option<Index>) -> Option<i64> {
    as_of.map(|index| index.0.cast_signed())
}

/// The records that so many questions are answered with.
fn captures(rows: Vec<Row>, questions: usize) -> Result<Vec<Vec<Capture>>, QueryError> {
    let rows = rows.into_iter();
    let rows = rows.map(|(number, row, approval)| (number, (row, approval)));
    read_by_number(rows.collect(), questions, |(Json(row), approval)| {
        row.read(approval.map(|Json(approval)| approval))
    })
}

fn total(row: TotalRow) -> Result<CaptureTotal, QueryError> {
    let grams = |text: &str| -> Result<Mass, QueryError> { mass(stored(text)?) };
    Ok(CaptureTotal {
        start: row.start,
        captured: grams(&row.captured_g)?,
        approved: grams(&row.approved_g)?,
        measured_by_sensors: grams(&row.real_g)?,
        vented: grams(&row.vented_g)?,
        electricity_kwh_per_tonne: printed(row.electricity.as_deref()),
        heat_mj_per_tonne: printed(row.heat.as_deref()),
        records: row.records.unsigned_abs(),
        indexes: row
            .indexes
            .into_iter()
            .map(|index| Index(index.unsigned_abs()))
            .collect(),
    })
}

/// A ratio; none where it has more digits than a decimal holds, which only figures without sense give.
fn printed(ratio: Option<&str>) -> Option<DecimalText> {
    ratio?.parse().ok()
}
