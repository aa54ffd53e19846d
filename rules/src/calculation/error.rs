//! Why a rule set refuses inputs.

use rust_decimal::Decimal;

use super::{Effective, Period, RuleSet, TermError};

/// What is wrong with an input or a term.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    /// Below zero.
    #[error("{value} is negative: give what was measured, and a loss as a loss")]
    Negative {
        /// What was given.
        value: Decimal,
    },
    /// No fraction.
    #[error("{value} is no fraction: write a decimal from 0 to 1, such as \"0.985\" for 98.5 %")]
    NotAFraction {
        /// What was given.
        value: Decimal,
    },
    /// Not a number, or infinite.
    #[error("the value is not finite: give a number")]
    NotFinite,
    /// More digits than are computed exactly.
    #[error(
        "the value has more digits than 28 can hold exactly: give the inputs with fewer places"
    )]
    TooFine,
    /// Beyond 28 digits.
    #[error("the value is too large to be computed exactly: check the units of the inputs")]
    TooLarge,
    /// Nothing can be divided by zero.
    #[error("it is divided by zero: give a value above zero")]
    DividedByZero,
    /// Quantities of different units in one sum.
    #[error("the unit is {given}, but {expected} is needed: convert it first")]
    Unit {
        /// The unit of the term.
        expected: String,
        /// The unit of the part.
        given: String,
    },
    /// The rule set does not hold on these days.
    #[error(
        "{} to {} is outside of the dates of this rule set ({effective}): choose the version that \
         holds then, or a period within", period.from, period.to
    )]
    Dates {
        /// The days given.
        period: Period,
        /// The days on which the rule set holds.
        effective: Effective,
    },
    /// The period ends before it begins.
    #[error("the period ends on {to}, before it begins on {from}: give the first day first")]
    Backwards {
        /// The first day given.
        from: chrono::NaiveDate,
        /// The last day given.
        to: chrono::NaiveDate,
    },
    /// The inputs are not of this rule set's shape.
    #[error("{0}")]
    Shape(String),
    /// Something else that the rule set says in its own words, with the way out.
    #[error("{0}")]
    Rule(String),
}

/// Why a rule set refuses: the rule, the input, the problem and the way out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{rule}, {input}: {problem}")]
pub struct RuleError {
    /// The rule set and its version.
    pub rule: String,
    /// The input or term, such as `injected[0].quarters[2].concentration`.
    pub input: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl RuleError {
    /// The rule set refuses this input.
    #[must_use]
    pub fn new(set: &RuleSet, input: impl Into<String>, problem: Problem) -> Self {
        Self {
            rule: set.to_string(),
            input: input.into(),
            problem,
        }
    }
}

impl TermError {
    /// The rule set in which the term could not be computed.
    #[must_use]
    pub fn within(self, set: &RuleSet) -> RuleError {
        RuleError::new(set, self.symbol, self.problem)
    }
}
