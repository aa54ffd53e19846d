//! Subpart RR: CO2 received, injected, produced, leaked and sequestered (98.443).

use chrono::Datelike;
use serde::{Deserialize, Serialize};

use super::meter::{self, FlowTerms, Meter, MeterTerms};
use crate::amount::{Fraction, Tonnes};
use crate::calculation::{
    Effective, Number, Operation, Outcome, Period, Rule, RuleError, RuleSet, Term, TermError,
    term_rules,
};

term_rules! {
    Q_R: "Q_r,p" in "t", "98.443(a)(1)", Read, "mass received through meter r, or in containers r, in quarter p";
    S_R: "S_r,p" in "t", "98.443(a)(1)", Read, "mass redelivered to another facility without being injected";
    C_R: "C_p,r" in "1", "98.443(a)(1)", Read, "CO2 in the stream, weight fraction";
    RR_1: "CO2_T,r" in "t" = "Σp (Q_r,p − S_r,p)·C_p,r", "98.443(a)(1), (b), RR-1", Read, "net CO2 received through mass meter or in containers r";
    QV_R: "Q_r,p (volume)" in "sm³", "98.443(a)(2)", Read, "volume received through meter r, or in containers r, in quarter p, at 60 °F and 1 atm";
    SV_R: "S_r,p (volume)" in "sm³", "98.443(a)(2)", Read, "volume redelivered to another facility without being injected";
    CV_R: "C_p,r (volume)" in "1", "98.443(a)(2)", Read, "CO2 in the stream, volume fraction";
    D: "D" in "t/sm³" = "0.0018682", "98.443(a)(2)", Read, "density of CO2 at standard conditions";
    RR_2: "CO2_T,r (volume)" in "t" = "Σp (Q_r,p − S_r,p)·D·C_p,r", "98.443(a)(2), (b), RR-2", Read, "net CO2 received through volumetric meter or in containers r";
    RR_3: "CO2 received" in "t" = "Σr CO2_T,r", "98.443(a)(3), RR-3", Read, "net CO2 received";
    Q_U: "Q_p,u" in "t", "98.443(c)(1)", Read, "mass injected through meter u in quarter p";
    C_U: "C_p,u" in "1", "98.443(c)(1)", Read, "CO2 in the stream, weight fraction";
    RR_4: "CO2_u" in "t" = "Σp Q_p,u·C_p,u", "98.443(c)(1), RR-4", Read, "CO2 injected through mass meter u";
    QV_U: "Q_p,u (volume)" in "sm³", "98.443(c)(2)", Read, "volume injected through meter u in quarter p, at 60 °F and 1 atm";
    CV_U: "C_p,u (volume)" in "1", "98.443(c)(2)", Read, "CO2 in the stream, volume fraction";
    RR_5: "CO2_u (volume)" in "t" = "Σp Q_p,u·D·C_p,u", "98.443(c)(2), RR-5", Read, "CO2 injected through volumetric meter u";
    RR_6: "CO2_I" in "t" = "Σu CO2_u", "98.443(c)(3), RR-6", Read, "CO2 injected";
    Q_W: "Q_p,w" in "t", "98.443(d)(1)", Read, "mass produced through separator w in quarter p";
    C_W: "C_p,w" in "1", "98.443(d)(1)", Read, "CO2 in the stream, weight fraction";
    RR_7: "CO2_w" in "t" = "Σp Q_p,w·C_p,w", "98.443(d)(1), RR-7", Read, "CO2 produced through separator w, by mass meter";
    QV_W: "Q_p,w (volume)" in "sm³", "98.443(d)(2)", Read, "volume produced through separator w in quarter p, at 60 °F and 1 atm";
    CV_W: "C_p,w (volume)" in "1", "98.443(d)(2)", Read, "CO2 in the stream, volume fraction";
    RR_8: "CO2_w (volume)" in "t" = "Σp Q_p,w·D·C_p,w", "98.443(d)(2), RR-8", Read, "CO2 produced through separator w, by volumetric meter";
    X: "X" in "1", "98.443(d)(3)", Read, "CO2 entrained in produced oil or other fluid, of the CO2 separated, weight fraction";
    RR_9: "CO2_P" in "t" = "(1 + X)·Σw CO2_w", "98.443(d)(3), RR-9", Read, "CO2 produced";
    CO2_X: "CO2_x" in "t", "98.443(e)", Read, "CO2 emitted by surface leakage through pathway x";
    RR_10: "CO2_E" in "t" = "Σx CO2_x", "98.443(e), RR-10", Read, "CO2 emitted by surface leakage";
    CO2_FI: "CO2_FI" in "t", "98.442(e)", Read, "CO2 from equipment leaks and vents on the surface between the injection meter and the injection wellhead, by subpart W";
    CO2_FP: "CO2_FP" in "t", "98.442(f)", Read, "CO2 from equipment leaks and vents on the surface between the production wellhead and the production meter, by subpart W";
    RR_11: "CO2 (RR-11)" in "t" = "CO2_I − CO2_P − CO2_E − CO2_FI − CO2_FP", "98.443(f)(1), RR-11", Read, "CO2 sequestered, where oil, gas or other fluids are produced";
    RR_12: "CO2 (RR-12)" in "t" = "CO2_I − CO2_E − CO2_FI", "98.443(f)(2), RR-12", Read, "CO2 sequestered, where nothing is produced";
    BEFORE: "CO2 before" in "t", "98.442(h)", Read, "CO2 sequestered before the period, since the facility came under the subpart";
    CUMULATIVE: "CO2 cumulative" in "t" = "CO2 + CO2 before", "98.442(h)", Read, "CO2 sequestered since the facility came under the subpart";
}

