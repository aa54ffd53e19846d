//! What every rule set offers: its terms, and a calculation from inputs that are named and typed.

use serde::{Serialize, de::DeserializeOwned};

use super::{Calculation, Period, Problem, RuleError, RuleSet, Term};

/// What a rule set made of inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The results, each with its terms.
    pub results: Vec<Term>,
    /// What a reviewer should look at.
    pub warnings: Vec<String>,
}

impl From<Term> for Outcome {
    fn from(result: Term) -> Self {
        Self {
            results: vec![result],
            warnings: Vec::new(),
        }
    }
}

/// A rule set that calculates.
pub trait Rule {
    /// Its inputs. A field's name says what it is, its type in which unit.
    type Input: Serialize + DeserializeOwned;

    /// Its terms, dates and source.
    const SET: &'static RuleSet;

    /// Inputs that show every field, in JSON.
    const EXAMPLE: &'static str;

    /// The days that the inputs are about; none for an equation of physics, which holds on every day.
    fn period(input: &Self::Input) -> Option<Period>;

    /// Calculates. Whoever calls has checked the period; see [`run`].
    ///
    /// # Errors
    /// If an input means nothing, with its name and the way out.
    fn outcome(input: &Self::Input) -> Result<Outcome, RuleError>;
}

/// Calculates by a rule set, on days on which it holds.
///
/// # Errors
/// If the period is outside of the rule set's dates, or an input means nothing.
pub fn run<R: Rule>(input: &R::Input) -> Result<Calculation, RuleError> {
    if let Some(period) = R::period(input) {
        check_period(R::SET, period)?;
    }
    let Outcome { results, warnings } = R::outcome(input)?;
    let inputs = serde_json::to_value(input)
        .map_err(|error| RuleError::new(R::SET, "inputs", Problem::Shape(error.to_string())))?;
    Ok(Calculation {
        rule: R::SET.into(),
        inputs,
        results,
        warnings,
    })
}

fn check_period(set: &RuleSet, period: Period) -> Result<(), RuleError> {
    let Period { from, to } = period;
    let problem = if to < from {
        Problem::Backwards { from, to }
    } else if set.effective.covers(&period) {
        return Ok(());
    } else {
        Problem::Dates {
            period,
            effective: set.effective,
        }
    };
    Err(RuleError::new(set, "period", problem))
}

/// A rule set as programs find it by its name: inputs are JSON.
#[derive(Clone, Copy, Debug)]
pub struct RuleEntry {
    set: &'static RuleSet,
    example: &'static str,
    calculate: fn(&serde_json::Value) -> Result<Calculation, RuleError>,
}

impl RuleEntry {
    /// The entry of a rule set.
    #[must_use]
    pub const fn of<R: Rule>() -> Self {
        Self {
            set: R::SET,
            example: R::EXAMPLE,
            calculate: read_and_run::<R>,
        }
    }

    /// Its terms, dates and source.
    #[must_use]
    pub const fn set(&self) -> &'static RuleSet {
        self.set
    }

    /// Inputs that show every field, in JSON.
    #[must_use]
    pub const fn example(&self) -> &'static str {
        self.example
    }

    /// Calculates from inputs in JSON.
    ///
    /// # Errors
    /// If they are not of the rule set's shape, or as [`run`].
    pub fn calculate(&self, inputs: &serde_json::Value) -> Result<Calculation, RuleError> {
        (self.calculate)(inputs)
    }
}

fn read_and_run<R: Rule>(inputs: &serde_json::Value) -> Result<Calculation, RuleError> {
    let input: R::Input = serde_path_to_error::deserialize(inputs).map_err(|error| {
        let path = error.path().to_string();
        RuleError::new(R::SET, path, Problem::Shape(error.into_inner().to_string()))
    })?;
    run::<R>(&input)
}
