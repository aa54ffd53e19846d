//! Custody: two measurements of one shipment (articles 48(3) and 49).
//!
//! Where both sites measure and the difference is within the uncertainty of both, their mean holds;
//! otherwise the conservative value does, the lower one, and the difference is a loss on the way.
//! Uncertainties are of 95 % coverage and independent: `U_d = √((U_s·m_s)² + (U_r·m_r)²)`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::amount::{Tonnes, UncertaintyPercent};
use crate::calculation::{
    Effective, Operation, Outcome, Period, Rule, RuleError, RuleSet, Term, TermError, TermRule,
    term_rules,
};

term_rules! {
    SHIPPED: "m_s" in "t", "article 49", Read, "mass that the transferring site measured";
    RECEIVED: "m_r" in "t", "article 49", Read, "mass that the receiving site measured";
    U_S: "U_s" in "%", "article 49, Annex VIII", Remembered, "uncertainty of the transferring site's measurement";
    U_R: "U_r" in "%", "article 49, Annex VIII", Remembered, "uncertainty of the receiving site's measurement";
    CENT: "1/100" in "1/%" = "0.01", "article 48(3)", Computed, "one of a hundred: per cent to fraction";
    U_D: "U_d" in "t" = "√((U_s·m_s)² + (U_r·m_r)²)", "article 48(3)", Computed, "uncertainty of the difference of two independent measurements, rounded to the gram";
    APART: "d" in "t" = "max(m_s, m_r) − min(m_s, m_r)", "article 48(3)", Computed, "how far apart the measurements are";
    HALF: "1/2" in "1" = "0.5", "article 48(3)", Computed, "one of two, for the mean";
    MEAN: "mean" in "t" = "(m_s + m_r)/2", "article 48(3)", Remembered, "mean of both measurements";
    LOWER: "conservative" in "t" = "min(m_s, m_r)", "article 48(3)", Remembered, "conservative value for what is stored";
    ACCOUNTED: "m" in "t" = "mean if d ≤ U_d, else conservative", "articles 48(3), 49", Remembered, "mass that both sites account for";
    LOSS: "loss" in "t" = "d if d > U_d and m_s > m_r, else 0", "article 49", Remembered, "mass that was lost between both sites";
}

static SET: RuleSet = RuleSet {
    id: "eu-ets-custody",
    version: 1,
    title: "Transferred CO2, measured by both sites",
    source: "Implementing Regulation (EU) 2018/2066, articles 48(3) and 49",
    effective: Effective::since(2021, 1, 1),
    terms: TERMS,
};

/// Tier 4 of continuous measurement [M]: ±2.5 %.
const TIER_4_PERCENT: Decimal = Decimal::from_parts(25, 0, 0, false, 1);

/// Two measurements of one shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The days from loading to unloading.
    pub period: Period,
    /// The shipment.
    pub shipment: String,
    /// Who had it on the way: a loss is theirs.
    pub carrier: String,
    /// What the transferring site measured.
    pub shipped: Measurement,
    /// What the receiving site measured.
    pub received: Measurement,
}

/// A measurement with its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// The mass of CO2.
    pub mass_t: Tonnes,
    /// Its uncertainty at 95 % coverage.
    pub uncertainty_percent: UncertaintyPercent,
}

/// Custody of a shipment.
pub struct Custody;

impl Rule for Custody {
    type Input = Inputs;
    const SET: &'static RuleSet = &SET;
    const EXAMPLE: &'static str = include_str!("../../examples/eu-ets-custody.json");

    fn period(input: &Inputs) -> Option<Period> {
        Some(input.period)
    }

    fn outcome(input: &Inputs) -> Result<Outcome, RuleError> {
        let results = reconciled(input).map_err(|error| error.within(&SET))?;
        let warnings = look_at(input, &results);
        Ok(Outcome { results, warnings })
    }
}

