//! Terms: a value, what it was made of, and by which operation.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Evidence, Number, Problem, TermRule, exact};

/// How a term's value comes from its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// It was given.
    Input,
    /// It is a constant of the rule set.
    Constant,
    /// All parts together.
    Sum,
    /// The first part without all others.
    Difference,
    /// All parts multiplied.
    Product,
    /// The first part divided by the second; of exact numbers, rounded half to even.
    Quotient {
        /// Decimal places that are kept.
        places: u32,
    },
    /// The square of the one part, as a double.
    Square,
    /// The square root of the one part, as a double.
    SquareRoot,
    /// The least part.
    Least,
    /// The greatest part.
    Greatest,
    /// The one part, rounded half to even: where a measured number becomes an accounted one.
    Rounded {
        /// Decimal places that are kept.
        places: u32,
    },
    /// The one part, rounded down.
    Floored {
        /// Decimal places that are kept.
        places: u32,
    },
    /// The one part, rounded up.
    RoundedUp {
        /// Decimal places that are kept.
        places: u32,
    },
    /// One of the parts, for the reason that is stated.
    Chosen {
        /// Which part, from 0 on.
        part: usize,
        /// Why.
        because: String,
    },
    /// What a model made of the parts; only running the rule set again repeats it.
    Model {
        /// Which, with its version.
        name: String,
    },
}

/// A term of a calculation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Its symbol.
    pub symbol: Cow<'static, str>,
    /// Which of several it is: the meter, the quarter, the pathway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Its value.
    pub value: Number,
    /// The unit of the value, `1` if it has none.
    pub unit: Cow<'static, str>,
    /// What the rule set says of it; none for a step within an equation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// How the value comes from the parts.
    pub operation: Operation,
    /// The parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<Term>,
}

/// What a term rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// What it is.
    pub meaning: Cow<'static, str>,
    /// Its equation or constant, as the source writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equation: Option<Cow<'static, str>>,
    /// Paragraph and equation number.
    pub paragraph: Cow<'static, str>,
    /// How it is known.
    pub evidence: Evidence,
}

/// A term that cannot be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{symbol}: {problem}")]
pub struct TermError {
    /// The term's symbol, with what tells it from others of that symbol.
    pub symbol: String,
    /// Why not.
    pub problem: Problem,
}

impl Term {
    /// A number that was given.
    ///
    /// # Errors
    /// If it is a double that is not finite.
    pub fn input(rule: &'static TermRule, value: impl Into<Number>) -> Result<Self, TermError> {
        Self::leaf(rule, value.into(), Operation::Input)
    }

    /// A constant of the rule set.
    ///
    /// # Errors
    /// If it is a double that is not finite.
    pub fn constant(rule: &'static TermRule, value: impl Into<Number>) -> Result<Self, TermError> {
        Self::leaf(rule, value.into(), Operation::Constant)
    }

    fn leaf(
        rule: &'static TermRule,
        value: Number,
        operation: Operation,
    ) -> Result<Self, TermError> {
        Self {
            value,
            ..Self::blank(rule, operation, Vec::new())
        }
        .finite()
    }

    /// The term of this rule that the operation makes of the parts.
    ///
    /// # Errors
    /// If a unit of a sum differs, or if the value cannot be computed (exactly, where all parts are
    /// exact).
    pub fn of(
        rule: &'static TermRule,
        operation: Operation,
        parts: Vec<Self>,
    ) -> Result<Self, TermError> {
        Self::blank(rule, operation, parts).computed()
    }

