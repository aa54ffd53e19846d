//! Units, records and totals, now or as of an entry.

use chrono::{DateTime, NaiveDate, Utc};
use sealrock_domain::decimal::DecimalText;
use sealrock_domain::{AssetId, Mass, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::types::Json;

use super::rows::{ApprovalRow, CaptureRow, UnitRow, mass};
use super::{Capture, CaptureTotal, CaptureUnit, MOST_INDEXES};
use crate::read_models::{QueryError, ReadModels, stored};

/// Whose captures, and of which UTC days; an absent field means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureCursor {
    /// When its period begins.
    pub from: DateTime<Utc>,
    /// Its unit.
    pub unit: AssetId,
}

/// What totals are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

type Row = (Json<CaptureRow>, Option<Json<ApprovalRow>>);

#[derive(sqlx::FromRow)]
struct TotalRow {
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
        let rows: Vec<Json<UnitRow>> = sqlx::query_scalar(include_str!("units.sql"))
            .bind(ledger.0)
            .bind(filter.site.as_ref().map(Slug::as_str))
            .bind(filter.unit.map(|unit| unit.0))
            .bind(at(as_of))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(|Json(row)| row.read()).collect()
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
        (after, first): (Option<CaptureCursor>, u32),
    ) -> Result<Vec<Capture>, QueryError> {
        let rows: Vec<Row> = sqlx::query_as(include_str!("captures.sql"))
            .bind(ledger.0)
            .bind(filter.site.as_ref().map(Slug::as_str))
            .bind(filter.unit.map(|unit| unit.0))
            .bind(at(as_of))
            .bind(filter.first_day)
            .bind(filter.last_day)
            .bind(after.map(|after| after.from))
            .bind(after.map(|after| after.unit.0))
            .bind(i64::from(first))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(capture).collect()
    }

    /// Every version of the record of a unit's period, the first one first, as far as it was known
    /// behind `as_of`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn capture_versions(
        &self,
        ledger: LedgerId,
        (unit, from): (AssetId, DateTime<Utc>),
        as_of: Option<Index>,
    ) -> Result<Vec<Capture>, QueryError> {
        let rows: Vec<Row> = sqlx::query_as(include_str!("history.sql"))
            .bind(ledger.0)
            .bind(unit.0)
            .bind(from)
            .bind(at(as_of))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(capture).collect()
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
        let most = i32::try_from(MOST_INDEXES).unwrap_or(i32::MAX);
        let rows: Vec<TotalRow> = sqlx::query_as(include_str!("totals.sql"))
            .bind(ledger.0)
            .bind(filter.site.as_ref().map(Slug::as_str))
            .bind(filter.unit.map(|unit| unit.0))
            .bind(at(as_of))
            .bind(filter.first_day)
            .bind(filter.last_day)
            .bind(per.unit())
            .bind(most)
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(total).collect()
    }
}

fn at(as_of: Option<Index>) -> Option<i64> {
    as_of.map(|index| index.0.cast_signed())
}

fn capture((Json(row), approval): Row) -> Result<Capture, QueryError> {
    row.read(approval.map(|Json(approval)| approval))
}

fn total(row: &TotalRow) -> Result<CaptureTotal, QueryError> {
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
            .iter()
            .map(|index| Index(index.unsigned_abs()))
            .collect(),
    })
}

/// A ratio; none where it has more digits than a decimal holds, which only figures without sense give.
fn printed(ratio: Option<&str>) -> Option<DecimalText> {
    ratio?.parse().ok()
}
