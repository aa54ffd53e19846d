//! Capture units and what they captured, now and as of any entry.
//!
//! Each unit and each record is kept in versions, so that what the model said behind an entry can be
//! asked for ever. Rows belong to one ledger: one that continues another has its own, since what was
//! recorded is carried over.

mod fold;
mod queries;
mod rows;

use chrono::{DateTime, NaiveDate, Utc};
use sealrock_domain::capture_day::{CaptureMeasured, CapturePeriod};
use sealrock_domain::capture_unit::{CaptureTechnology, CaptureUnitStatus};
use sealrock_domain::decimal::DecimalText;
use sealrock_domain::{Actor, AssetId, Citation, Mass, Reason, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;

pub use fold::CapturesProjection;
pub use queries::{CaptureCursor, CaptureFilter, Per};

/// Name of the read model.
pub const NAME: &str = "captures";

/// A capture unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureUnit {
    /// The ledger that says so.
    pub ledger: LedgerId,
    /// Its id: that of its asset.
    pub id: AssetId,
    /// The organisation.
    pub organisation: Slug,
    /// The site.
    pub site: Slug,
    /// Its name at the site.
    pub slug: Slug,
    /// How it captures.
    pub technology: CaptureTechnology,
    /// The most that it can capture in a UTC day.
    pub capacity_per_day: Option<Mass>,
    /// Whether it runs.
    pub status: CaptureUnitStatus,
    /// Why it has that status, if somebody said.
    pub reason: Option<Reason>,
    /// Since when.
    pub changed_at: DateTime<Utc>,
    /// The entry that registered it.
    pub first_index: Index,
    /// The entry that changed it last.
    pub last_index: Index,
}

/// A record of a period, as one version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The unit.
    pub unit: AssetId,
    /// Its site.
    pub site: Slug,
    /// Its name at the site.
    pub slug: Slug,
    /// When.
    pub period: CapturePeriod,
    /// CO2 that was captured.
    pub captured: Mass,
    /// CO2 that came in and was let go.
    pub vented: Mass,
    /// Electricity that it took.
    pub electricity_kwh: Option<DecimalText>,
    /// Heat that it took.
    pub heat_mj: Option<DecimalText>,
    /// What the cited seals say.
    pub measured: Option<CaptureMeasured>,
    /// The seals.
    pub evidence: Vec<Citation>,
    /// Who stated this version.
    pub stated_by: Actor,
    /// When that was recorded.
    pub stated_at: DateTime<Utc>,
    /// Why it was corrected; `None` in the first version.
    pub reason: Option<Reason>,
    /// The entry that recorded it first.
    pub first_index: Index,
    /// The entry of this version.
    pub index: Index,
    /// Its day's approval.
    pub approval: Option<Approval>,
}

/// A day is approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// By whom.
    pub by: Actor,
    /// When that was recorded.
    pub at: DateTime<Utc>,
    /// By which entry.
    pub index: Index,
}

/// What was captured in a span of UTC days, exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureTotal {
    /// The first day of the day, month or year; `None` for all time.
    pub start: Option<NaiveDate>,
    /// CO2 that was captured.
    pub captured: Mass,
    /// The part of it that is approved.
    pub approved: Mass,
    /// The part of it whose cited seals are of sensors.
    pub measured_by_sensors: Mass,
    /// CO2 that came in and was let go.
    pub vented: Mass,
    /// Electricity a tonne captured, of the records that say how much, in kWh with three places.
    pub electricity_kwh_per_tonne: Option<DecimalText>,
    /// Heat a tonne captured, of the records that say how much, in MJ with three places.
    pub heat_mj_per_tonne: Option<DecimalText>,
    /// How many records.
    pub records: u64,
    /// The entries of their versions, the first [`MOST_INDEXES`] of them.
    pub indexes: Vec<Index>,
}

/// The most entries that a total names.
pub const MOST_INDEXES: usize = 1_000;

impl CaptureTotal {
    /// Captured ÷ (captured + vented) in percent.
    #[must_use]
    pub fn efficiency_percent(&self) -> Option<String> {
        sealrock_domain::capture_day::efficiency_percent(self.captured, self.vented)
    }
}
