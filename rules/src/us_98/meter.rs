//! Flow meters with a value a quarter: what subparts RR and UU have in common.
//!
//! ```text
//! mass meter        CO2 = Σp (Q_p − S_p)·C_p       Q, S in t,   C weight fraction
//! volumetric meter  CO2 = Σp (Q_p − S_p)·D·C_p     Q, S in sm³, C volume fraction, D in t/sm³
//! ```
//!
//! S, what is redelivered to another facility without being injected, is of received streams only.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::amount::{Fraction, StandardCubicMetres, Tonnes};
use crate::calculation::{
    Number, Operation, Period, Problem, RuleError, RuleSet, Term, TermError, TermRule,
};
use crate::missing_data::SubstitutedBy;

/// Density of CO2 at 60 °F and 1 atm in t/sm³ (98.443(a)(2)): 0.0018682.
#[must_use]
pub fn standard_density() -> Decimal {
    Decimal::new(18_682, 7)
}

/// A quarter of a year, 1 to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Quarter(u32);

impl TryFrom<u32> for Quarter {
    type Error = String;

    fn try_from(quarter: u32) -> Result<Self, String> {
        if (1..=4).contains(&quarter) {
            return Ok(Self(quarter));
        }
        Err(format!(
            "{quarter} is no quarter of a year: write 1, 2, 3 or 4"
        ))
    }
}

impl From<Quarter> for u32 {
    fn from(quarter: Quarter) -> Self {
        quarter.0
    }
}

impl Quarter {
    fn of(day: NaiveDate) -> u32 {
        day.month0() / 3 + 1
    }
}

/// A meter and what it measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// Its name.
    pub name: String,
    /// What it measured.
    pub measured: Measured,
}

/// What a meter measures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
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
    /// Mass that was redelivered without being injected; of received streams only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redelivered_t: Option<Tonnes>,
    /// CO2 in the stream by weight.
    pub co2_weight_fraction: Fraction,
    /// How the quantity was estimated, if it was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substituted_by: Option<SubstitutedBy>,
}

/// What a volumetric meter measured in a quarter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeOfQuarter {
    /// Which.
    pub quarter: Quarter,
    /// Volume of the stream.
    pub quantity_sm3: StandardCubicMetres,
    /// Volume that was redelivered without being injected; of received streams only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redelivered_sm3: Option<StandardCubicMetres>,
    /// CO2 in the stream by volume.
    pub co2_volume_fraction: Fraction,
    /// How the quantity was estimated, if it was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substituted_by: Option<SubstitutedBy>,
}

/// The terms of one kind of meter in a rule set.
pub(crate) struct FlowTerms {
    pub quantity: &'static TermRule,
    pub redelivered: Option<&'static TermRule>,
    pub density: Option<&'static TermRule>,
    pub concentration: &'static TermRule,
    pub total: &'static TermRule,
}

/// The terms of both kinds.
pub(crate) struct MeterTerms {
    pub mass: FlowTerms,
    pub volume: FlowTerms,
}

/// A quarter of either kind.
struct Flow {
    quarter: Quarter,
    quantity: Number,
    redelivered: Option<Number>,
    concentration: Number,
    substituted_by: Option<SubstitutedBy>,
}

impl Meter {
    fn flows(&self) -> Vec<Flow> {
        match &self.measured {
            Measured::Mass(quarters) => quarters.iter().map(Flow::from).collect(),
            Measured::Volume(quarters) => quarters.iter().map(Flow::from).collect(),
        }
    }

    /// The CO2 that passed it, by its equation.
    pub(crate) fn term(&self, terms: &MeterTerms) -> Result<Term, TermError> {
        let terms = match self.measured {
            Measured::Mass(_) => &terms.mass,
            Measured::Volume(_) => &terms.volume,
        };
        let flows = self.flows();
        let quarters = flows.iter().map(|flow| flow.term(terms));
        let quarters = quarters.collect::<Result<_, _>>()?;
        Ok(Term::of(terms.total, Operation::Sum, quarters)?.at(self.name.clone()))
    }
}

impl From<&MassOfQuarter> for Flow {
    fn from(of: &MassOfQuarter) -> Self {
        Self {
            quarter: of.quarter,
            quantity: of.quantity_t.into(),
            redelivered: of.redelivered_t.map(Into::into),
            concentration: of.co2_weight_fraction.into(),
            substituted_by: of.substituted_by,
        }
    }
}

impl From<&VolumeOfQuarter> for Flow {
    fn from(of: &VolumeOfQuarter) -> Self {
        Self {
            quarter: of.quarter,
            quantity: of.quantity_sm3.into(),
            redelivered: of.redelivered_sm3.map(Into::into),
            concentration: of.co2_volume_fraction.into(),
            substituted_by: of.substituted_by,
        }
    }
}

