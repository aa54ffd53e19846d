//! What credits and submitted reports may rest on.

use super::{Calculation, RerunError, RuleEntry, Status};

/// A calculation of a published rule set, made again here with the same digits: the only kind that
/// issuance and submitted reports take.
#[derive(Clone, Debug, PartialEq)]
pub struct Published(Calculation);

/// Why nothing may rest on a calculation.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum NotPublished {
    /// A term of the rule set is from memory.
    #[error(
        "rule set {id} version {version} is a draft, because nobody has read {terms} in the source: \
         credits and submitted reports rest on published rule sets only"
    )]
    Draft {
        /// Its id.
        id: String,
        /// Its version.
        version: u32,
        /// Symbols of the terms that are from memory.
        terms: String,
    },
    /// It does not say the same when it is made again.
    #[error(transparent)]
    Rerun(#[from] RerunError),
}

impl Published {
    /// Makes the calculation again by `rules`, and refuses drafts by what the rule set says now: what
    /// the calculation says of itself is not believed.
    ///
    /// # Errors
    /// See [`NotPublished`].
    pub fn of(calculation: Calculation, rules: &[RuleEntry]) -> Result<Self, NotPublished> {
        calculation.rerun(rules)?;
        let name = &calculation.rule;
        let set = rules
            .iter()
            .map(RuleEntry::set)
            .find(|set| set.id == name.id && set.version == name.version);
        match set {
            Some(set) if set.status() == Status::Draft => Err(NotPublished::Draft {
                id: name.id.clone(),
                version: name.version,
                terms: set.remembered().join(", "),
            }),
            _ => Ok(Self(calculation)),
        }
    }

    /// The calculation.
    #[must_use]
    pub const fn calculation(&self) -> &Calculation {
        &self.0
    }
}