static SET: RuleSet = RuleSet {
    id: "us-98-rr",
    version: 1,
    title: "Geologic sequestration of carbon dioxide",
    source: "40 CFR 98 subpart RR (98.442, 98.443); forms of RR-4 to RR-12 as in two public implementations, RR-1 to RR-3 and D also as in 98.473",
    effective: Effective::since(2011, 1, 1),
    terms: TERMS,
};

const RECEIVED: MeterTerms = MeterTerms {
    mass: FlowTerms {
        quantity: &Q_R,
        redelivered: Some(&S_R),
        density: None,
        concentration: &C_R,
        total: &RR_1,
    },
    volume: FlowTerms {
        quantity: &QV_R,
        redelivered: Some(&SV_R),
        density: Some(&D),
        concentration: &CV_R,
        total: &RR_2,
    },
};

const INJECTED: MeterTerms = MeterTerms {
    mass: FlowTerms {
        quantity: &Q_U,
        redelivered: None,
        density: None,
        concentration: &C_U,
        total: &RR_4,
    },
    volume: FlowTerms {
        quantity: &QV_U,
        redelivered: None,
        density: Some(&D),
        concentration: &CV_U,
        total: &RR_5,
    },
};

const SEPARATED: MeterTerms = MeterTerms {
    mass: FlowTerms {
        quantity: &Q_W,
        redelivered: None,
        density: None,
        concentration: &C_W,
        total: &RR_7,
    },
    volume: FlowTerms {
        quantity: &QV_W,
        redelivered: None,
        density: Some(&D),
        concentration: &CV_W,
        total: &RR_8,
    },
};

/// What a facility reports for a year, or for a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The days.
    pub period: Period,
    /// Meters and containers through which CO2 was received.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub received: Vec<Meter>,
    /// Meters through which CO2 was injected.
    pub injected: Vec<Meter>,
    /// What was produced, at sites that produce oil, gas or other fluids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub produced: Option<Produced>,
    /// Surface leakage, by pathway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaked: Vec<Leakage>,
    /// Equipment leaks and vents between the injection meter and the wellhead (not combustion).
    pub injection_equipment_t: Tonnes,
    /// Sequestered before the period, since the facility came under the subpart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequestered_before_t: Option<Tonnes>,
}

/// What a site produced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Produced {
    /// Meters of the separators.
    pub separators: Vec<Meter>,
    /// CO2 entrained in produced oil or other fluid, of the CO2 separated.
    pub entrained_weight_fraction: Fraction,
    /// Equipment leaks and vents between the production wellhead and the meter (not combustion).
    pub production_equipment_t: Tonnes,
}

