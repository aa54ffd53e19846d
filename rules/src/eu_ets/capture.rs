//! Capture (Annex IV section 21.B.1): `E_capture = T_input + E_without capture − T_for storage`.
//!
//! Regulation (EU) 2024/2493 changed section 21 from 2025-01-01 on. The text before was read; of the
//! text since then nobody has read this equation again, so the version that holds now is a draft.

use serde::{Deserialize, Serialize};

use crate::amount::Tonnes;
use crate::calculation::{
    Effective, Operation, Outcome, Period, Rule, RuleError, RuleSet, Term, TermError, TermRule,
};

struct Terms {
    input: &'static TermRule,
    without: &'static TermRule,
    stored: &'static TermRule,
    emitted: &'static TermRule,
}

mod until_2024 {
    use super::Terms;
    use crate::calculation::term_rules;

    term_rules! {
        INPUT: "T_input" in "t", "Annex IV 21.B.1", Read, "CO2 transferred to the capture installation; 0 for a plant that captures its own CO2";
        WITHOUT: "E_without capture" in "t", "Annex IV 21.B.1", Read, "emissions of the installation as if nothing were captured";
        STORED: "T_for storage" in "t", "Annex IV 21.B.1", Read, "CO2 transferred to transport or to a storage site";
        EMITTED: "E_capture" in "t" = "T_input + E_without capture − T_for storage", "Annex IV 21.B.1", Read, "emissions of the capture installation";
    }
    pub(super) static ALL: &[&crate::calculation::TermRule] = TERMS;
    pub(super) const NAMED: Terms = Terms {
        input: &INPUT,
        without: &WITHOUT,
        stored: &STORED,
        emitted: &EMITTED,
    };
}

mod since_2025 {
    use super::Terms;
    use crate::calculation::term_rules;

    term_rules! {
        INPUT: "T_input" in "t", "Annex IV 21.B.1", Remembered, "CO2 transferred to the capture installation; 0 for a plant that captures its own CO2";
        WITHOUT: "E_without capture" in "t", "Annex IV 21.B.1", Remembered, "emissions of the installation as if nothing were captured";
        STORED: "T_for storage" in "t", "Annex IV 21.B.1", Remembered, "CO2 transferred to transport or to a storage site";
        EMITTED: "E_capture" in "t" = "T_input + E_without capture − T_for storage", "Annex IV 21.B.1", Remembered, "emissions of the capture installation";
    }
    pub(super) static ALL: &[&crate::calculation::TermRule] = TERMS;
    pub(super) const NAMED: Terms = Terms {
        input: &INPUT,
        without: &WITHOUT,
        stored: &STORED,
        emitted: &EMITTED,
    };
}

static SET_1: RuleSet = RuleSet {
    id: "eu-ets-capture",
    version: 1,
    title: "Capture of CO2",
    source: "Implementing Regulation (EU) 2018/2066, Annex IV section 21, before the changes of (EU) 2024/2493",
    effective: Effective::since(2021, 1, 1).until(2024, 12, 31),
    terms: until_2024::ALL,
};

static SET_2: RuleSet = RuleSet {
    id: "eu-ets-capture",
    version: 2,
    title: "Capture of CO2",
    source: "Implementing Regulation (EU) 2018/2066, Annex IV section 21, as changed by (EU) 2024/2493; not yet read again in the changed text",
    effective: Effective::since(2025, 1, 1),
    terms: since_2025::ALL,
};

/// What a capture installation took in, would have emitted, and passed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The days.
    pub period: Period,
    /// CO2 transferred to the installation.
    pub input_t: Tonnes,
    /// Emissions as if nothing were captured.
    pub without_capture_t: Tonnes,
    /// CO2 transferred to transport or storage.
    pub for_storage_t: Tonnes,
}

/// Section 21 as it held until 2024.
pub struct CaptureUntil2024;

/// Section 21 as it holds since 2025.
pub struct CaptureSince2025;

impl Rule for CaptureUntil2024 {
    type Input = Inputs;
    const SET: &'static RuleSet = &SET_1;
    const EXAMPLE: &'static str = include_str!("../../examples/eu-ets-capture-1.json");

    fn period(input: &Inputs) -> Option<Period> {
        Some(input.period)
    }

    fn outcome(input: &Inputs) -> Result<Outcome, RuleError> {
        outcome(&SET_1, &until_2024::NAMED, input)
    }
}

impl Rule for CaptureSince2025 {
    type Input = Inputs;
    const SET: &'static RuleSet = &SET_2;
    const EXAMPLE: &'static str = include_str!("../../examples/eu-ets-capture.json");

    fn period(input: &Inputs) -> Option<Period> {
        Some(input.period)
    }

    fn outcome(input: &Inputs) -> Result<Outcome, RuleError> {
        outcome(&SET_2, &since_2025::NAMED, input)
    }
}

fn outcome(set: &RuleSet, terms: &Terms, input: &Inputs) -> Result<Outcome, RuleError> {
    let emitted = emitted(terms, input).map_err(|error| error.within(set))?;
    let negative = emitted.value.to_f64() < 0.0;
    let warnings = negative
        .then(|| "more was passed on than came in and arose: check the transfers".to_owned());
    Ok(Outcome {
        results: vec![emitted],
        warnings: warnings.into_iter().collect(),
    })
}

fn emitted(terms: &Terms, input: &Inputs) -> Result<Term, TermError> {
    let came = vec![
        Term::input(terms.input, input.input_t)?,
        Term::input(terms.without, input.without_capture_t)?,
    ];
    let parts = vec![
        Term::step("T_input + E_without capture", "t", Operation::Sum, came)?,
        Term::input(terms.stored, input.for_storage_t)?,
    ];
    Term::of(terms.emitted, Operation::Difference, parts)
}
