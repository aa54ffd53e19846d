//! The density of a stream as a calculation that can be shown.

use serde::{Deserialize, Serialize};

use super::{Composition, DensityError, MOLAR_MASS_CO2, density};
use crate::calculation::{
    Effective, Operation, Outcome, Period, Problem, Rule, RuleError, RuleSet, Term, TermError,
    term_rules,
};
use crate::quantity::{AbsolutePressure, Measured, Pressure, Temperature};

term_rules! {
    T: "T" in "K", "GERG-2008", Computed, "temperature of the stream";
    P: "P" in "Pa", "GERG-2008", Computed, "absolute pressure of the stream";
    X: "x" in "1", "GERG-2008", Computed, "mole fraction";
    RHO: "ρ" in "kg/m3" = "ρ(T, P, x)", "GERG-2008, the root with the lower Gibbs energy", Computed, "density of the stream";
    M: "M" in "kg/mol" = "Σ x·M_i", "GERG-2008", Computed, "molar mass of the stream";
    M_CO2: "M_CO2" in "kg/mol" = "0.0440095", "GERG-2008", Computed, "molar mass of CO2";
    W: "w_CO2" in "1" = "x_CO2·M_CO2/M", "definition", Computed, "mass fraction of CO2 in the stream";
    RHO_CO2: "ρ_CO2" in "kg/m3" = "ρ·w_CO2", "definition", Computed, "CO2 in a volume of the stream";
}

static SET: RuleSet = RuleSet {
    id: "co2-density",
    version: 1,
    title: "Density of a CO2 stream",
    source: "GERG-2008 (Kunz and Wagner 2012) by aga8 0.6.1, compared with CoolProp 8.0.0",
    effective: Effective::since(2012, 1, 1),
    terms: TERMS,
};

/// What the density of a stream is computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DensityInput {
    /// The temperature.
    pub temperature: Measured<Temperature>,
    /// The pressure, absolute or gauge.
    pub pressure: Pressure,
    /// What a gauge pressure stands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambient_pressure: Option<AbsolutePressure>,
    /// The mole fractions.
    pub composition: Composition,
}

/// `co2-density`: the density of a stream and the share of CO2 in its mass.
pub struct DensityRule;

impl Rule for DensityRule {
    type Input = DensityInput;
    const SET: &'static RuleSet = &SET;
    const EXAMPLE: &'static str = r#"{
  "temperature": "10 Cel",
  "pressure": "118.98675 bar(g)",
  "ambient_pressure": "101325 Pa(a)",
  "composition": {"CO2": 0.98, "N2": 0.02}
}"#;

    fn period(_: &DensityInput) -> Option<Period> {
        None
    }

    fn outcome(input: &DensityInput) -> Result<Outcome, RuleError> {
        let pressure = input
            .pressure
            .absolute(input.ambient_pressure)
            .map_err(|error| refused("pressure", &error))?;
        let stream = density(input.temperature, pressure, &input.composition)
            .map_err(|error| refused(named(&error), &error))?;
        let rho = stream
            .accountable()
            .map_err(|error| refused(named(&error), &error))?;
        results(input, pressure, rho, stream.molar_mass).map_err(|error| error.within(&SET))
    }
}

fn results(
    input: &DensityInput,
    pressure: AbsolutePressure,
    rho: f64,
    molar_mass: f64,
) -> Result<Outcome, TermError> {
    const MODEL: &str = "aga8 0.6.1, GERG-2008";
    let fractions = || -> Result<Vec<Term>, TermError> {
        let fractions = input.composition.fractions().iter();
        fractions
            .map(|(component, fraction)| Ok(Term::input(&X, *fraction)?.at(*component)))
            .collect()
    };
    let mut state = vec![
        Term::input(&T, input.temperature.base())?,
        Term::input(&P, pressure.pascals())?,
    ];
    state.extend(fractions()?);
    let rho = Term::model(&RHO, MODEL, rho, state)?;
    let x_co2 = Term::input(&X, input.composition.of("CO2"))?.at("CO2");
    let of_co2 = Term::step(
        "x_CO2·M_CO2",
        "kg/mol",
        Operation::Product,
        vec![x_co2, Term::constant(&M_CO2, MOLAR_MASS_CO2)?],
    )?;
    let whole = Term::model(&M, MODEL, molar_mass, fractions()?)?;
    // Of measured numbers, which are divided as doubles: the places do not matter.
    let share = Term::of(&W, Operation::Quotient { places: 12 }, vec![of_co2, whole])?;
    let co2 = Term::of(&RHO_CO2, Operation::Product, vec![rho.clone(), share])?;
    Ok(Outcome {
        results: vec![rho, co2],
        warnings: Vec::new(),
    })
}

/// The input that an error is about.
const fn named(error: &DensityError) -> &'static str {
    match error {
        DensityError::Temperature { .. } => "temperature",
        DensityError::Pressure { .. } | DensityError::Quantity(_) => "pressure",
        DensityError::NoRoot { .. } => "composition",
        DensityError::TwoPhases { .. } => "temperature, pressure and composition",
    }
}

fn refused(input: &str, error: &impl ToString) -> RuleError {
    RuleError::new(&SET, input, Problem::Rule(error.to_string()))
}
