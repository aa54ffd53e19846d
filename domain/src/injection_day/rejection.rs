//! Why a command to an injection day is refused.

use chrono::{DateTime, NaiveDate, Utc};

use super::Whose;
use crate::quantity::{Hours, MassFlow, Pressure};
use crate::refusal::{
    LIMIT_EXCEEDED, LOCKED, NO_EVIDENCE, NOT_FOUND, OUT_OF_RANGE, OVERLAP, SELF_APPROVAL,
};
use crate::{Actor, DisplayName, Mass, Refusal, Slug};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InjectionDayRejection {
    /// A day is recorded once.
    #[error("{day} of well \"{well}\" is recorded already, with {mass}: correct it instead")]
    AlreadyRecorded {
        /// The well.
        well: Slug,
        /// The day.
        day: NaiveDate,
        /// What is recorded.
        mass: Mass,
    },
    /// Nothing is recorded.
    #[error("this day is not recorded for this well: record it first")]
    NotRecorded,
    /// An approved day is locked.
    #[error(
        "{day} of well \"{well}\" was approved by {by} and is locked: if CO2 was lost since, record \
         a storage loss"
    )]
    Locked {
        /// The well.
        well: Slug,
        /// The day.
        day: NaiveDate,
        /// Who approved.
        by: Actor,
    },
    /// The figures are those that are recorded.
    #[error("these are the figures that are recorded, on the same evidence: nothing to correct")]
    Unchanged,
    /// The day has not come.
    #[error("{day} lies ahead of {today}: what has not happened yet cannot be recorded")]
    DayAhead {
        /// The day given.
        day: NaiveDate,
        /// The present one.
        today: NaiveDate,
    },
    /// The day goes on.
    #[error(
        "{day} is not over (in UTC): an approval locks the day, and what is injected until midnight \
         would not count; approve it tomorrow"
    )]
    DayNotOver {
        /// The day.
        day: NaiveDate,
    },
    /// A day of more than 24 hours.
    #[error("{hours} are more than a day has: give the hours of injection in one UTC day")]
    LongDay {
        /// What was given.
        hours: Hours,
    },
    /// Longer than the well was open.
    #[error(
        "{stated} of injection are stated, and the well was open for {open} that day, by its record of \
         starts and stops: check the hours"
    )]
    LongerThanOpen {
        /// What was stated.
        stated: Hours,
        /// For how long it was open, rounded up to the full hour.
        open: Hours,
    },
    /// More than the highest rate brings in so many hours.
    #[error("{mass} cannot go in within {hours} at a rate of {rate} at most: check the figures")]
    Impossible {
        /// The mass.
        mass: Mass,
        /// The highest rate.
        rate: MassFlow,
        /// The hours.
        hours: Hours,
    },
    /// Above a permit's limit.
    #[error("the {whose} {what} of {value} is above the limit of {limit} in permit {permit}: {out}",
        out = .whose.way_out())]
    AboveLimit {
        /// Stated or measured.
        whose: Whose,
        /// Which figure.
        what: &'static str,
        /// Its value.
        value: String,
        /// The limit.
        limit: String,
        /// The permit.
        permit: DisplayName,
    },
    /// The annulus is not above the tubing.
    #[error(
        "the {whose} annulus pressure of {annulus} is not above the wellhead pressure of {wellhead} \
         (40 CFR 146.88(c)): {out}", out = .whose.annulus_way_out()
    )]
    AnnulusBelow {
        /// Stated or measured.
        whose: Whose,
        /// The lowest in the annulus.
        annulus: Pressure,
        /// The highest at the wellhead.
        wellhead: Pressure,
    },
    /// A margin of nothing.
    #[error(
        "an annulus margin of 0 MPa is none: the annulus must be above the wellhead (40 CFR 146.88(c))"
    )]
    NoAnnulusMargin,
    /// The approver made the figures.
    #[error("{by} recorded or corrected this day: another person must approve it")]
    OwnFigures {
        /// Who.
        by: Actor,
    },
    /// No seal stands behind the day.
    #[error(
        "no sealed hour of {day} stands behind this day: correct it when its hours are sealed, with \
         the devices that measured them"
    )]
    NoEvidence {
        /// The day.
        day: NaiveDate,
    },
    /// Nothing measured the rate.
    #[error(
        "no seal that is cited measures injection_rate: correct the day, naming the device that \
         measured the rate"
    )]
    RateNotMeasured,
    /// Nothing measured a pressure that has a limit.
    #[error(
        "the hour from {hour} has injection, and the seals that are cited lack its wellhead_pressure or \
         annulus_pressure: correct the day, naming the devices that measure them too"
    )]
    PressureNotMeasured {
        /// When the first such hour begins.
        hour: DateTime<Utc>,
    },
    /// More mass than the seals measure.
    #[error(
        "{stated} are more than 5 % above the {measured} that {sealed_hours} sealed hours measure: \
         correct the mass, or wait until all hours are sealed and correct the day"
    )]
    AboveMeasured {
        /// The operator's.
        stated: Mass,
        /// The seals'.
        measured: Mass,
        /// How many hours have a seal.
        sealed_hours: u32,
    },
}

impl Whose {
    fn way_out(self) -> &'static str {
        match self {
            Self::Stated => "correct the figure, or have the limit changed",
            Self::Measured => {
                "report the exceedance; a limit that was in force that day can be approved"
            }
        }
    }

    fn annulus_way_out(self) -> &'static str {
        match self {
            Self::Stated => {
                "if they are of different moments, give the least difference of one moment as the \
                 annulus margin"
            }
            Self::Measured => "report the loss of annulus pressure; the day cannot be recorded",
        }
    }
}

impl Refusal for InjectionDayRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::AlreadyRecorded { .. } => OVERLAP,
            Self::NotRecorded => NOT_FOUND,
            Self::Locked { .. } => LOCKED,
            Self::Unchanged => crate::refusal::REJECTED,
            Self::DayAhead { .. }
            | Self::DayNotOver { .. }
            | Self::LongDay { .. }
            | Self::LongerThanOpen { .. }
            | Self::Impossible { .. } => OUT_OF_RANGE,
            Self::AboveLimit { .. } | Self::AnnulusBelow { .. } | Self::NoAnnulusMargin => {
                LIMIT_EXCEEDED
            }
            Self::OwnFigures { .. } => SELF_APPROVAL,
            Self::NoEvidence { .. }
            | Self::RateNotMeasured
            | Self::PressureNotMeasured { .. }
            | Self::AboveMeasured { .. } => NO_EVIDENCE,
        }
    }
}
