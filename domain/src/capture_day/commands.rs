//! What can be asked of a capture day.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{CaptureDayId, CaptureFigures, CapturePeriod};
use crate::{Actor, AssetId, Mass, Reason, Slug};

/// A command to one capture day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum CaptureDayCommand {
    /// Say what was captured in a period.
    Record(Box<RecordCapture>),
    /// Say it better.
    Correct(Box<CorrectCapture>),
    /// Let it stand for good.
    Approve(ApproveCaptureDay),
}

/// Says what a unit captured in a period. That the unit is in service, and what the seals measured, is
/// the caller's matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordCapture {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The unit.
    pub unit: Slug,
    /// When.
    pub period: CapturePeriod,
    /// What.
    pub figures: CaptureFigures,
    /// The most that the unit can capture in a day.
    pub capacity_kg_per_day: Option<Mass>,
    /// Who says it.
    pub by: Actor,
    /// The present.
    pub at: DateTime<Utc>,
}

impl RecordCapture {
    /// The capture day that the command is for: that of the period's beginning.
    #[must_use]
    pub fn id(&self) -> CaptureDayId {
        CaptureDayId {
            unit: AssetId::of(&self.org, &self.site, &self.unit),
            day: self.period.day(),
        }
    }
}

/// Corrects the record of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CorrectCapture {
    /// When the period begins: that names the record.
    pub from: DateTime<Utc>,
    /// All figures as they should be.
    pub figures: CaptureFigures,
    /// The most that the unit can capture in a day.
    pub capacity_kg_per_day: Option<Mass>,
    /// Why.
    pub reason: Reason,
    /// Who says it.
    pub by: Actor,
}

/// Approves a day: nothing of it can be changed from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApproveCaptureDay {
    /// Who: nobody who recorded or corrected any of it.
    pub by: Actor,
    /// The present: the day must be over.
    pub at: DateTime<Utc>,
}

impl From<RecordCapture> for CaptureDayCommand {
    fn from(command: RecordCapture) -> Self {
        Self::Record(Box::new(command))
    }
}

impl From<CorrectCapture> for CaptureDayCommand {
    fn from(command: CorrectCapture) -> Self {
        Self::Correct(Box::new(command))
    }
}

impl From<ApproveCaptureDay> for CaptureDayCommand {
    fn from(command: ApproveCaptureDay) -> Self {
        Self::Approve(command)
    }
}
