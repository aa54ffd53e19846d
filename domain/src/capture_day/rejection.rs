//! Why a capture day refuses.

use chrono::{DateTime, NaiveDate, Utc};

use super::{CapturePeriod, MAX_ENERGY, METER_TOLERANCE_PERCENT};
use crate::decimal::DecimalText;
use crate::refusal::{
    LIMIT_EXCEEDED, LOCKED, NO_EVIDENCE, NOT_FOUND, OUT_OF_RANGE, OVERLAP, REJECTED, SELF_APPROVAL,
};
use crate::{Actor, Mass, Refusal};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureDayRejection {
    /// Not a period of one day.
    #[error(
        "{period} is no period of one UTC day in whole seconds: give its beginning and end, and record \
         what lies in two days as two records"
    )]
    NotInADay {
        /// What was given.
        period: CapturePeriod,
    },
    /// What has not happened cannot be recorded.
    #[error("the period from {period} is not over: record it afterwards")]
    NotOver {
        /// What was given.
        period: CapturePeriod,
    },
    /// Each second counts once.
    #[error(
        "the period from {period} overlaps the record of {recorded}: correct that record, or give the \
         time beside it"
    )]
    Overlap {
        /// What was given.
        period: CapturePeriod,
        /// The record.
        recorded: CapturePeriod,
    },
    /// More than the unit can do.
    #[error(
        "{captured} captured from {period} is more than the unit can: it captures at most {capacity} \
         a day, and as large a part of it in a part of the day"
    )]
    AboveCapacity {
        /// What was given.
        captured: Mass,
        /// When.
        period: CapturePeriod,
        /// Of a day.
        capacity: Mass,
    },
    /// Energy is used, not won.
    #[error("an energy of {energy} is negative: give what was used")]
    NegativeEnergy {
        /// What was given.
        energy: DecimalText,
    },
    /// More than there is.
    #[error("an energy of {energy} is more than {MAX_ENERGY}: check the figure and its unit")]
    TooMuchEnergy {
        /// What was given.
        energy: DecimalText,
    },
    /// There is no such record.
    #[error(
        "nothing is recorded from {from} on: name the beginning of a record ({})",
        list(known)
    )]
    NotRecorded {
        /// What was given.
        from: DateTime<Utc>,
        /// When the day's records begin.
        known: Vec<DateTime<Utc>>,
    },
    /// The same once more.
    #[error("the record of {from} says this already: give the figures that it should have")]
    NothingCorrected {
        /// When its period begins.
        from: DateTime<Utc>,
    },
    /// There is nothing to approve.
    #[error("nothing is recorded of this unit on this day: record it first")]
    NothingRecorded,
    /// More may come.
    #[error(
        "{day} is not over (UTC), and an approved day takes no more records: approve it afterwards"
    )]
    DayNotOver {
        /// The day.
        day: NaiveDate,
    },
    /// Two pairs of eyes.
    #[error(
        "{by} recorded or corrected captures of {day} and cannot approve them: ask another person to"
    )]
    SelfApproval {
        /// The day.
        day: NaiveDate,
        /// Who.
        by: Actor,
    },
    /// Approved is approved.
    #[error("this day was approved by {by} and takes no more changes")]
    Locked {
        /// Who approved it.
        by: Actor,
    },
    /// Nobody measured it.
    #[error(
        "no sealed hour measures what was captured from {from} on: wait until its hours are sealed, then \
         correct the record and name the devices that measure captured_mass_flow"
    )]
    NoEvidence {
        /// When the record's period begins.
        from: DateTime<Utc>,
    },
    /// More than was measured.
    #[error(
        "{captured} captured from {from} on is over {METER_TOLERANCE_PERCENT} % more than the {measured} \
         that the cited seals measure: correct the record, or cite what measured the rest"
    )]
    AboveMeasured {
        /// When the record's period begins.
        from: DateTime<Utc>,
        /// What the record says.
        captured: Mass,
        /// What the seals say.
        measured: Mass,
    },
    /// Less than was measured.
    #[error(
        "{vented} vented from {from} on is over {METER_TOLERANCE_PERCENT} % less than the {measured} that \
         the cited seals measure: correct the record"
    )]
    VentedBelowMeasured {
        /// When the record's period begins.
        from: DateTime<Utc>,
        /// What the record says.
        vented: Mass,
        /// What the seals say.
        measured: Mass,
    },
}

fn list(known: &[DateTime<Utc>]) -> String {
    let known: Vec<String> = known.iter().map(ToString::to_string).collect();
    match known.as_slice() {
        [] => "the day has none".to_owned(),
        some => some.join(", "),
    }
}

impl Refusal for CaptureDayRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NotInADay { .. }
            | Self::NotOver { .. }
            | Self::NegativeEnergy { .. }
            | Self::TooMuchEnergy { .. } => OUT_OF_RANGE,
            Self::Overlap { .. } => OVERLAP,
            Self::AboveCapacity { .. } => LIMIT_EXCEEDED,
            Self::NotRecorded { .. } | Self::NothingRecorded => NOT_FOUND,
            Self::NothingCorrected { .. } | Self::DayNotOver { .. } => REJECTED,
            Self::SelfApproval { .. } => SELF_APPROVAL,
            Self::Locked { .. } => LOCKED,
            Self::NoEvidence { .. }
            | Self::AboveMeasured { .. }
            | Self::VentedBelowMeasured { .. } => NO_EVIDENCE,
        }
    }
}
