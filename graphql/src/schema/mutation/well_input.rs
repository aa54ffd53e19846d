//! What is asked of wells, as the domain's words.

use async_graphql::InputObject;
use chrono::{DateTime, Utc};
use sealrock_commands::{InjectedDay, IntegrityTest, WellPath};
use sealrock_domain::Slug;
use sealrock_domain::injection_day::DayFigures;
use sealrock_domain::well::{PermitLimits, RegisterWell};
use uuid::Uuid;

use crate::schema::input::{read, read_option};
use crate::schema::problem::Problem;
use crate::schema::scalars::{Count, Day, Time};
use crate::schema::types::{MitKind, WellKind};

/// A well to be: a registered asset of the kind that such a well is.
#[derive(InputObject)]
pub(super) struct RegisterWellInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the asset.
    well: String,
    /// What it is for.
    kind: WellKind,
}

/// Permit limits to be.
#[derive(InputObject)]
pub(super) struct ProposePermitLimitsInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the well.
    well: String,
    /// The permit's number.
    permit: String,
    /// The first UTC day on which the limits apply.
    valid_from: Day,
    /// The last UTC day on which they apply.
    valid_until: Day,
    /// The most in a UTC day, kilograms, a decimal.
    max_daily_mass_kg: String,
    /// The most in a calendar year, kilograms, a decimal, if the permit has such a limit.
    max_yearly_mass_kg: Option<String>,
    /// The highest rate, t/h, a decimal.
    max_rate_t_per_h: String,
    /// The pressure at which the injection zone fractures, `MPa` absolute, a decimal; 90 % of it is the
    /// limit at the wellhead.
    fracture_pressure_mpa: String,
}

/// A proposal to put into force.
#[derive(InputObject)]
pub(super) struct ApprovePermitLimitsInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the well.
    well: String,
    /// Its number: `well.proposal.proposal`.
    pub(super) proposal: Count,
}

/// A mechanical integrity test that was made.
#[derive(InputObject)]
pub(super) struct RecordMitInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the well.
    well: String,
    /// Which part of the well was tested; a well injects with both.
    kind: MitKind,
    /// Whether the well has integrity.
    passed: bool,
    /// The day of the test.
    tested_on: Day,
    /// The last day on which it counts if it was passed; of an external one, at most a year later.
    valid_until: Day,
    /// The certificate's or report's number.
    certificate: String,
}

/// A well to start, stop or plug.
#[derive(InputObject)]
pub(super) struct OperateWellInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the well.
    well: String,
    /// When it happened, if that is told later; without it, now.
    at: Option<Time>,
}

/// A well to shut in.
#[derive(InputObject)]
pub(super) struct ShutInWellInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the well.
    well: String,
    /// When it happened, if that is told later; without it, now.
    at: Option<Time>,
    /// Why.
    pub(super) reason: String,
}

/// A shut-in whose cause is dealt with.
#[derive(InputObject)]
pub(super) struct CloseShutInInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the well.
    well: String,
    /// When it was closed, if that is told later; without it, now.
    at: Option<Time>,
    /// What was found and done.
    pub(super) remedy: String,
}

/// What a well took on a UTC day.
#[derive(InputObject)]
pub(super) struct RecordInjectionDayInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the well.
    well: String,
    /// The UTC day.
    day: Day,
    /// The figures.
    figures: InjectionFiguresInput,
    /// Names of the devices at the well whose sealed hours measured it. Of two that
    /// measure the same flow in an hour, the one that measures less counts.
    devices: Vec<String>,
}

/// What a well took on a UTC day, the right figures.
#[derive(InputObject)]
pub(super) struct CorrectInjectionDayInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the well.
    well: String,
    /// The UTC day, which names the record.
    day: Day,
    /// All figures, the right ones.
    figures: InjectionFiguresInput,
    /// Names of the devices at the well whose sealed hours measured it, as they are sealed now.
    devices: Vec<String>,
    /// What was wrong.
    pub(super) reason: String,
}

/// A day's figures, as the operator states them.
#[derive(InputObject)]
pub(super) struct InjectionFiguresInput {
    /// CO2 injected, kilograms, a decimal to the gram.
    mass_kg: String,
    /// For how many hours, a decimal from 0 to 24.
    hours: String,
    /// The highest rate, t/h, a decimal.
    max_rate_t_per_h: String,
    /// The highest pressure at the wellhead, `MPa` absolute, a decimal.
    max_wellhead_pressure_mpa: String,
    /// The lowest pressure in the annulus while it injected, `MPa` absolute, a decimal.
    min_annulus_pressure_mpa: String,
    /// By how much the annulus was above the wellhead at least, at any one moment, `MPa`, a decimal.
    /// Without it, the day's lowest annulus pressure must be above its highest wellhead pressure.
    min_annulus_margin_mpa: Option<String>,
}

