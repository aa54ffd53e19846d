//! Citations: an event that names the ledger entries it rests on.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::MAX_SAFE_INTEGER;

/// An entry of a ledger: `<origin>#<index>`, such as `sealrock.localhost/northsea#4711`.
///
/// In a payload, citations of evidence stand in a field `evidence`; what is cited there is never
/// erased by retention.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Citation {
    origin: String,
    index: u64,
}

/// A text that cites nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{value}\" cites no entry: write <origin>#<index>, such as \"example.org/northsea#4711\""
)]
pub struct CitationError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl Citation {
    /// The entry at `index` of the ledger with this origin.
    ///
    /// # Errors
    /// If the origin is none, or the index above 2^53 − 1.
    pub fn new(origin: &str, index: u64) -> Result<Self, CitationError> {
        let odd = |c: char| c == '#' || c.is_whitespace() || c.is_control();
        if origin.is_empty()
            || origin.len() > 255
            || origin.contains(odd)
            || index > MAX_SAFE_INTEGER
        {
            let value = format!("{origin}#{index}").chars().take(80).collect();
            return Err(CitationError { value });
        }
        Ok(Self {
            origin: origin.to_owned(),
            index,
        })
    }

    /// The ledger's name in checkpoints.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The entry's index.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }
}

impl FromStr for Citation {
    type Err = CitationError;

    fn from_str(text: &str) -> Result<Self, CitationError> {
        let error = || CitationError {
            value: text.chars().take(80).collect(),
        };
        let (origin, digits) = text.split_once('#').ok_or_else(error)?;
        let index: u64 = digits.parse().map_err(|_| error())?;
        let citation = Self::new(origin, index)?;
        // One spelling: no sign, no leading zeros.
        (citation.to_string() == text)
            .then_some(citation)
            .ok_or_else(error)
    }
}

impl TryFrom<String> for Citation {
    type Error = CitationError;

    fn try_from(text: String) -> Result<Self, CitationError> {
        text.parse()
    }
}

impl From<Citation> for String {
    fn from(citation: Citation) -> Self {
        citation.to_string()
    }
}

impl fmt::Display for Citation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.origin, self.index)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_citation_has_one_spelling() {
        let citation: Citation = "sealrock.localhost/northsea#4711".parse().unwrap();
        assert_eq!(
            (citation.origin(), citation.index()),
            ("sealrock.localhost/northsea", 4711)
        );
        for text in [
            "",
            "#1",
            "a#",
            "a#-1",
            "a#01",
            "a#+1",
            "a b#1",
            "a#1#2",
            "a#9007199254740992",
        ] {
            assert!(text.parse::<Citation>().is_err(), "{text}");
        }
    }
}
