//! What happened to a well.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{MitKind, PermitLimits, RecordMit, RegisterWell, WellKind};
use crate::quantity::{MassFlow, Pressure};
use crate::{Actor, DisplayName, Mass, Reason, Slug, event::events};

/// An asset is a well. Fields as in [`RegisterWell`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WellRegistered {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The asset.
    pub slug: Slug,
    /// What the well is for.
    pub well_kind: WellKind,
}

impl From<RegisterWell> for WellRegistered {
    fn from(command: RegisterWell) -> Self {
        Self {
            org: command.org,
            site: command.site,
            slug: command.slug,
            well_kind: command.well_kind,
        }
    }
}

/// Somebody proposed permit limits; they are not in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitLimitsProposed {
    /// The proposals of a well are numbered from 1.
    pub proposal: u64,
    /// The permit's number.
    pub permit: DisplayName,
    /// The first day on which the limits apply.
    pub valid_from: NaiveDate,
    /// The last day on which they apply.
    pub valid_until: NaiveDate,
    /// The most that may be injected in a UTC day.
    pub max_daily_mass_kg: Mass,
    /// The most that may be injected in a calendar year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_yearly_mass_kg: Option<Mass>,
    /// The highest rate at any moment.
    pub max_rate_t_per_h: MassFlow,
    /// Absolute pressure at which the injection zone fractures; 90 % of it is the limit
    /// (40 CFR 146.88(a)).
    pub fracture_pressure_mpa: Pressure,
    /// Who proposed.
    pub by: Actor,
}

/// Limits are in force: what was proposed, approved by a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitLimitsSet {
    /// The proposal.
    pub proposal: u64,
    /// As proposed.
    pub permit: DisplayName,
    /// As proposed.
    pub valid_from: NaiveDate,
    /// As proposed.
    pub valid_until: NaiveDate,
    /// As proposed.
    pub max_daily_mass_kg: Mass,
    /// As proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_yearly_mass_kg: Option<Mass>,
    /// As proposed.
    pub max_rate_t_per_h: MassFlow,
    /// As proposed.
    pub fracture_pressure_mpa: Pressure,
    /// Who proposed.
    pub proposed_by: Actor,
    /// Who approved.
    pub by: Actor,
}

impl PermitLimitsProposed {
    pub(super) fn new(proposal: u64, limits: PermitLimits, by: Actor) -> Self {
        Self {
            proposal,
            permit: limits.permit,
            valid_from: limits.valid_from,
            valid_until: limits.valid_until,
            max_daily_mass_kg: limits.max_daily_mass_kg,
            max_yearly_mass_kg: limits.max_yearly_mass_kg,
            max_rate_t_per_h: limits.max_rate_t_per_h,
            fracture_pressure_mpa: limits.fracture_pressure_mpa,
            by,
        }
    }

    pub(super) fn approved(self, by: Actor) -> PermitLimitsSet {
        PermitLimitsSet {
            proposal: self.proposal,
            permit: self.permit,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            max_daily_mass_kg: self.max_daily_mass_kg,
            max_yearly_mass_kg: self.max_yearly_mass_kg,
            max_rate_t_per_h: self.max_rate_t_per_h,
            fracture_pressure_mpa: self.fracture_pressure_mpa,
            proposed_by: self.by,
            by,
        }
    }
}

impl From<PermitLimitsProposed> for PermitLimits {
    fn from(proposed: PermitLimitsProposed) -> Self {
        Self {
            permit: proposed.permit,
            valid_from: proposed.valid_from,
            valid_until: proposed.valid_until,
            max_daily_mass_kg: proposed.max_daily_mass_kg,
            max_yearly_mass_kg: proposed.max_yearly_mass_kg,
            max_rate_t_per_h: proposed.max_rate_t_per_h,
            fracture_pressure_mpa: proposed.fracture_pressure_mpa,
        }
    }
}

impl From<PermitLimitsSet> for PermitLimits {
    fn from(set: PermitLimitsSet) -> Self {
        Self {
            permit: set.permit,
            valid_from: set.valid_from,
            valid_until: set.valid_until,
            max_daily_mass_kg: set.max_daily_mass_kg,
            max_yearly_mass_kg: set.max_yearly_mass_kg,
            max_rate_t_per_h: set.max_rate_t_per_h,
            fracture_pressure_mpa: set.fracture_pressure_mpa,
        }
    }
}

/// A mechanical integrity test was made (40 CFR 146.89). Fields as in [`RecordMit`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MitRecorded {
    /// Which part of the well was tested.
    pub mit_kind: MitKind,
    /// Whether the well has integrity.
    pub passed: bool,
    /// The day of the test.
    pub tested_on: NaiveDate,
    /// The last day on which a passed test counts.
    pub valid_until: NaiveDate,
    /// The certificate's or report's number.
    pub certificate: DisplayName,
    /// Who recorded it.
    pub by: Actor,
}

impl From<RecordMit> for MitRecorded {
    fn from(command: RecordMit) -> Self {
        Self {
            mit_kind: command.mit_kind,
            passed: command.passed,
            tested_on: command.tested_on,
            valid_until: command.valid_until,
            certificate: command.certificate,
            by: command.by,
        }
    }
}

/// The well injects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectionStarted {
    /// From then on.
    pub at: DateTime<Utc>,
    /// Who started it.
    pub by: Actor,
}

/// The well was stopped as planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectionStopped {
    /// From then on.
    pub at: DateTime<Utc>,
    /// Who stopped it.
    pub by: Actor,
}

/// The well was shut in, and stays so until the cause is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WellShutIn {
    /// From then on.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: Reason,
    /// Who did it.
    pub by: Actor,
}

/// The cause of a shut-in is dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShutInClosed {
    /// When.
    pub at: DateTime<Utc>,
    /// What was found and done.
    pub remedy: Reason,
    /// Who says so.
    pub by: Actor,
}

/// The well is plugged for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WellPlugged {
    /// From then on.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub by: Actor,
}

events! {
    /// An event of a well's stream.
    enum WellEvent {
        /// See [`WellRegistered`].
        WellRegistered = 1,
        /// See [`PermitLimitsProposed`].
        PermitLimitsProposed = 1,
        /// See [`PermitLimitsSet`].
        PermitLimitsSet = 1,
        /// See [`MitRecorded`].
        MitRecorded = 1,
        /// See [`InjectionStarted`].
        InjectionStarted = 1,
        /// See [`InjectionStopped`].
        InjectionStopped = 1,
        /// See [`WellShutIn`].
        WellShutIn = 1,
        /// See [`ShutInClosed`].
        ShutInClosed = 1,
        /// See [`WellPlugged`].
        WellPlugged = 1,
    }
}
