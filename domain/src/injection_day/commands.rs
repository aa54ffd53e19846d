//! What can be asked of an injection day.

use chrono::NaiveDate;
use serde::Serialize;

use super::{DayFigures, Measured};
use crate::quantity::Hours;
use crate::well::PermitLimits;
use crate::{Actor, AssetId, Citation, Mass, Reason, Slug};

/// A command to one injection day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum InjectionDayCommand {
    /// Record what was injected.
    Record(Box<RecordInjectionDay>),
    /// Put other figures in the place of those that are recorded.
    Correct(Box<CorrectInjectionDay>),
    /// Approve it, which locks it.
    Approve(Box<ApproveInjectionDay>),
}

/// What the sender found out about a day: the well's limits on it, and the seals of its devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Surroundings {
    /// What the well may inject on that day: [`Well::limits_of`](crate::well::Well::limits_of).
    pub limits: PermitLimits,
    /// For how long it was open that day:
    /// [`Well::hours_open_on`](crate::well::Well::hours_open_on).
    pub hours_open: Hours,
    /// What the account of the year holds of this well already: its approved days.
    pub approved_this_year: Mass,
    /// What the seals measure.
    pub measured: Measured,
    /// Whether all of it was measured by real devices.
    pub real: bool,
    /// The seals.
    pub evidence: Vec<Citation>,
}

/// Records an injection day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordInjectionDay {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The well.
    pub well: Slug,
    /// The UTC day.
    pub day: NaiveDate,
    /// What the operator says.
    pub figures: DayFigures,
    /// What stands behind it.
    pub surroundings: Surroundings,
    /// Who records it.
    pub by: Actor,
    /// The UTC day on which the command came: none after it can be recorded.
    #[serde(skip)]
    pub today: NaiveDate,
}

impl RecordInjectionDay {
    /// The stream's id.
    #[must_use]
    pub fn id(&self) -> String {
        id(AssetId::of(&self.org, &self.site, &self.well), self.day)
    }
}

/// Corrects an injection day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CorrectInjectionDay {
    /// All figures, the right ones.
    pub figures: DayFigures,
    /// What stands behind them.
    pub surroundings: Surroundings,
    /// What was wrong.
    pub reason: Reason,
    /// Who corrects it.
    pub by: Actor,
}

/// Approves an injection day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApproveInjectionDay {
    /// What the well may inject on that day, as it is known now.
    pub limits: PermitLimits,
    /// For how long it was open that day, as it is known now.
    pub hours_open: Hours,
    /// What the account of the year holds of this well already: its approved days.
    pub approved_this_year: Mass,
    /// Whether the ledger is a demonstration, where simulated evidence counts too.
    pub demo: bool,
    /// Who approves; nobody who recorded or corrected it.
    pub by: Actor,
    /// The UTC day on which the command came: the approved day is over, but in a demonstration.
    #[serde(skip)]
    pub today: NaiveDate,
}

/// The id of the day of a well: `<asset id>/<day>`.
#[must_use]
pub fn id(well: AssetId, day: NaiveDate) -> String {
    format!("{well}/{day}")
}
