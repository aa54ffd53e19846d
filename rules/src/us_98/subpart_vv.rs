//! Subpart VV: CO2 stored in association with enhanced oil recovery, by CSA/ANSI ISO 27916:19 (98.483).

use serde::{Deserialize, Serialize};

use crate::amount::Tonnes;
use crate::calculation::{
    Effective, Operation, Outcome, Period, Rule, RuleError, RuleSet, Term, TermError, term_rules,
};

term_rules! {
    RECEIVED: "m_received" in "t", "98.483(a), 98.486(c)(1)", Read, "CO2 received at the custody transfer meter, also from another project";
    NATIVE: "m_native" in "t", "98.483(a), 98.486(c)(2)", Read, "native CO2 produced and captured in the project";
    INPUT: "m_input" in "t" = "m_received + m_native", "98.483(a), equation 1", Read, "CO2 input";
    FACILITIES: "m_loss leakage facilities" in "t", "98.486(e)(1)", Read, "leakage from production, handling and recycling facilities, wellheads included";
    VENTED: "m_loss vent/flare" in "t", "98.486(e)(2)", Read, "vented and flared from production operations";
    ENTRAINED: "m_loss entrained" in "t", "98.486(e)(3)", Read, "entrained in produced gas, oil and water and not separated and reinjected";
    TRANSFER: "m_loss transfer" in "t", "98.486(e)(4)", Read, "transferred out of the project";
    OPERATIONS: "m_loss operations" in "t" = "leakage facilities + vent/flare + entrained + transfer", "98.483(a), 98.486(e)", Read, "lost from project operations";
    COMPLEX: "m_loss EOR complex" in "t", "98.483(a), 98.486(f)", Read, "lost from the complex";
    STORED: "m_stored" in "t" = "m_input − m_loss operations − m_loss EOR complex", "98.483(a), equation 1", Read, "associated storage";
    RECYCLED: "m_recycled" in "t", "98.483(b), 98.486(d)", Read, "recycled and reinjected: reported, never counted as stored";
}

static SET: RuleSet = RuleSet {
    id: "us-98-vv",
    version: 1,
    title: "Geologic sequestration with enhanced oil recovery, by ISO 27916",
    source: "40 CFR 98 subpart VV (98.483, 98.486), CSA/ANSI ISO 27916:19 clause 8",
    effective: Effective::since(2025, 1, 1),
    terms: TERMS,
};

/// What a project took in, recycled and lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The days.
    pub period: Period,
    /// Received at the custody transfer meter.
    pub received_t: Tonnes,
    /// Native CO2 produced and captured in the project.
    pub native_t: Tonnes,
    /// Leakage of facilities.
    pub leakage_facilities_t: Tonnes,
    /// Vented and flared.
    pub vent_flare_t: Tonnes,
    /// Entrained in what was produced.
    pub entrained_t: Tonnes,
    /// Transferred out of the project.
    pub transfer_t: Tonnes,
    /// Lost from the complex.
    pub eor_complex_t: Tonnes,
    /// Recycled and reinjected, which is never storage.
    pub recycled_t: Tonnes,
}

/// Subpart VV.
pub struct SubpartVv;

impl Rule for SubpartVv {
    type Input = Inputs;
    const SET: &'static RuleSet = &SET;
    const EXAMPLE: &'static str = include_str!("../../examples/us-98-vv.json");

    fn period(input: &Inputs) -> Option<Period> {
        Some(input.period)
    }

    fn outcome(input: &Inputs) -> Result<Outcome, RuleError> {
        let results = results(input).map_err(|error| error.within(&SET))?;
        let negative = results[0].value.to_f64() < 0.0;
        let warnings =
            negative.then(|| "more was lost than came in: check the quantities".to_owned());
        Ok(Outcome {
            results,
            warnings: warnings.into_iter().collect(),
        })
    }
}

fn results(input: &Inputs) -> Result<Vec<Term>, TermError> {
    let came_in = vec![
        Term::input(&RECEIVED, input.received_t)?,
        Term::input(&NATIVE, input.native_t)?,
    ];
    let operations = vec![
        Term::input(&FACILITIES, input.leakage_facilities_t)?,
        Term::input(&VENTED, input.vent_flare_t)?,
        Term::input(&ENTRAINED, input.entrained_t)?,
        Term::input(&TRANSFER, input.transfer_t)?,
    ];
    let stored = vec![
        Term::of(&INPUT, Operation::Sum, came_in)?,
        Term::of(&OPERATIONS, Operation::Sum, operations)?,
        Term::input(&COMPLEX, input.eor_complex_t)?,
    ];
    Ok(vec![
        Term::of(&STORED, Operation::Difference, stored)?,
        Term::input(&RECYCLED, input.recycled_t)?,
    ])
}
