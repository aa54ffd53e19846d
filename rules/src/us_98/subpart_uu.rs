//! Subpart UU: CO2 received by facilities that inject without sequestering under subpart RR (98.473).

use serde::{Deserialize, Serialize};

use super::meter::{self, FlowTerms, Meter, MeterTerms};
use crate::calculation::{
    Effective, Operation, Outcome, Period, Rule, RuleError, RuleSet, Term, TermError, term_rules,
};

term_rules! {
    Q: "Q_r,p" in "t", "98.473(a)(1), (b)", Read, "mass received through meter r, or in containers r, in quarter p";
    S: "S_r,p" in "t", "98.473(a)(1), (b)", Read, "mass redelivered to another facility without being injected";
    C: "C_p,r" in "1", "98.473(a)(1), (b)", Read, "CO2 in the stream, weight fraction";
    UU_1: "CO2_T,r" in "t" = "Σp (Q_r,p − S_r,p)·C_p,r", "98.473(a)(1), (b), UU-1", Read, "net CO2 received through mass meter or in containers r";
    QV: "Q_r,p (volume)" in "sm³", "98.473(a)(2), (b)", Read, "volume received through meter r, or in containers r, in quarter p, at 60 °F and 1 atm";
    SV: "S_r,p (volume)" in "sm³", "98.473(a)(2), (b)", Read, "volume redelivered to another facility without being injected";
    CV: "C_p,r (volume)" in "1", "98.473(a)(2), (b)", Read, "CO2 in the stream, volume fraction";
    D: "D" in "t/sm³" = "0.0018682", "98.473(a)(2)", Read, "density of CO2 at standard conditions";
    UU_2: "CO2_T,r (volume)" in "t" = "Σp (Q_r,p − S_r,p)·D·C_p,r", "98.473(a)(2), (b), UU-2", Read, "net CO2 received through volumetric meter or in containers r";
    UU_3: "CO2 received" in "t" = "Σr CO2_T,r", "98.473(a)(3), UU-3", Read, "net CO2 received";
}

static SET: RuleSet = RuleSet {
    id: "us-98-uu",
    version: 1,
    title: "Injection of carbon dioxide",
    source: "40 CFR 98 subpart UU (98.473)",
    effective: Effective::since(2011, 1, 1),
    terms: TERMS,
};

const RECEIVED: MeterTerms = MeterTerms {
    mass: FlowTerms {
        quantity: &Q,
        redelivered: Some(&S),
        density: None,
        concentration: &C,
        total: &UU_1,
    },
    volume: FlowTerms {
        quantity: &QV,
        redelivered: Some(&SV),
        density: Some(&D),
        concentration: &CV,
        total: &UU_2,
    },
};

/// What was received in a year, or in a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The days.
    pub period: Period,
    /// Meters and containers.
    pub received: Vec<Meter>,
}

/// Subpart UU.
pub struct SubpartUu;

impl Rule for SubpartUu {
    type Input = Inputs;
    const SET: &'static RuleSet = &SET;
    const EXAMPLE: &'static str = include_str!("../../examples/us-98-uu.json");

    fn period(input: &Inputs) -> Option<Period> {
        Some(input.period)
    }

    fn outcome(input: &Inputs) -> Result<Outcome, RuleError> {
        meter::check_year(&SET, input.period)?;
        let warnings = meter::check(&SET, "received", &input.received, input.period, true)?;
        let result = received(input).map_err(|error| error.within(&SET))?;
        Ok(Outcome {
            results: vec![result],
            warnings,
        })
    }
}

fn received(input: &Inputs) -> Result<Term, TermError> {
    let meters = input.received.iter().map(|meter| meter.term(&RECEIVED));
    Term::of(&UU_3, Operation::Sum, meters.collect::<Result<_, _>>()?)
}
