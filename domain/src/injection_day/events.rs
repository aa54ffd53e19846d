//! What happened to an injection day.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{CorrectInjectionDay, DayFigures, Measured, RecordInjectionDay};
use crate::quantity::{Hours, MassFlow, Pressure};
use crate::{Actor, Citation, Mass, Reason, Slug, event::events};

/// What a well took on a UTC day. Figures as in [`DayFigures`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectionDayRecorded {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The well.
    pub well: Slug,
    /// The UTC day.
    pub day: NaiveDate,
    /// CO2 injected.
    pub mass_kg: Mass,
    /// For how long.
    pub hours: Hours,
    /// The highest rate.
    pub max_rate_t_per_h: MassFlow,
    /// The highest absolute pressure at the wellhead.
    pub max_wellhead_pressure_mpa: Pressure,
    /// The lowest absolute pressure in the annulus.
    pub min_annulus_pressure_mpa: Pressure,
    /// By how much the annulus was above the wellhead at least, at any one moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_annulus_margin_mpa: Option<Pressure>,
    /// What the seals measure.
    pub measured: Measured,
    /// Whether real devices measured all of it.
    pub real: bool,
    /// The seals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Citation>,
    /// Who recorded it.
    pub by: Actor,
}

/// The day's figures were wrong; these are right. Fields as in [`InjectionDayRecorded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectionDayCorrected {
    /// CO2 injected.
    pub mass_kg: Mass,
    /// For how long.
    pub hours: Hours,
    /// The highest rate.
    pub max_rate_t_per_h: MassFlow,
    /// The highest absolute pressure at the wellhead.
    pub max_wellhead_pressure_mpa: Pressure,
    /// The lowest absolute pressure in the annulus.
    pub min_annulus_pressure_mpa: Pressure,
    /// By how much the annulus was above the wellhead at least, at any one moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_annulus_margin_mpa: Option<Pressure>,
    /// What the seals measure.
    pub measured: Measured,
    /// Whether real devices measured all of it.
    pub real: bool,
    /// The seals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Citation>,
    /// What was wrong.
    pub reason: Reason,
    /// Who corrected it.
    pub by: Actor,
}

/// The day is approved and locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectionDayApproved {
    /// Who approved.
    pub by: Actor,
    /// Whether its mass counts for credits.
    pub creditable: bool,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

impl From<RecordInjectionDay> for InjectionDayRecorded {
    fn from(command: RecordInjectionDay) -> Self {
        let (figures, found) = (command.figures, command.surroundings);
        Self {
            org: command.org,
            site: command.site,
            well: command.well,
            day: command.day,
            mass_kg: figures.mass_kg,
            hours: figures.hours,
            max_rate_t_per_h: figures.max_rate_t_per_h,
            max_wellhead_pressure_mpa: figures.max_wellhead_pressure_mpa,
            min_annulus_pressure_mpa: figures.min_annulus_pressure_mpa,
            min_annulus_margin_mpa: figures.min_annulus_margin_mpa,
            measured: found.measured,
            real: found.real,
            evidence: found.evidence,
            by: command.by,
        }
    }
}

impl From<CorrectInjectionDay> for InjectionDayCorrected {
    fn from(command: CorrectInjectionDay) -> Self {
        let (figures, found) = (command.figures, command.surroundings);
        Self {
            mass_kg: figures.mass_kg,
            hours: figures.hours,
            max_rate_t_per_h: figures.max_rate_t_per_h,
            max_wellhead_pressure_mpa: figures.max_wellhead_pressure_mpa,
            min_annulus_pressure_mpa: figures.min_annulus_pressure_mpa,
            min_annulus_margin_mpa: figures.min_annulus_margin_mpa,
            measured: found.measured,
            real: found.real,
            evidence: found.evidence,
            reason: command.reason,
            by: command.by,
        }
    }
}

impl InjectionDayRecorded {
    /// The stated figures.
    #[must_use]
    pub fn figures(&self) -> DayFigures {
        DayFigures {
            mass_kg: self.mass_kg,
            hours: self.hours,
            max_rate_t_per_h: self.max_rate_t_per_h,
            max_wellhead_pressure_mpa: self.max_wellhead_pressure_mpa,
            min_annulus_pressure_mpa: self.min_annulus_pressure_mpa,
            min_annulus_margin_mpa: self.min_annulus_margin_mpa,
        }
    }

    /// Whether its mass counts for credits once it is approved: evidence that is not from real devices
    /// counts in a demonstration only.
    #[must_use]
    pub fn creditable_in(&self, demo: bool) -> bool {
        self.real || demo
    }

    /// The mass that counts for credits: what the operator says, and no more than the seals measure.
    #[must_use]
    pub fn net_mass(&self) -> Mass {
        let measured = self.measured.mass_kg.unwrap_or(Mass::ZERO);
        self.mass_kg.min(measured)
    }

    /// The day after a correction; the well and the day stay.
    #[must_use]
    pub fn corrected(self, event: InjectionDayCorrected) -> Self {
        Self {
            mass_kg: event.mass_kg,
            hours: event.hours,
            max_rate_t_per_h: event.max_rate_t_per_h,
            max_wellhead_pressure_mpa: event.max_wellhead_pressure_mpa,
            min_annulus_pressure_mpa: event.min_annulus_pressure_mpa,
            min_annulus_margin_mpa: event.min_annulus_margin_mpa,
            measured: event.measured,
            real: event.real,
            evidence: event.evidence,
            by: event.by,
            ..self
        }
    }
}

events! {
    /// An event of an injection day's stream.
    enum InjectionDayEvent {
        /// See [`InjectionDayRecorded`].
        InjectionDayRecorded = 1,
        /// See [`InjectionDayCorrected`].
        InjectionDayCorrected = 1,
        /// See [`InjectionDayApproved`].
        InjectionDayApproved = 1,
    }
}