fn look_at(input: &Inputs, results: &[Term]) -> Vec<String> {
    let shipment = &input.shipment;
    let mut warnings = Vec::new();
    for (site, of) in [
        ("transferring", input.shipped),
        ("receiving", input.received),
    ] {
        let uncertainty = of.uncertainty_percent;
        if uncertainty.value() > TIER_4_PERCENT {
            warnings.push(format!(
                "the {site} site measures {shipment} within {uncertainty} %: tier 4 asks for 2.5 %"
            ));
        }
    }
    let outside = matches!(&results[0].operation, Operation::Chosen { part: 1, .. });
    if outside && input.received.mass_t > input.shipped.mass_t {
        warnings.push(format!(
            "more of {shipment} arrived than left, beyond the uncertainty of both: check both meters"
        ));
    }
    warnings
}

/// The mass that is accounted, then the loss.
fn reconciled(input: &Inputs) -> Result<Vec<Term>, TermError> {
    let (shipped, received) = (input.shipped, input.received);
    let masses = || -> Result<Vec<Term>, TermError> {
        Ok(vec![
            Term::input(&SHIPPED, shipped.mass_t)?,
            Term::input(&RECEIVED, received.mass_t)?,
        ])
    };
    let greatest = Term::step("max(m_s, m_r)", "t", Operation::Greatest, masses()?)?;
    let lower = Term::of(&LOWER, Operation::Least, masses()?)?;
    let apart = Term::of(&APART, Operation::Difference, vec![greatest, lower.clone()])?;
    let uncertainty = uncertainty_of_difference(shipped, received)?;
    let within = apart.value.exact() <= uncertainty.value.exact();
    let chosen = Operation::Chosen {
        part: usize::from(!within),
        because: if within {
            format!(
                "d = {} t is within U_d = {} t",
                apart.value, uncertainty.value
            )
        } else {
            format!(
                "d = {} t is beyond U_d = {} t",
                apart.value, uncertainty.value
            )
        },
    };
    let sum = Term::step("m_s + m_r", "t", Operation::Sum, masses()?)?;
    let half = Term::constant(&HALF, Decimal::new(5, 1))?;
    let mean = Term::of(&MEAN, Operation::Product, vec![sum, half])?;
    let parts = vec![mean, lower, uncertainty, apart.clone()];
    let accounted = Term::of(&ACCOUNTED, chosen, parts)?.at(input.shipment.clone());
    let lost = !within && shipped.mass_t > received.mass_t;
    Ok(vec![
        accounted,
        loss(lost, apart)?.at(input.carrier.clone()),
    ])
}

fn loss(lost: bool, apart: Term) -> Result<Term, TermError> {
    let nothing = Term::step("no loss", "t", Operation::Sum, Vec::new())?;
    let (part, because) = if lost {
        (0, "less arrived than left, beyond the uncertainty of both")
    } else {
        (
            1,
            "the uncertainty of both explains the difference, or nothing is missing",
        )
    };
    let because = because.to_owned();
    Term::of(
        &LOSS,
        Operation::Chosen { part, because },
        vec![apart, nothing],
    )
}

fn uncertainty_of_difference(
    shipped: Measurement,
    received: Measurement,
) -> Result<Term, TermError> {
    let square = |mass: &'static TermRule, uncertainty: &'static TermRule, of: Measurement| {
        let cent = Decimal::new(1, 2);
        // Squares have twice the digits; a double is exact enough for what was measured to a few per cent.
        let factors = || -> Result<Vec<Term>, TermError> {
            Ok(vec![
                Term::input(uncertainty, of.uncertainty_percent)?,
                Term::constant(&CENT, cent)?,
                Term::input(mass, of.mass_t)?,
            ])
        };
        let part = Term::step("U·m", "t", Operation::Product, factors()?)?;
        Term::step("(U·m)²", "t²", Operation::Square, vec![part])
    };
    let squares = vec![
        square(&SHIPPED, &U_S, shipped)?,
        square(&RECEIVED, &U_R, received)?,
    ];
    let sum = Term::step("(U_s·m_s)² + (U_r·m_r)²", "t²", Operation::Sum, squares)?;
    let root = Term::step("√", "t", Operation::SquareRoot, vec![sum])?;
    Term::of(&U_D, Operation::Rounded { places: 6 }, vec![root])
}
