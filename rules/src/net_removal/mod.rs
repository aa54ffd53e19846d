//! Net removal: one shape, and the standards as parameter sets of it.
//!
//! ```text
//! net = stored − losses − baseline − leakage − associated − uncertainty − buffer
//! associated = energy + inputs + transport + embodied
//! buffer     = share of what is left before it, rounded up to the kilogram
//! ```
//!
//! Every term but the first is taken away, so that no standard, and no overlay of one, can make more of
//! what was stored. CRCF writes removals as negative numbers: `CR_baseline − CR_total − GHG_associated`
//! with `CR_total = −(stored − losses)` and `CR_baseline = −baseline`, which is the same.

mod standards;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::amount::{Percent, Tonnes};
use crate::calculation::{
    Operation, Outcome, Period, Problem, Rule, RuleError, RuleSet, Term, TermError, TermRule,
};
pub use standards::{Crcf, Isometric, Puro, Verra};

/// What a standard makes of the shape.
pub(crate) struct Standard {
    set: &'static RuleSet,
    buffer: Buffer,
    terms: Terms,
}

/// What a standard sets aside against reversals.
enum Buffer {
    /// Nothing: it answers for reversals in another way.
    None,
    /// A share that the project's risk rating says.
    Given,
    /// This share, unless the risk rating says another one.
    Usually(Decimal),
}

/// The terms by the names of the shape.
pub(crate) struct Terms {
    stored: &'static TermRule,
    losses: &'static TermRule,
    baseline: &'static TermRule,
    leakage: &'static TermRule,
    energy: &'static TermRule,
    inputs: &'static TermRule,
    transport: &'static TermRule,
    embodied: &'static TermRule,
    associated: &'static TermRule,
    uncertainty: &'static TermRule,
    before_buffer: &'static TermRule,
    buffer_percent: &'static TermRule,
    cent: &'static TermRule,
    buffer: &'static TermRule,
    net: &'static TermRule,
}

/// What was stored and what it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The days.
    pub period: Period,
    /// CO2 stored.
    pub stored_t: Tonnes,
    /// CO2 lost again, from capture to storage.
    pub losses_t: Tonnes,
    /// What would have been stored anyway.
    pub baseline_t: Tonnes,
    /// Emissions elsewhere that the project causes.
    pub leakage_t: Tonnes,
    /// Emissions that go with it.
    pub associated: Associated,
    /// Deduction for uncertainty.
    pub uncertainty_t: Tonnes,
    /// Share of the buffer, where the standard has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer_percent: Option<Percent>,
}

/// Emissions that go with a removal, in tonnes of CO2 equivalent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Associated {
    /// Energy.
    pub energy_t: Tonnes,
    /// Chemicals, water, biomass.
    pub inputs_t: Tonnes,
    /// Transport.
    pub transport_t: Tonnes,
    /// Plants and machines.
    pub embodied_t: Tonnes,
}

/// A standard that the shape serves.
trait NetRemoval {
    const STANDARD: Standard;
    const EXAMPLE: &'static str;
}

impl<S: NetRemoval> Rule for S {
    type Input = Inputs;
    const SET: &'static RuleSet = S::STANDARD.set;
    const EXAMPLE: &'static str = S::EXAMPLE;

    fn period(input: &Inputs) -> Option<Period> {
        Some(input.period)
    }

    fn outcome(input: &Inputs) -> Result<Outcome, RuleError> {
        let standard = S::STANDARD;
        let share = standard.share(input.buffer_percent)?;
        let results = results(&standard.terms, share, input);
        let results = results.map_err(|error| error.within(standard.set))?;
        let net = results[0].value.to_f64();
        let warnings = (net <= 0.0).then(|| {
            "nothing is left: the project emitted as much as it removed, or more".to_owned()
        });
        Ok(Outcome {
            results,
            warnings: warnings.into_iter().collect(),
        })
    }
}

impl Standard {
    fn share(&self, given: Option<Percent>) -> Result<Decimal, RuleError> {
        let problem = match (&self.buffer, given) {
            (Buffer::Usually(share), None) => return Ok(*share),
            (Buffer::Given | Buffer::Usually(_), Some(share)) => return Ok(share.value()),
            (Buffer::None, None) => return Ok(Decimal::ZERO),
            (Buffer::None, Some(_)) => "this standard has no buffer: leave it out",
            (Buffer::Given, None) => "the project's risk rating is missing: give its buffer share",
        };
        let problem = Problem::Rule(problem.to_owned());
        Err(RuleError::new(self.set, "buffer_percent", problem))
    }
}

/// Net first, then what goes to the buffer.
fn results(terms: &Terms, share: Decimal, input: &Inputs) -> Result<Vec<Term>, TermError> {
    let before = before_buffer(terms, input)?;
    let buffer = buffer(terms, share, before.clone())?;
    let net = Term::of(
        terms.net,
        Operation::Difference,
        vec![before, buffer.clone()],
    )?;
    Ok(vec![net, buffer])
}

fn before_buffer(terms: &Terms, input: &Inputs) -> Result<Term, TermError> {
    let of = &input.associated;
    let associated = vec![
        Term::input(terms.energy, of.energy_t)?,
        Term::input(terms.inputs, of.inputs_t)?,
        Term::input(terms.transport, of.transport_t)?,
        Term::input(terms.embodied, of.embodied_t)?,
    ];
    let parts = vec![
        Term::input(terms.stored, input.stored_t)?,
        Term::input(terms.losses, input.losses_t)?,
        Term::input(terms.baseline, input.baseline_t)?,
        Term::input(terms.leakage, input.leakage_t)?,
        Term::of(terms.associated, Operation::Sum, associated)?,
        Term::input(terms.uncertainty, input.uncertainty_t)?,
    ];
    Term::of(terms.before_buffer, Operation::Difference, parts)
}

/// The share of what is left, rounded up to the kilogram; of nothing, nothing.
fn buffer(terms: &Terms, share: Decimal, before: Term) -> Result<Term, TermError> {
    let nothing = Term::step("0 t", "t", Operation::Sum, Vec::new())?;
    let left = Term::step(
        "max(0, net before buffer)",
        "t",
        Operation::Greatest,
        vec![before, nothing],
    )?;
    let parts = vec![
        left,
        Term::input(terms.buffer_percent, share)?,
        Term::constant(terms.cent, Decimal::new(1, 2))?,
    ];
    let exact = Term::step("share of it", "t", Operation::Product, parts)?;
    Term::of(
        terms.buffer,
        Operation::RoundedUp { places: 3 },
        vec![exact],
    )
}