impl Flow {
    fn term(&self, terms: &FlowTerms) -> Result<Term, TermError> {
        let quantity = Term::input(terms.quantity, self.quantity)?;
        let net = match (terms.redelivered, self.redelivered) {
            (Some(rule), Some(redelivered)) => {
                let parts = vec![quantity, Term::input(rule, redelivered)?];
                Term::step("Q − S", terms.quantity.unit, Operation::Difference, parts)?
            }
            _ => quantity,
        };
        let concentration = Term::input(terms.concentration, self.concentration)?;
        let (symbol, parts) = match terms.density {
            None => ("Q·C", vec![net, concentration]),
            Some(rule) => {
                let density = Term::constant(rule, standard_density())?;
                ("Q·D·C", vec![net, density, concentration])
            }
        };
        let product = Term::step(symbol, "t", Operation::Product, parts)?;
        Ok(product.at(format!("quarter {}", self.quarter.0)))
    }

    fn redelivers_too_much(&self) -> bool {
        let exact = |number: Number| number.exact().unwrap_or_default();
        self.redelivered
            .is_some_and(|redelivered| exact(redelivered) > exact(self.quantity))
    }
}

/// Checks meters of the input `path` and says what a reviewer should look at.
pub(crate) fn check(
    set: &RuleSet,
    path: &str,
    meters: &[Meter],
    period: Period,
    may_redeliver: bool,
) -> Result<Vec<String>, RuleError> {
    let mut names = BTreeSet::new();
    let mut warnings = Vec::new();
    for (at, meter) in meters.iter().enumerate() {
        let path = format!("{path}[{at}]");
        if !names.insert(&meter.name) {
            let problem = format!(
                "meter \"{}\" is given twice: give each meter once, with all of its quarters",
                meter.name
            );
            return Err(RuleError::new(
                set,
                format!("{path}.name"),
                Problem::Rule(problem),
            ));
        }
        check_quarters(set, &path, meter, period, may_redeliver)?;
        warnings.extend(look_at(meter, period));
    }
    Ok(warnings)
}

/// What is wrong with the numbers of quarters: given twice, or outside of the period.
pub(crate) fn check_numbers(
    quarters: impl Iterator<Item = Quarter>,
    period: Period,
) -> Option<String> {
    let mut seen = BTreeSet::new();
    let expected = quarters_of(period);
    quarters.map(|quarter| quarter.0).find_map(|quarter| {
        if !seen.insert(quarter) {
            return Some(format!(
                "quarter {quarter} is given twice: give the sum of the quarter"
            ));
        }
        (!expected.contains(&quarter)).then(|| {
            format!(
                "quarter {quarter} is outside of the period: leave it out, or change the period"
            )
        })
    })
}

fn check_quarters(
    set: &RuleSet,
    path: &str,
    meter: &Meter,
    period: Period,
    may_redeliver: bool,
) -> Result<(), RuleError> {
    let kind = match meter.measured {
        Measured::Mass(_) => "mass",
        Measured::Volume(_) => "volume",
    };
    let flows = meter.flows();
    let refused = |input: String, problem: String| {
        let input = format!("{path}.measured.{kind}{input}");
        Err(RuleError::new(set, input, Problem::Rule(problem)))
    };
    if let Some(problem) = check_numbers(flows.iter().map(|flow| flow.quarter), period) {
        return refused(String::new(), problem);
    }
    for (at, flow) in flows.iter().enumerate() {
        let problem = if flow.redelivered.is_some() && !may_redeliver {
            "only received streams are redelivered: leave it out"
        } else if flow.redelivers_too_much() {
            "more is redelivered than was received: check both quantities"
        } else {
            continue;
        };
        return refused(format!("[{at}]"), problem.to_owned());
    }
    Ok(())
}

/// The quarters that a period of one year touches.
fn quarters_of(period: Period) -> std::ops::RangeInclusive<u32> {
    Quarter::of(period.from)..=Quarter::of(period.to)
}

/// Refuses a period of more than one year: quarters are numbered within a year.
pub(crate) fn check_year(set: &RuleSet, period: Period) -> Result<(), RuleError> {
    if period.from.year() == period.to.year() {
        return Ok(());
    }
    let problem = Problem::Rule(
        "quarters are of one calendar year: calculate each year on its own".to_owned(),
    );
    Err(RuleError::new(set, "period", problem))
}

fn look_at(meter: &Meter, period: Period) -> Vec<String> {
    let flows = meter.flows();
    let name = &meter.name;
    let missing = quarters_of(period)
        .filter(|quarter| flows.iter().all(|flow| flow.quarter.0 != *quarter))
        .map(|quarter| {
            format!(
                "meter {name} has no quarter {quarter}: 98.445 says how a missing value is estimated"
            )
        });
    let substituted = flows.iter().filter_map(|flow| {
        let by = flow.substituted_by?;
        let quarter = flow.quarter.0;
        Some(format!(
            "quarter {quarter} of meter {name} is estimated: {by}"
        ))
    });
    missing.chain(substituted).collect()
}
