//! Subpart PP: CO2 captured, as a supplier reports it (98.423).
//!
//! The trap: this subpart counts concentrations in **per cent**, subparts RR and UU in decimal
//! fractions. The types differ, and a percentage of 1 or less is warned of.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::meter::Quarter;
use crate::amount::{Percent, StandardCubicMetres, Tonnes, TonnesPerStandardCubicMetre};
use crate::calculation::{
    Effective, Operation, Outcome, Period, Problem, Rule, RuleError, RuleSet, Term, TermError,
    TermRule, term_rules,
};

term_rules! {
    Q: "Q_p,u" in "t", "98.423(a)(1)", Read, "mass through meter u in quarter p";
    C: "C_p,u" in "%", "98.423(a)(1)", Read, "CO2 in the stream, weight per cent";
    CENT: "1/100" in "1/%" = "0.01", "98.423(a)", Computed, "one of a hundred: per cent to fraction";
    PP_1: "CO2_u" in "t" = "Σp Q_p,u·C_p,u", "98.423(a)(1), PP-1", Read, "CO2 through mass meter u";
    QV: "Q_p (volume)" in "sm³", "98.423(a)(2)", Read, "volume through meter u in quarter p, at 60 °F and 1 atm";
    CV: "C_p (volume)" in "%", "98.423(a)(2)", Read, "CO2 in the stream, volume or weight per cent";
    DENSITY: "D_p" in "t/sm³", "98.423(a)(2)", Read, "density: of CO2 if the concentration is by volume, of the whole stream if it is by weight";
    PP_2: "CO2_u (volume)" in "t" = "Σp Q_p·D_p·C_p", "98.423(a)(2), PP-2", Read, "CO2 through volumetric meter u";
    PP_3A: "CO2" in "t" = "Σu CO2_u", "98.423(a)(3)(i), PP-3a", Remembered, "CO2 through all meters";
    ON_SITE: "CO2_v" in "t", "98.423(a)(3)(ii)", Remembered, "CO2 in a stream that is segregated for use on site";
    PP_3B: "CO2 (PP-3b)" in "t" = "Σu CO2_u − Σv CO2_v", "98.423(a)(3)(ii), PP-3b", Remembered, "CO2 through all meters without segregated streams";
}

static SET: RuleSet = RuleSet {
    id: "us-98-pp",
    version: 1,
    title: "Suppliers of carbon dioxide",
    source: "40 CFR 98 subpart PP (98.423)",
    effective: Effective::since(2010, 1, 1),
    terms: TERMS,
};

/// What a supplier captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The days.
    pub period: Period,
    /// Its meters.
    pub meters: Vec<SupplyMeter>,
    /// CO2 in streams that are segregated for use on site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segregated: Vec<Segregated>,
}

/// A meter of a supplier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplyMeter {
    /// Its name.
    pub name: String,
    /// What it measured.
    pub measured: Supply,
}

/// What a supplier's meter measures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Supply {
    /// Mass.
    Mass(Vec<MassOfQuarter>),
    /// Volume at standard conditions.
    Volume(Vec<VolumeOfQuarter>),
}

/// What a mass meter measured in a quarter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MassOfQuarter {
    /// Which.
    pub quarter: Quarter,
    /// Mass of the stream.
    pub quantity_t: Tonnes,
    /// CO2 by weight, in per cent.
    pub co2_weight_percent: Percent,
}

/// What a volumetric meter measured in a quarter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeOfQuarter {
    /// Which.
    pub quarter: Quarter,
    /// Volume of the stream.
    pub quantity_sm3: StandardCubicMetres,
    /// Concentration and the density that belongs to it.
    pub co2: Concentration,
}

/// A concentration with the density that makes mass of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Concentration {
    /// By volume, with the density of CO2.
    ByVolume {
        /// Per cent.
        volume_percent: Percent,
        /// Density of CO2 at standard conditions.
        co2_density_t_per_sm3: TonnesPerStandardCubicMetre,
    },
    /// By weight, with the density of the whole stream.
    ByWeight {
        /// Per cent.
        weight_percent: Percent,
        /// Density of the whole stream at standard conditions.
        stream_density_t_per_sm3: TonnesPerStandardCubicMetre,
    },
}

/// CO2 that stays on site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segregated {
    /// Its stream.
    pub stream: String,
    /// How much.
    pub mass_t: Tonnes,
}

/// Subpart PP.
pub struct SubpartPp;

impl Rule for SubpartPp {
    type Input = Inputs;
    const SET: &'static RuleSet = &SET;
    const EXAMPLE: &'static str = include_str!("../../examples/us-98-pp.json");

