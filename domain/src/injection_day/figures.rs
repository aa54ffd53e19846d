//! A day's figures: what the operator says, and what the seals measure.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::InjectionDayRejection;
use crate::Mass;
use crate::quantity::{Hours, MassFlow, Pressure};
use crate::telemetry::window::{Figure, Hour, SealedHours};
use crate::well::PermitLimits;

/// What the operator says of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayFigures {
    /// CO2 injected.
    pub mass_kg: Mass,
    /// For how long.
    pub hours: Hours,
    /// The highest rate.
    pub max_rate_t_per_h: MassFlow,
    /// The highest absolute pressure at the wellhead.
    pub max_wellhead_pressure_mpa: Pressure,
    /// The lowest absolute pressure in the annulus, while the well injected.
    pub min_annulus_pressure_mpa: Pressure,
    /// By how much the annulus was above the wellhead at least, at any one moment. Where it is absent,
    /// the lowest annulus pressure of the day is held against the highest at the wellhead, which is
    /// stricter.
    pub min_annulus_margin_mpa: Option<Pressure>,
}

/// What the seals of a day measure. A figure is absent where nothing measured it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Hours of the day that have a seal: 0 to 24.
    pub sealed_hours: u32,
    /// Mean rate times the part of the hour that was measured, added up over the sealed hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mass_kg: Option<Mass>,
    /// The highest rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rate_t_per_h: Option<MassFlow>,
    /// The highest pressure at the wellhead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wellhead_pressure_mpa: Option<Pressure>,
    /// The lowest pressure in the annulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_annulus_pressure_mpa: Option<Pressure>,
    /// The hour of injection in which annulus and wellhead came closest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closest_hour: Option<ClosestHour>,
    /// The first hour of injection in which the wellhead or the annulus pressure was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched_hour: Option<DateTime<Utc>>,
}

/// An hour in which both pressures were measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosestHour {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// The lowest pressure in the annulus.
    pub min_annulus_pressure_mpa: Pressure,
    /// The highest pressure at the wellhead.
    pub max_wellhead_pressure_mpa: Pressure,
}

/// Whose figure broke a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The operator's.
    Stated,
    /// The seals'.
    Measured,
}

impl std::fmt::Display for Whose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stated => "stated",
            Self::Measured => "measured",
        })
    }
}

use Whose::{Measured as ByDevices, Stated};

impl DayFigures {
    /// That they do not contradict themselves, and keep to the limits; of the year too, of which
    /// `before` is approved.
    pub(super) fn check(
        &self,
        limits: &PermitLimits,
        before: Mass,
    ) -> Result<(), InjectionDayRejection> {
        self.check_possible()?;
        mass(Stated, self.mass_kg, limits)?;
        year(before, self.mass_kg, limits)?;
        rate(Stated, self.max_rate_t_per_h, limits)?;
        wellhead(Stated, self.max_wellhead_pressure_mpa, limits)?;
        if self.min_annulus_margin_mpa == Some(Pressure::default()) {
            return Err(InjectionDayRejection::NoAnnulusMargin);
        }
        if self.min_annulus_margin_mpa.is_some() {
            return Ok(());
        }
        annulus(
            Stated,
            self.min_annulus_pressure_mpa,
            self.max_wellhead_pressure_mpa,
        )
    }

    /// That the well was open for so long.
    pub(super) fn check_hours(&self, open: Hours) -> Result<(), InjectionDayRejection> {
        if self.hours <= open {
            return Ok(());
        }
        let stated = self.hours;
        Err(InjectionDayRejection::LongerThanOpen { stated, open })
    }

    fn check_possible(&self) -> Result<(), InjectionDayRejection> {
        if self.hours > Hours::DAY {
            return Err(InjectionDayRejection::LongDay { hours: self.hours });
        }
        // Grams per hour times thousandths of an hour; both below 2^53.
        let most = u128::from(self.max_rate_t_per_h.steps()) * u128::from(self.hours.steps());
        if u128::from(self.mass_kg.grams()) * 1_000 <= most {
            return Ok(());
        }
        Err(InjectionDayRejection::Impossible {
            mass: self.mass_kg,
            rate: self.max_rate_t_per_h,
            hours: self.hours,
        })
    }
}

impl Measured {
    /// What sealed hours of a day measure, by the catalogue's metrics of wells. Where nothing was
    /// injected in an hour, its pressures are not held against each other.
    #[must_use]
    pub fn of(hours: &SealedHours) -> Self {
        let pressure = |figure: Option<Figure>| Pressure::measured(&figure?);
        let greatest_rate = hours.greatest("injection_rate");
        Self {
            sealed_hours: u32::try_from(hours.count()).unwrap_or(u32::MAX),
            mass_kg: hours.mass_of("injection_rate"),
            max_rate_t_per_h: greatest_rate.and_then(|rate| MassFlow::measured(&rate)),
            max_wellhead_pressure_mpa: pressure(hours.greatest("wellhead_pressure")),
            min_annulus_pressure_mpa: pressure(hours.least("annulus_pressure")),
            closest_hour: closest(hours),
            unwatched_hour: unwatched(hours).map(Hour::start),
        }
    }

