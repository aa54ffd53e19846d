//! The emission of a stack as a calculation that can be shown.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::fuel_mix::{FuelError, FuelUse, biogenic_share};
use super::geometry::{self, Geometry};
use super::{
    A, B_W, BIOGENIC, F, FLOW, FOSSIL, K, M, P, Q, R, RHO, SET, T, U, U_I, U95, V, WHOLE, X, X_READ,
};
use crate::calculation::{
    Operation, Outcome, Period, Problem, Rule, RuleError, RuleSet, Term, TermError,
};
use crate::density::MOLAR_MASS_CO2;
use crate::quantity::{AbsolutePressure, Fraction, Measured, Pressure, Temperature, Velocity};
use crate::uncertainty::COVERAGE_95;

const GAS_CONSTANT: f64 = 8.314_462_618;
/// From this share of its full scale on, an analyser shows its end and not the gas.
const SATURATED: f64 = 0.99;

/// Whether an analyser dries its sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moisture {
    /// It measures the gas as it flows.
    Wet,
    /// It measures what is left without water vapour.
    Dry,
}

/// What measures the concentration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Analyser {
    /// Whether it dries its sample.
    pub sample: Moisture,
    /// The most that it shows.
    pub full_scale: Measured<Fraction>,
}

/// Relative standard uncertainties (k = 1) of what the emission is the product of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelativeUncertainties {
    /// Of the concentration.
    pub co2: Measured<Fraction>,
    /// Of the speed.
    pub velocity: Measured<Fraction>,
    /// Of the cross-section.
    pub area: Measured<Fraction>,
    /// Of the temperature in kelvins.
    pub temperature: Measured<Fraction>,
    /// Of the absolute pressure.
    pub pressure: Measured<Fraction>,
}

/// What is measured in a duct on a day, and what the stack is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackInput {
    /// The day.
    pub on: NaiveDate,
    /// Every geometry of the stack with its first day; that of the day is used.
    pub geometry: Vec<Geometry>,
    /// The mole fraction of CO2 as the analyser shows it.
    pub co2: Measured<Fraction>,
    /// The analyser.
    pub analyser: Analyser,
    /// The mole fraction of water vapour; needed where the analyser dries its sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moisture: Option<Measured<Fraction>>,
    /// The speed at the measured point.
    pub velocity: Measured<Velocity>,
    /// The temperature in the duct.
    pub temperature: Measured<Temperature>,
    /// The pressure in the duct; without it, the ambient pressure is taken for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duct_pressure: Option<Pressure>,
    /// The pressure of the air at the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambient_pressure: Option<AbsolutePressure>,
    /// What was burnt, for the biogenic share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fuels: Vec<FuelUse>,
    /// What is known of the uncertainties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<RelativeUncertainties>,
}

/// `stack-co2`: the CO2 that leaves a stack.
pub struct StackEmission;

impl Rule for StackEmission {
    type Input = StackInput;
    const SET: &'static RuleSet = &SET;
    const EXAMPLE: &'static str = r#"{
  "on": "2026-03-01",
  "geometry": [
    {"since": "2024-01-01", "section": {"rectangular": {"width": "0.60 m", "height": "0.60 m"}}, "profile_factor": 1.0}
  ],
  "co2": "85000 ppm",
  "analyser": {"sample": "dry", "full_scale": "20 %"},
  "moisture": "12 %",
  "velocity": "4 m/s",
  "temperature": "180 Cel",
  "duct_pressure": "-250 Pa(g)",
  "ambient_pressure": "79745 Pa(a)",
  "fuels": [
    {"fuel": "firewood", "energy": "900 GJ", "kg_co2_per_gj": "112", "biogenic_fraction": "1"},
    {"fuel": "fuel oil", "energy": "100 GJ", "kg_co2_per_gj": "77.4", "biogenic_fraction": "0"}
  ],
  "uncertainty": {"co2": "3 %", "velocity": "5 %", "area": "2 %", "temperature": "0.5 %", "pressure": "0.5 %"}
}"#;

    fn period(input: &StackInput) -> Option<Period> {
        Some(Period {
            from: input.on,
            to: input.on,
        })
    }

    fn outcome(input: &StackInput) -> Result<Outcome, RuleError> {
        check_fractions(input)?;
        let geometry =
            geometry::on(&input.geometry, input.on).map_err(|error| refused("geometry", &error))?;
        let pressure = duct_pressure(input)?;
        if input.temperature.base() <= 0.0 {
            return Err(refused(
                "temperature",
                &"0 K is no temperature of a gas: check it",
            ));
        }
        let within = |error: TermError| error.within(&SET);
        let flow = flow(input, &geometry, pressure).map_err(within)?;
        let mut results = vec![flow.clone()];
        if !input.fuels.is_empty() {
            let share = biogenic_share(&input.fuels).map_err(fuel_refused)?;
            results.extend(parts_by_origin(&flow, share).map_err(within)?);
        }
        if let Some(of) = &input.uncertainty {
            results.push(uncertainty(of).map_err(within)?);
        }
        let warnings = warnings(input);
        Ok(Outcome { results, warnings })
    }
}

