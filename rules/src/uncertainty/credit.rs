//! What may be credited of a net mass: the conservative figure in whole tonnes, the rest carried on.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::calculation::{
    Effective, Operation, Outcome, Period, Problem, Rule, RuleError, RuleSet, Term, TermError,
    term_rules,
};
use crate::quantity::{Exact, Mass};

term_rules! {
    M_NET: "m_net" in "kg", "given", Computed, "net stored mass of the period";
    U_REL: "u_rel" in "1", "given", Computed, "its relative standard uncertainty, k = 1";
    K: "k" in "1", "given", Computed, "coverage factor, 1.96 for 95 %";
    CARRIED: "m_carried" in "kg", "given", Computed, "remainder of the period before";
    U: "U" in "kg" = "k·u_rel·m_net", "definition of expanded uncertainty", Computed, "expanded uncertainty";
    LOWER: "m_low" in "kg" = "⌊max(m_net − U, 0)⌋", "lower bound, in whole kilograms", Computed, "conservative net mass";
    TOTAL: "m_total" in "kg" = "m_low + m_carried", "nothing is lost between periods", Computed, "what credits are cut from";
    CREDIT: "credits" in "t" = "⌊m_total/1000⌋", "whole tonnes, rounded down", Computed, "tonnes that may be credited";
    KG_PER_T: "1000" in "kg/t" = "1000", "definition of the tonne", Computed, "kilograms in a tonne";
    REST: "m_rest" in "kg" = "m_total − 1000·credits", "the remainder is carried", Computed, "remainder for the period after";
}

static SET: RuleSet = RuleSet {
    id: "conservative-credit",
    version: 1,
    title: "Whole tonnes from a net mass and its uncertainty",
    source: "this program: lower bound of the net mass, rounded down, the remainder carried in kilograms",
    effective: Effective::since(2020, 1, 1),
    terms: TERMS,
};

/// A net mass with its uncertainty, and what is left of the period before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditInput {
    /// The first day.
    pub from: NaiveDate,
    /// The last day, in it too.
    pub to: NaiveDate,
    /// The net stored mass.
    pub net: Exact<Mass>,
    /// Its relative standard uncertainty (k = 1), a fraction of 1.
    pub relative_uncertainty: Decimal,
    /// The coverage factor.
    #[serde(default = "coverage")]
    pub coverage_factor: Decimal,
    /// The remainder of the period before: whole kilograms below a tonne.
    #[serde(default = "nothing")]
    pub carried: Exact<Mass>,
}

fn coverage() -> Decimal {
    Decimal::new(196, 2)
}

fn nothing() -> Exact<Mass> {
    Exact::new(Decimal::ZERO, "kg").expect("nothing is a mass")
}

/// `conservative-credit`: the lower bound of a net mass in whole tonnes, the rest in kilograms.
pub struct ConservativeCredit;

impl Rule for ConservativeCredit {
    type Input = CreditInput;
    const SET: &'static RuleSet = &SET;
    const EXAMPLE: &'static str = r#"{
  "from": "2026-01-01",
  "to": "2026-12-31",
  "net": "354921.25 t",
  "relative_uncertainty": "0.012",
  "coverage_factor": "1.96",
  "carried": "412 kg"
}"#;

    fn period(input: &CreditInput) -> Option<Period> {
        Some(Period {
            from: input.from,
            to: input.to,
        })
    }

    fn outcome(input: &CreditInput) -> Result<Outcome, RuleError> {
        check(input)?;
        let kilograms = |field: &str, mass: &Exact<Mass>| {
            let mass = mass.to("kg");
            mass.map(|mass| mass.value())
                .map_err(|error| refused(field, error.to_string()))
        };
        let net = kilograms("net", &input.net)?;
        let carried = kilograms("carried", &input.carried)?;
        if carried >= Decimal::ONE_THOUSAND || !carried.fract().is_zero() {
            let problem = "what is carried is whole kilograms below a tonne: give what the \
                           calculation of the period before left as m_rest";
            return Err(refused("carried", problem.to_owned()));
        }
        results(input, net, carried).map_err(|error| error.within(&SET))
    }
}

fn check(input: &CreditInput) -> Result<(), RuleError> {
    let fraction = Decimal::ZERO..=Decimal::ONE;
    if !fraction.contains(&input.relative_uncertainty) {
        let value = input.relative_uncertainty;
        let problem = Problem::NotAFraction { value };
        return Err(RuleError::new(&SET, "relative_uncertainty", problem));
    }
    if !(Decimal::ONE..=Decimal::TEN).contains(&input.coverage_factor) {
        let problem = format!(
            "{} is no coverage factor: give 1 to 10, such as \"1.96\" for 95 %",
            input.coverage_factor
        );
        return Err(refused("coverage_factor", problem));
    }
    Ok(())
}

fn results(input: &CreditInput, net: Decimal, carried: Decimal) -> Result<Outcome, TermError> {
    let net = Term::input(&M_NET, net)?;
    let parts = vec![
        Term::input(&K, input.coverage_factor)?,
        Term::input(&U_REL, input.relative_uncertainty)?,
        net.clone(),
    ];
    let expanded = Term::of(&U, Operation::Product, parts)?;
    let warnings = if expanded.value.exact() > net.value.exact() {
        vec!["the uncertainty is more than the net mass: nothing can be credited".to_owned()]
    } else {
        Vec::new()
    };
    let without = Term::step(
        "m_net − U",
        "kg",
        Operation::Difference,
        vec![net, expanded],
    )?;
    let nothing = Term::step("0", "kg", Operation::Sum, Vec::new())?;
    let bounded = Term::step(
        "max(m_net − U, 0)",
        "kg",
        Operation::Greatest,
        vec![without, nothing],
    )?;
    let lower = Term::of(&LOWER, Operation::Floored { places: 0 }, vec![bounded])?;
    let carried = Term::input(&CARRIED, carried)?;
    let total = Term::of(&TOTAL, Operation::Sum, vec![lower, carried])?;
    let thousand = || Term::constant(&KG_PER_T, Decimal::ONE_THOUSAND);
    let tonnes = Term::step(
        "m_total/1000",
        "t",
        Operation::Quotient { places: 3 },
        vec![total.clone(), thousand()?],
    )?;
    let credits = Term::of(&CREDIT, Operation::Floored { places: 0 }, vec![tonnes])?;
    let credited = Term::step(
        "1000·credits",
        "kg",
        Operation::Product,
        vec![thousand()?, credits.clone()],
    )?;
    let rest = Term::of(&REST, Operation::Difference, vec![total, credited])?;
    Ok(Outcome {
        results: vec![credits, rest],
        warnings,
    })
}

fn refused(input: &str, problem: String) -> RuleError {
    RuleError::new(&SET, input, Problem::Rule(problem))
}
