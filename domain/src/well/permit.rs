//! What a well may do: its kind, its permit's limits, its tests.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::WellRejection;
use crate::asset::AssetKind;
use crate::quantity::{MassFlow, Pressure};
use crate::{DisplayName, Mass};

/// What a well is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WellKind {
    /// It takes CO2.
    Injector,
    /// It only watches.
    Monitor,
    /// It brings fluid up.
    Producer,
}

impl WellKind {
    /// The kind of the asset that such a well is.
    #[must_use]
    pub fn asset_kind(self) -> AssetKind {
        match self {
            Self::Injector => AssetKind::InjectionWell,
            Self::Monitor => AssetKind::MonitoringWell,
            Self::Producer => AssetKind::ProductionWell,
        }
    }
}

impl fmt::Display for WellKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Injector => "injector",
            Self::Monitor => "monitor",
            Self::Producer => "producer",
        })
    }
}

/// Which part of a well a mechanical integrity test is about. A well has integrity only in both
/// (40 CFR 146.89(a)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MitKind {
    /// No leak in casing, tubing or packer (146.89(a)(1)).
    Internal,
    /// No flow along the outside of the casing (146.89(a)(2)); tested yearly.
    External,
}

impl fmt::Display for MitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Internal => "internal",
            Self::External => "external",
        })
    }
}

/// What a permit allows, from one day to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermitLimits {
    /// The permit's number.
    pub permit: DisplayName,
    /// The first day on which the limits apply.
    pub valid_from: NaiveDate,
    /// The last day on which they apply.
    pub valid_until: NaiveDate,
    /// The most that may be injected in a UTC day.
    pub max_daily_mass_kg: Mass,
    /// The most that may be injected in a calendar year.
    pub max_yearly_mass_kg: Option<Mass>,
    /// The highest rate at any moment.
    pub max_rate_t_per_h: MassFlow,
    /// Absolute pressure at which the injection zone fractures.
    pub fracture_pressure_mpa: Pressure,
}

impl PermitLimits {
    /// The highest pressure at the wellhead: 90 % of the fracture pressure (40 CFR 146.88(a)).
    #[must_use]
    pub fn max_wellhead_pressure(&self) -> Pressure {
        self.fracture_pressure_mpa.nine_tenths()
    }

    /// Whether they apply on this day.
    #[must_use]
    pub fn apply_on(&self, day: NaiveDate) -> bool {
        (self.valid_from..=self.valid_until).contains(&day)
    }

    pub(super) fn check(&self) -> Result<(), WellRejection> {
        if self.valid_until < self.valid_from {
            return Err(WellRejection::EndsBeforeItBegins {
                what: "permit",
                from: self.valid_from,
                until: self.valid_until,
            });
        }
        let nothing = [
            ("daily mass", self.max_daily_mass_kg == Mass::ZERO),
            ("yearly mass", self.max_yearly_mass_kg == Some(Mass::ZERO)),
            ("rate", self.max_rate_t_per_h == MassFlow::default()),
            (
                "fracture pressure",
                self.max_wellhead_pressure() == Pressure::default(),
            ),
        ];
        match nothing.into_iter().find(|(_, zero)| *zero) {
            Some((limit, _)) => Err(WellRejection::LimitOfNothing { limit }),
            None => Ok(()),
        }
    }
}