fn check_fractions(input: &StackInput) -> Result<(), RuleError> {
    let fractions = [
        ("co2", Some(input.co2)),
        ("analyser.full_scale", Some(input.analyser.full_scale)),
        ("moisture", input.moisture),
    ];
    for (name, fraction) in fractions {
        let Some(fraction) = fraction else { continue };
        if fraction.base() > 1.0 {
            return Err(refused(
                name,
                &format!("{fraction} is more than the whole: check its unit"),
            ));
        }
    }
    if input.analyser.sample == Moisture::Dry && input.moisture.is_none() {
        let problem = "the analyser dries its sample: give the water vapour of the flue, \"0 %\" if \
                       there is none";
        return Err(refused("moisture", &problem));
    }
    Ok(())
}

/// In the duct, absolute.
fn duct_pressure(input: &StackInput) -> Result<AbsolutePressure, RuleError> {
    match (input.duct_pressure, input.ambient_pressure) {
        (Some(duct), ambient) => duct
            .absolute(ambient)
            .map_err(|error| refused("duct_pressure", &error)),
        (None, Some(ambient)) => Ok(ambient),
        (None, None) => {
            let problem = "no pressure is given: give that in the duct, or the ambient pressure of the \
                           place if the duct has about that";
            Err(refused("duct_pressure", &problem))
        }
    }
}

fn flow(
    input: &StackInput,
    geometry: &Geometry,
    pressure: AbsolutePressure,
) -> Result<Term, TermError> {
    let since = format!("since {}", geometry.since);
    let volume_parts = vec![
        Term::input(&V, input.velocity.base())?,
        Term::input(&A, geometry.section.square_metres())?.at(&since),
        Term::input(&F, geometry.profile_factor)?.at(&since),
    ];
    let volume = Term::of(&Q, Operation::Product, volume_parts)?;
    let parts = vec![concentration(input)?, volume, density(input, pressure)?];
    Term::of(&FLOW, Operation::Product, parts)
}

/// In the gas as it flows.
fn concentration(input: &StackInput) -> Result<Term, TermError> {
    let read = Term::input(&X_READ, input.co2.base())?;
    let (Moisture::Dry, Some(moisture)) = (input.analyser.sample, input.moisture) else {
        return Term::of(&X, Operation::Product, vec![read]);
    };
    let parts = vec![
        Term::constant(&WHOLE, 1.0)?,
        Term::input(&B_W, moisture.base())?,
    ];
    let left = Term::step("1 − B_w", "1", Operation::Difference, parts)?;
    Term::of(&X, Operation::Product, vec![read, left])
}

fn density(input: &StackInput, pressure: AbsolutePressure) -> Result<Term, TermError> {
    let above = vec![
        Term::input(&P, pressure.pascals())?,
        Term::constant(&M, MOLAR_MASS_CO2)?,
    ];
    let below = vec![
        Term::constant(&R, GAS_CONSTANT)?,
        Term::input(&T, input.temperature.base())?,
    ];
    let parts = vec![
        Term::step("P·M", "Pa.kg/mol", Operation::Product, above)?,
        Term::step("R·T", "J/mol", Operation::Product, below)?,
    ];
    // Of measured numbers, which are divided as doubles: the places do not matter.
    Term::of(&RHO, Operation::Quotient { places: 12 }, parts)
}

fn parts_by_origin(flow: &Term, share: Term) -> Result<[Term; 2], TermError> {
    let biogenic = Term::of(&BIOGENIC, Operation::Product, vec![flow.clone(), share])?;
    let fossil = vec![flow.clone(), biogenic.clone()];
    let fossil = Term::of(&FOSSIL, Operation::Difference, fossil)?;
    Ok([biogenic, fossil])
}

/// Of a product, the relative uncertainties add by their squares.
fn uncertainty(of: &RelativeUncertainties) -> Result<Term, TermError> {
    let square = |(name, share): (&'static str, Measured<Fraction>)| {
        let one = || Term::input(&U_I, share.base()).map(|term| term.at(name));
        Term::step("u_i²", "1", Operation::Product, vec![one()?, one()?])
    };
    let squares = [
        ("co2", of.co2),
        ("velocity", of.velocity),
        ("area", of.area),
        ("temperature", of.temperature),
        ("pressure", of.pressure),
    ]
    .map(square)
    .into_iter()
    .collect::<Result<Vec<_>, _>>()?;
    let sum = Term::step("Σ u_i²", "1", Operation::Sum, squares)?;
    let standard = Term::of(&U, Operation::SquareRoot, vec![sum])?;
    let parts = vec![Term::constant(&K, COVERAGE_95)?, standard];
    Term::of(&U95, Operation::Product, parts)
}

fn warnings(input: &StackInput) -> Vec<String> {
    let mut warnings = Vec::new();
    let Analyser { full_scale, .. } = input.analyser;
    if input.co2.base() >= SATURATED * full_scale.base() {
        warnings.push(format!(
            "the analyser is saturated: it shows {} of at most {full_scale}, so the CO2 may be more",
            input.co2
        ));
    }
    if input.duct_pressure.is_none() {
        warnings.push("the ambient pressure was taken for that in the duct".to_owned());
    }
    if input.fuels.is_empty() {
        warnings.push("without fuels, nothing says what of the CO2 is biogenic".to_owned());
    }
    warnings
}

fn fuel_refused(error: FuelError) -> RuleError {
    RuleError::new(&SET, format!("fuels.{}", error.field), error.problem)
}

fn refused(input: &str, problem: &impl ToString) -> RuleError {
    RuleError::new(&SET, input, Problem::Rule(problem.to_string()))
}
