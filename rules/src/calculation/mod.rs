//! Calculations that can be shown, kept, read again and run again: a tree of terms, each with the
//! equation, paragraph and evidence that it rests on.

mod catalogue_entry;
mod error;
mod exact;
mod number;
mod published;
mod rule_set;
mod show;
mod term;
mod terms_macro;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use catalogue_entry::{Outcome, Rule, RuleEntry, run};
pub use error::{Problem, RuleError};
pub use exact::accounted;
pub use number::Number;
pub use published::{NotPublished, Published};
pub use rule_set::{Effective, Evidence, RuleSet, Status, TermRule};
pub use term::{Operation, Term, TermError};
pub(crate) use terms_macro::term_rules;

/// What a rule set made of inputs, with every term in between.
///
/// It stands alone: whoever reads it needs no other file to follow or repeat it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calculation {
    /// The rule set.
    pub rule: RuleName,
    /// The inputs as the rule set read them.
    pub inputs: serde_json::Value,
    /// The results, each with the terms that it is made of.
    pub results: Vec<Term>,
    /// What a reviewer should look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Which version of which rule set a calculation follows, as it was when it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleName {
    /// Its id, such as `us-98-rr`.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// What it is called.
    pub title: String,
    /// Where it is written.
    pub source: String,
    /// From when on it holds, and until when.
    pub effective: Effective,
    /// Whether credits and reports may rest on it.
    pub status: Status,
}

impl From<&RuleSet> for RuleName {
    fn from(set: &RuleSet) -> Self {
        Self {
            id: set.id.to_owned(),
            version: set.version,
            title: set.title.to_owned(),
            source: set.source.to_owned(),
            effective: set.effective,
            status: set.status(),
        }
    }
}

/// Days that a calculation is about, both in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The first day.
    pub from: NaiveDate,
    /// The last day, in it too.
    pub to: NaiveDate,
}

/// A calculation that does not say the same when it is made again.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum RerunError {
    /// The rule set is not in the given list.
    #[error("rule set {id} version {version} is not known here: use a program that has it")]
    Unknown {
        /// Its id.
        id: String,
        /// Its version.
        version: u32,
    },
    /// The rule set refuses the inputs.
    #[error("the inputs are refused now: {0}")]
    Refused(#[from] RuleError),
    /// A term is not what its own parts give.
    #[error("{symbol} says {stated}, but its parts give {computed}: the calculation was changed")]
    Term {
        /// The term.
        symbol: String,
        /// What it says.
        stated: Number,
        /// What its parts give.
        computed: Number,
    },
    /// The same inputs give something else.
    #[error("the same inputs give another calculation: it was changed after it was made")]
    Differs,
}

impl Calculation {
    /// The result of this symbol.
    #[must_use]
    pub fn result(&self, symbol: &str) -> Option<&Term> {
        self.results.iter().find(|term| term.symbol == symbol)
    }

    /// Checks every term against its own parts: arithmetic that needs no rule set.
    ///
    /// # Errors
    /// [`RerunError::Term`], with the first term that is not what its parts give.
    pub fn check(&self) -> Result<(), RerunError> {
        self.results.iter().try_for_each(check_term)
    }

    /// Makes it again from its inputs by the rule set of `rules` that it names.
    ///
    /// # Errors
    /// See [`RerunError`].
    pub fn rerun(&self, rules: &[RuleEntry]) -> Result<(), RerunError> {
        self.check()?;
        let (id, version) = (&self.rule.id, self.rule.version);
        let rule = rules
            .iter()
            .find(|rule| rule.set().id == id && rule.set().version == version)
            .ok_or_else(|| RerunError::Unknown {
                id: id.clone(),
                version,
            })?;
        let again = rule.calculate(&self.inputs)?;
        (again == *self).then_some(()).ok_or(RerunError::Differs)
    }
}

fn check_term(term: &Term) -> Result<(), RerunError> {
    term.of.iter().try_for_each(check_term)?;
    let computed = match term.recompute() {
        None => return Ok(()),
        Some(Ok(computed)) => computed,
        Some(Err(_)) => return Err(RerunError::Differs),
    };
    if computed == term.value {
        return Ok(());
    }
    Err(RerunError::Term {
        symbol: term.symbol.to_string(),
        stated: term.value,
        computed,
    })
}