    /// A step within an equation, which has a symbol but no rule of its own: `1 + X`.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn step(
        symbol: &'static str,
        unit: &'static str,
        operation: Operation,
        parts: Vec<Self>,
    ) -> Result<Self, TermError> {
        Self {
            symbol: symbol.into(),
            at: None,
            value: Number::Measured(0.0),
            unit: unit.into(),
            basis: None,
            operation,
            of: parts,
        }
        .computed()
    }

    /// One and a part of one, as in `1 + X`.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn one_plus(symbol: &'static str, part: Self) -> Result<Self, TermError> {
        let one = Self {
            symbol: "1".into(),
            at: None,
            value: rust_decimal::Decimal::ONE.into(),
            unit: "1".into(),
            basis: None,
            operation: Operation::Constant,
            of: Vec::new(),
        };
        Self::step(symbol, "1", Operation::Sum, vec![one, part])
    }

    /// What a model made of the parts, such as an equation of state.
    ///
    /// # Errors
    /// If it is a double that is not finite.
    pub fn model(
        rule: &'static TermRule,
        name: impl Into<String>,
        value: impl Into<Number>,
        parts: Vec<Self>,
    ) -> Result<Self, TermError> {
        let operation = Operation::Model { name: name.into() };
        Self {
            value: value.into(),
            ..Self::blank(rule, operation, parts)
        }
        .finite()
    }

    /// Tells it from other terms of its symbol: `meter M-1, quarter 2`.
    #[must_use]
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.at = Some(at.into());
        self
    }

    /// States the unit, where a rule's inputs come in several.
    #[must_use]
    pub fn in_unit(mut self, unit: &'static str) -> Self {
        self.unit = unit.into();
        self
    }

    /// The first term of this symbol in the tree, itself included.
    #[must_use]
    pub fn find(&self, symbol: &str) -> Option<&Self> {
        if self.symbol == symbol {
            return Some(self);
        }
        self.of.iter().find_map(|part| part.find(symbol))
    }

    fn blank(rule: &'static TermRule, operation: Operation, of: Vec<Self>) -> Self {
        Self {
            symbol: rule.symbol.into(),
            at: None,
            value: Number::Measured(0.0),
            unit: rule.unit.into(),
            basis: Some(Basis {
                meaning: rule.meaning.into(),
                equation: rule.equation.map(Into::into),
                paragraph: rule.paragraph.into(),
                evidence: rule.evidence,
            }),
            operation,
            of,
        }
    }

    fn error(&self, problem: Problem) -> TermError {
        let symbol = match &self.at {
            Some(at) => format!("{} ({at})", self.symbol),
            None => self.symbol.to_string(),
        };
        TermError { symbol, problem }
    }

    fn computed(mut self) -> Result<Self, TermError> {
        match self.recompute() {
            Some(Ok(value)) => self.value = value,
            Some(Err(problem)) => return Err(self.error(problem)),
            None => {}
        }
        self.finite()
    }

    fn finite(self) -> Result<Self, TermError> {
        match self.value {
            Number::Measured(value) if !value.is_finite() => Err(self.error(Problem::NotFinite)),
            _ => Ok(self),
        }
    }

    /// What the parts give; none where only the rule set can say (inputs, constants, models).
    pub(super) fn recompute(&self) -> Option<Result<Number, Problem>> {
        let same_units = || self.same_units();
        Some(match &self.operation {
            Operation::Input | Operation::Constant | Operation::Model { .. } => return None,
            Operation::Sum => same_units().and_then(|()| self.fold(exact::sum, |a, b| a + b)),
            Operation::Difference => {
                same_units().and_then(|()| self.fold(|a, b| exact::sum(a, -b), |a, b| a - b))
            }
            Operation::Product => self.fold(exact::product, |a, b| a * b),
            Operation::Quotient { places } => {
                self.fold(|a, b| exact::quotient(a, b, *places), |a, b| a / b)
            }
            Operation::Square => self.first().map(|one| (one.to_f64() * one.to_f64()).into()),
            Operation::SquareRoot => self.first().map(|one| one.to_f64().sqrt().into()),
            Operation::Least => {
                same_units().and_then(|()| self.fold(|a, b| Ok(a.min(b)), f64::min))
            }
            Operation::Greatest => {
                same_units().and_then(|()| self.fold(|a, b| Ok(a.max(b)), f64::max))
            }
            Operation::Rounded { places } => self.to_decimal(*places, exact::rounded),
            Operation::Floored { places } => self.to_decimal(*places, exact::floored),
            Operation::RoundedUp { places } => self.to_decimal(*places, exact::rounded_up),
            Operation::Chosen { part, .. } => same_units().and_then(|()| {
                let chosen = self.of.get(*part).ok_or_else(no_part)?;
                Ok(chosen.value)
            }),
        })
    }

    fn same_units(&self) -> Result<(), Problem> {
        match self.of.iter().find(|part| part.unit != self.unit) {
            None => Ok(()),
            Some(part) => Err(Problem::Unit {
                expected: self.unit.to_string(),
                given: part.unit.to_string(),
            }),
        }
    }

    fn first(&self) -> Result<Number, Problem> {
        self.of.first().map(|part| part.value).ok_or_else(no_part)
    }

    fn to_decimal(
        &self,
        places: u32,
        round: fn(rust_decimal::Decimal, u32) -> rust_decimal::Decimal,
    ) -> Result<Number, Problem> {
        let exact = match self.first()? {
            Number::Exact(decimal) => decimal,
            Number::Measured(value) => exact::retained(value)?,
        };
        Ok(round(exact, places).into())
    }

    /// Exact if every part is; else in doubles, in the order of the parts.
    fn fold(
        &self,
        exact: impl Fn(
            rust_decimal::Decimal,
            rust_decimal::Decimal,
        ) -> Result<rust_decimal::Decimal, Problem>,
        measured: fn(f64, f64) -> f64,
    ) -> Result<Number, Problem> {
        let mut parts = self.of.iter().map(|part| part.value);
        let first = parts
            .next()
            .unwrap_or_else(|| rust_decimal::Decimal::ZERO.into());
        let all: Option<Vec<_>> = self.of.iter().map(|part| part.value.exact()).collect();
        match (first, all) {
            (Number::Exact(first), Some(all)) => all
                .into_iter()
                .skip(1)
                .try_fold(first, exact)
                .map(Number::from),
            (first, _) => Ok(parts
                .map(Number::to_f64)
                .fold(first.to_f64(), measured)
                .into()),
        }
    }
}

fn no_part() -> Problem {
    Problem::Rule("a part of the term is missing: the calculation was changed".to_owned())
}