/// CO2 that leaked through a pathway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leakage {
    /// Which.
    pub pathway: String,
    /// How much, as the upper bound of its uncertainty.
    pub mass_t: Tonnes,
}

/// Subpart RR.
pub struct SubpartRr;

impl Rule for SubpartRr {
    type Input = Inputs;
    const SET: &'static RuleSet = &SET;
    const EXAMPLE: &'static str = include_str!("../../examples/us-98-rr.json");

    fn period(input: &Inputs) -> Option<Period> {
        Some(input.period)
    }

    fn outcome(input: &Inputs) -> Result<Outcome, RuleError> {
        let mut warnings = check(input)?;
        let results = results(input).map_err(|error| error.within(&SET))?;
        let sequestered = results[0].value;
        warnings.extend(is_negative(sequestered).then(|| {
            "more was produced, leaked and vented than injected: check the quantities".to_owned()
        }));
        Ok(Outcome { results, warnings })
    }
}

fn is_negative(number: Number) -> bool {
    number.to_f64() < 0.0
}

fn check(input: &Inputs) -> Result<Vec<String>, RuleError> {
    let period = input.period;
    meter::check_year(&SET, period)?;
    let mut warnings = meter::check(&SET, "received", &input.received, period, true)?;
    warnings.extend(meter::check(
        &SET,
        "injected",
        &input.injected,
        period,
        false,
    )?);
    if let Some(produced) = &input.produced {
        let separators = &produced.separators;
        warnings.extend(meter::check(
            &SET,
            "produced.separators",
            separators,
            period,
            false,
        )?);
    }
    if period.from.year() >= 2025 {
        let proposed = "EPA proposed on 2025-09-16 (90 FR 44591) to end this subpart's reporting after \
                        2024: see whether it holds for this year";
        warnings.push(proposed.to_owned());
    }
    Ok(warnings)
}

/// Sequestered first, then cumulative and received where they are asked for.
fn results(input: &Inputs) -> Result<Vec<Term>, TermError> {
    let mut results = vec![sequestered(input)?];
    if let Some(before) = input.sequestered_before_t {
        let parts = vec![results[0].clone(), Term::input(&BEFORE, before)?];
        results.push(Term::of(&CUMULATIVE, Operation::Sum, parts)?);
    }
    if !input.received.is_empty() {
        let received = meters(&input.received, &RECEIVED)?;
        results.push(Term::of(&RR_3, Operation::Sum, received)?);
    }
    Ok(results)
}

fn sequestered(input: &Inputs) -> Result<Term, TermError> {
    let injected = Term::of(&RR_6, Operation::Sum, meters(&input.injected, &INJECTED)?)?;
    let equipment = Term::input(&CO2_FI, input.injection_equipment_t)?;
    match &input.produced {
        None => {
            let parts = vec![injected, leaked(input)?, equipment];
            Term::of(&RR_12, Operation::Difference, parts)
        }
        Some(produced) => {
            let vented = Term::input(&CO2_FP, produced.production_equipment_t)?;
            let parts = vec![
                injected,
                produced_term(produced)?,
                leaked(input)?,
                equipment,
                vented,
            ];
            Term::of(&RR_11, Operation::Difference, parts)
        }
    }
}

fn produced_term(produced: &Produced) -> Result<Term, TermError> {
    let separated = meters(&produced.separators, &SEPARATED)?;
    let separated = Term::step("Σw CO2_w", "t", Operation::Sum, separated)?;
    let x = Term::input(&X, produced.entrained_weight_fraction)?;
    let with_entrained = Term::one_plus("1 + X", x)?;
    Term::of(&RR_9, Operation::Product, vec![with_entrained, separated])
}

fn leaked(input: &Inputs) -> Result<Term, TermError> {
    let leaks = input.leaked.iter().map(|leak| {
        let term = Term::input(&CO2_X, leak.mass_t)?;
        Ok(term.at(leak.pathway.clone()))
    });
    Term::of(&RR_10, Operation::Sum, leaks.collect::<Result<_, _>>()?)
}

fn meters(meters: &[Meter], terms: &MeterTerms) -> Result<Vec<Term>, TermError> {
    meters.iter().map(|meter| meter.term(terms)).collect()
}