    /// That what was measured keeps to the limits.
    pub(super) fn check(&self, limits: &PermitLimits) -> Result<(), InjectionDayRejection> {
        if let Some(measured) = self.mass_kg {
            mass(ByDevices, measured, limits)?;
        }
        if let Some(measured) = self.max_rate_t_per_h {
            rate(ByDevices, measured, limits)?;
        }
        if let Some(measured) = self.max_wellhead_pressure_mpa {
            wellhead(ByDevices, measured, limits)?;
        }
        self.closest_hour.as_ref().map_or(Ok(()), |hour| {
            let (low, high) = (
                hour.min_annulus_pressure_mpa,
                hour.max_wellhead_pressure_mpa,
            );
            annulus(ByDevices, low, high)
        })
    }
}

/// The hour of injection in which the annulus was least above, or most below, the wellhead.
fn closest(hours: &SealedHours) -> Option<ClosestHour> {
    let of_hour = |hour: Hour| {
        let rate = hours.greatest_in(hour, "injection_rate");
        rate.is_none_or(|rate| rate.to_f64() > 0.0).then_some(())?;
        let annulus = hours.least_in(hour, "annulus_pressure")?;
        let wellhead = hours.greatest_in(hour, "wellhead_pressure")?;
        Some(ClosestHour {
            from: hour.start(),
            min_annulus_pressure_mpa: Pressure::measured(&annulus)?,
            max_wellhead_pressure_mpa: Pressure::measured(&wellhead)?,
        })
    };
    let margin = |hour: &ClosestHour| {
        let (low, high) = (
            hour.min_annulus_pressure_mpa.steps(),
            hour.max_wellhead_pressure_mpa.steps(),
        );
        i128::from(low) - i128::from(high)
    };
    hours
        .sealed()
        .into_iter()
        .filter_map(of_hour)
        .min_by_key(margin)
}

/// The first hour of injection in which a pressure is missing.
fn unwatched(hours: &SealedHours) -> Option<Hour> {
    let injecting = |hour: &Hour| {
        let rate = hours.greatest_in(*hour, "injection_rate");
        rate.is_some_and(|rate| rate.to_f64() > 0.0)
    };
    let watched = |hour: &Hour| {
        ["wellhead_pressure", "annulus_pressure"]
            .iter()
            .all(|metric| hours.greatest_in(*hour, metric).is_some())
    };
    let mut sealed = hours.sealed().into_iter();
    sealed.find(|hour| injecting(hour) && !watched(hour))
}

fn mass(whose: Whose, value: Mass, limits: &PermitLimits) -> Result<(), InjectionDayRejection> {
    let limit = limits.max_daily_mass_kg;
    above(value > limit, whose, "mass", &value, &limit, limits)
}

fn year(before: Mass, mass: Mass, limits: &PermitLimits) -> Result<(), InjectionDayRejection> {
    let Some(limit) = limits.max_yearly_mass_kg else {
        return Ok(());
    };
    let year = before.checked_add(mass).unwrap_or(Mass::MAX);
    let what = "mass of the year with this day";
    above(year > limit, Stated, what, &year, &limit, limits)
}

fn rate(whose: Whose, value: MassFlow, limits: &PermitLimits) -> Result<(), InjectionDayRejection> {
    let limit = limits.max_rate_t_per_h;
    above(value > limit, whose, "highest rate", &value, &limit, limits)
}

/// 40 CFR 146.88(a).
fn wellhead(
    whose: Whose,
    value: Pressure,
    limits: &PermitLimits,
) -> Result<(), InjectionDayRejection> {
    let limit = limits.max_wellhead_pressure();
    let what = "highest wellhead pressure";
    above(value > limit, whose, what, &value, &limit, limits)
}

fn above(
    is_above: bool,
    whose: Whose,
    what: &'static str,
    value: &dyn ToString,
    limit: &dyn ToString,
    limits: &PermitLimits,
) -> Result<(), InjectionDayRejection> {
    if !is_above {
        return Ok(());
    }
    Err(InjectionDayRejection::AboveLimit {
        whose,
        what,
        value: value.to_string(),
        limit: limit.to_string(),
        permit: limits.permit.clone(),
    })
}

/// 40 CFR 146.88(c).
fn annulus(
    whose: Whose,
    annulus: Pressure,
    wellhead: Pressure,
) -> Result<(), InjectionDayRejection> {
    if annulus > wellhead {
        return Ok(());
    }
    Err(InjectionDayRejection::AnnulusBelow {
        whose,
        annulus,
        wellhead,
    })
}
