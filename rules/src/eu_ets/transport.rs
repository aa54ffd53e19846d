//! Transport (Annex IV section 22): method A is a mass balance, method B adds up what was emitted.
//! Which of them is used is decided by the lower uncertainty; both may be given.

use serde::{Deserialize, Serialize};

use crate::amount::{Tonnes, UncertaintyPercent};
use crate::calculation::{
    Effective, Operation, Outcome, Period, Problem, Rule, RuleError, RuleSet, Term, TermError,
    term_rules,
};

term_rules! {
    OWN: "E_own activity" in "t", "Annex IV 22.B.1", Remembered, "emissions of the network's own activity, such as fuel of its boosters";
    T_IN: "T_IN,i" in "t", "Annex IV 22.B.1", Remembered, "CO2 transferred into the network at entry i";
    T_OUT: "T_OUT,j" in "t", "Annex IV 22.B.1", Remembered, "CO2 transferred out of the network at exit j";
    A: "E (method A)" in "t" = "E_own activity + Σi T_IN,i − Σj T_OUT,j", "Annex IV 22.B.1", Remembered, "emissions of the network, by mass balance";
    FUGITIVE: "E fugitive" in "t", "Annex IV 22.B.2", Remembered, "fugitive emissions";
    VENTED: "E vented" in "t", "Annex IV 22.B.2", Remembered, "vented emissions";
    LEAKED: "E leakage" in "t", "Annex IV 22.B.2", Remembered, "emissions of leakage events";
    INSTALLATIONS: "E installations" in "t", "Annex IV 22.B.2", Remembered, "emissions of combustion and other processes of the network";
    B: "E (method B)" in "t" = "E fugitive + E vented + E leakage + E installations", "Annex IV 22.B.2", Remembered, "emissions of the network, as they arose";
    CHOSEN: "E transport" in "t" = "A or B, whichever has the lower uncertainty", "Annex IV 22.B", Read, "emissions of the network";
}

static SET: RuleSet = RuleSet {
    id: "eu-ets-transport",
    version: 1,
    title: "Transport of CO2",
    source: "Implementing Regulation (EU) 2018/2066, Annex IV section 22",
    effective: Effective::since(2021, 1, 1),
    terms: TERMS,
};

/// What a transport network measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The days.
    pub period: Period,
    /// Method A.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mass_balance: Option<MassBalance>,
    /// Method B.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emissions: Option<Emissions>,
}

/// Method A.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MassBalance {
    /// Own activity.
    pub own_activity_t: Tonnes,
    /// Transferred in, by entry.
    pub entries: Vec<Transfer>,
    /// Transferred out, by exit.
    pub exits: Vec<Transfer>,
    /// Uncertainty of the emissions that result.
    pub uncertainty_percent: UncertaintyPercent,
}

/// CO2 at an entry or exit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Which.
    pub point: String,
    /// How much.
    pub mass_t: Tonnes,
}

/// Method B.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emissions {
    /// Fugitive.
    pub fugitive_t: Tonnes,
    /// Vented.
    pub vented_t: Tonnes,
    /// Leakage events.
    pub leakage_t: Tonnes,
    /// Installations of the network.
    pub installations_t: Tonnes,
    /// Uncertainty of the emissions that result.
    pub uncertainty_percent: UncertaintyPercent,
}

/// Section 22.
pub struct Transport;

impl Rule for Transport {
    type Input = Inputs;
    const SET: &'static RuleSet = &SET;
    const EXAMPLE: &'static str = include_str!("../../examples/eu-ets-transport.json");

    fn period(input: &Inputs) -> Option<Period> {
        Some(input.period)
    }

    fn outcome(input: &Inputs) -> Result<Outcome, RuleError> {
        let a = input.mass_balance.as_ref();
        let b = input.emissions.as_ref();
        let (part, because) = match (a, b) {
            (None, None) => return Err(neither()),
            (Some(a), Some(b)) => lower(a.uncertainty_percent, b.uncertainty_percent),
            _ => (0, "the other method is not given".to_owned()),
        };
        let methods = a.map(method_a).into_iter().chain(b.map(method_b));
        let chosen = methods
            .collect::<Result<Vec<_>, _>>()
            .and_then(|methods| Term::of(&CHOSEN, Operation::Chosen { part, because }, methods));
        Ok(chosen.map_err(|error| error.within(&SET))?.into())
    }
}

fn neither() -> RuleError {
    let problem = "neither method is given: give mass_balance, emissions or both".to_owned();
    RuleError::new(&SET, "mass_balance", Problem::Rule(problem))
}

fn lower(a: UncertaintyPercent, b: UncertaintyPercent) -> (usize, String) {
    if a <= b {
        (0, format!("its uncertainty of {a} % is not above {b} %"))
    } else {
        (1, format!("its uncertainty of {b} % is below {a} %"))
    }
}

fn method_a(of: &MassBalance) -> Result<Term, TermError> {
    let mut came = vec![Term::input(&OWN, of.own_activity_t)?];
    for entry in &of.entries {
        came.push(Term::input(&T_IN, entry.mass_t)?.at(entry.point.clone()));
    }
    let mut parts = vec![Term::step(
        "E_own activity + Σi T_IN,i",
        "t",
        Operation::Sum,
        came,
    )?];
    for exit in &of.exits {
        parts.push(Term::input(&T_OUT, exit.mass_t)?.at(exit.point.clone()));
    }
    Term::of(&A, Operation::Difference, parts)
}

fn method_b(of: &Emissions) -> Result<Term, TermError> {
    let parts = vec![
        Term::input(&FUGITIVE, of.fugitive_t)?,
        Term::input(&VENTED, of.vented_t)?,
        Term::input(&LEAKED, of.leakage_t)?,
        Term::input(&INSTALLATIONS, of.installations_t)?,
    ];
    Term::of(&B, Operation::Sum, parts)
}