    fn period(input: &Inputs) -> Option<Period> {
        Some(input.period)
    }

    fn outcome(input: &Inputs) -> Result<Outcome, RuleError> {
        super::meter::check_year(&SET, input.period)?;
        let mut warnings = Vec::new();
        for (at, meter) in input.meters.iter().enumerate() {
            warnings.extend(check(at, meter, input.period)?);
        }
        let result = supplied(input).map_err(|error| error.within(&SET))?;
        Ok(Outcome {
            results: vec![result],
            warnings,
        })
    }
}

fn check(at: usize, meter: &SupplyMeter, period: Period) -> Result<Vec<String>, RuleError> {
    let quarters: Vec<(Quarter, Percent)> = match &meter.measured {
        Supply::Mass(quarters) => quarters
            .iter()
            .map(|of| (of.quarter, of.co2_weight_percent))
            .collect(),
        Supply::Volume(quarters) => quarters
            .iter()
            .map(|of| (of.quarter, of.co2.percent()))
            .collect(),
    };
    let path = format!("meters[{at}].measured");
    let problem = super::meter::check_numbers(quarters.iter().map(|of| of.0), period);
    if let Some(problem) = problem {
        return Err(RuleError::new(&SET, path, Problem::Rule(problem)));
    }
    let tiny = quarters.iter().filter(|(_, percent)| {
        let percent = percent.value();
        percent > Decimal::ZERO && percent <= Decimal::ONE
    });
    Ok(tiny
        .map(|(quarter, percent)| {
            let quarter = u32::from(*quarter);
            format!(
                "meter {}, quarter {quarter}: {percent} % CO2 is very little: this subpart counts in per \
                 cent, subparts RR and UU in fractions",
                meter.name
            )
        })
        .collect())
}

impl Concentration {
    const fn percent(self) -> Percent {
        match self {
            Self::ByVolume { volume_percent, .. } => volume_percent,
            Self::ByWeight { weight_percent, .. } => weight_percent,
        }
    }

    const fn density(self) -> (TonnesPerStandardCubicMetre, &'static str) {
        match self {
            Self::ByVolume {
                co2_density_t_per_sm3,
                ..
            } => (co2_density_t_per_sm3, "of CO2"),
            Self::ByWeight {
                stream_density_t_per_sm3,
                ..
            } => (stream_density_t_per_sm3, "of the whole stream"),
        }
    }
}

fn supplied(input: &Inputs) -> Result<Term, TermError> {
    let meters = input.meters.iter().map(meter_term);
    let meters = meters.collect::<Result<_, _>>()?;
    if input.segregated.is_empty() {
        return Term::of(&PP_3A, Operation::Sum, meters);
    }
    let mut parts = vec![Term::step("Σu CO2_u", "t", Operation::Sum, meters)?];
    for segregated in &input.segregated {
        parts.push(Term::input(&ON_SITE, segregated.mass_t)?.at(segregated.stream.clone()));
    }
    Term::of(&PP_3B, Operation::Difference, parts)
}

fn meter_term(meter: &SupplyMeter) -> Result<Term, TermError> {
    let total = match &meter.measured {
        Supply::Mass(quarters) => {
            let quarters = quarters.iter().map(|of| {
                let quantity = Term::input(&Q, of.quantity_t)?;
                let parts = vec![quantity, fraction(&C, of.co2_weight_percent)?];
                product("Q·C", of.quarter, parts)
            });
            Term::of(&PP_1, Operation::Sum, quarters.collect::<Result<_, _>>()?)?
        }
        Supply::Volume(quarters) => {
            let quarters = quarters.iter().map(|of| {
                let (density, whose) = of.co2.density();
                let parts = vec![
                    Term::input(&QV, of.quantity_sm3)?,
                    Term::input(&DENSITY, density)?.at(whose),
                    fraction(&CV, of.co2.percent())?,
                ];
                product("Q·D·C", of.quarter, parts)
            });
            Term::of(&PP_2, Operation::Sum, quarters.collect::<Result<_, _>>()?)?
        }
    };
    Ok(total.at(meter.name.clone()))
}

fn product(symbol: &'static str, quarter: Quarter, parts: Vec<Term>) -> Result<Term, TermError> {
    let product = Term::step(symbol, "t", Operation::Product, parts)?;
    Ok(product.at(format!("quarter {}", u32::from(quarter))))
}

fn fraction(rule: &'static TermRule, percent: Percent) -> Result<Term, TermError> {
    let cent = Term::constant(&CENT, Decimal::new(1, 2))?;
    let parts = vec![Term::input(rule, percent)?, cent];
    Term::step("C/100", "1", Operation::Product, parts)
}