/// A day to approve.
#[derive(InputObject)]
pub(super) struct ApproveInjectionDayInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    pub(super) command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// Slug of the well.
    well: String,
    /// The UTC day.
    pub(super) day: Day,
}

/// Input that names a well.
pub(super) trait OfWell {
    /// Organisation, site and well, as they were given.
    fn names(&self) -> [&str; 3];

    fn path(&self) -> Result<WellPath, Problem> {
        let [organisation, site, well] = self.names();
        Ok(WellPath {
            organisation: read("organisation", organisation)?,
            site: read("site", site)?,
            well: read("well", well)?,
        })
    }
}

macro_rules! of_well {
    ($($input:ident)+) => {
        $(impl OfWell for $input {
            fn names(&self) -> [&str; 3] {
                [&self.organisation, &self.site, &self.well]
            }
        })+
    };
}

of_well! {
    RegisterWellInput ProposePermitLimitsInput ApprovePermitLimitsInput RecordMitInput
    OperateWellInput ShutInWellInput CloseShutInInput RecordInjectionDayInput
    CorrectInjectionDayInput ApproveInjectionDayInput
}

impl RegisterWellInput {
    pub(super) fn command(&self, path: &WellPath) -> RegisterWell {
        RegisterWell {
            org: path.organisation.clone(),
            site: path.site.clone(),
            slug: path.well.clone(),
            well_kind: self.kind.into(),
        }
    }
}

impl ProposePermitLimitsInput {
    pub(super) fn limits(&self) -> Result<PermitLimits, Problem> {
        let yearly = self.max_yearly_mass_kg.as_deref();
        Ok(PermitLimits {
            permit: read("permit", &self.permit)?,
            valid_from: self.valid_from.0,
            valid_until: self.valid_until.0,
            max_daily_mass_kg: read("maxDailyMassKg", &self.max_daily_mass_kg)?,
            max_yearly_mass_kg: read_option("maxYearlyMassKg", yearly)?,
            max_rate_t_per_h: read("maxRateTPerH", &self.max_rate_t_per_h)?,
            fracture_pressure_mpa: read("fracturePressureMpa", &self.fracture_pressure_mpa)?,
        })
    }
}

impl RecordMitInput {
    pub(super) fn test(&self) -> Result<IntegrityTest, Problem> {
        Ok(IntegrityTest {
            mit_kind: self.kind.into(),
            passed: self.passed,
            tested_on: self.tested_on.0,
            valid_until: self.valid_until.0,
            certificate: read("certificate", &self.certificate)?,
        })
    }
}

impl OperateWellInput {
    pub(super) fn at(&self) -> Option<DateTime<Utc>> {
        self.at.map(|at| at.0)
    }
}

impl ShutInWellInput {
    pub(super) fn at(&self) -> Option<DateTime<Utc>> {
        self.at.map(|at| at.0)
    }
}

impl CloseShutInInput {
    pub(super) fn at(&self) -> Option<DateTime<Utc>> {
        self.at.map(|at| at.0)
    }
}

impl InjectionFiguresInput {
    fn figures(&self) -> Result<DayFigures, Problem> {
        let margin = self.min_annulus_margin_mpa.as_deref();
        Ok(DayFigures {
            mass_kg: read("figures.massKg", &self.mass_kg)?,
            hours: read("figures.hours", &self.hours)?,
            max_rate_t_per_h: read("figures.maxRateTPerH", &self.max_rate_t_per_h)?,
            max_wellhead_pressure_mpa: read(
                "figures.maxWellheadPressureMpa",
                &self.max_wellhead_pressure_mpa,
            )?,
            min_annulus_pressure_mpa: read(
                "figures.minAnnulusPressureMpa",
                &self.min_annulus_pressure_mpa,
            )?,
            min_annulus_margin_mpa: read_option("figures.minAnnulusMarginMpa", margin)?,
        })
    }
}

impl RecordInjectionDayInput {
    pub(super) fn injected(&self) -> Result<InjectedDay, Problem> {
        Ok(InjectedDay {
            well: self.path()?,
            day: self.day.0,
            figures: self.figures.figures()?,
            devices: devices(&self.devices)?,
        })
    }
}

impl CorrectInjectionDayInput {
    pub(super) fn injected(&self) -> Result<InjectedDay, Problem> {
        Ok(InjectedDay {
            well: self.path()?,
            day: self.day.0,
            figures: self.figures.figures()?,
            devices: devices(&self.devices)?,
        })
    }
}

fn devices(names: &[String]) -> Result<Vec<Slug>, Problem> {
    names.iter().map(|name| read("devices", name)).collect()
}
