//! What a ledger and a place in it are called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Zero-based position in a ledger: the leaf index in its Merkle tree. Gapless.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Index(pub u64);

impl Index {
    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a ledger: its organisation's slug, or `registry`.
///
/// `[a-z0-9][a-z0-9-]{0,62}`; it becomes part of the origin, of URLs and of file names, and never
/// changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct LedgerName(String);

/// A name that no ledger can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot name a ledger: use 1 to 63 of a-z, 0-9 and '-', beginning with a letter or digit"
)]
pub struct NameError(String);

impl LedgerName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LedgerName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let valid =
            (1..=63).contains(&name.len()) && !name.starts_with('-') && name.chars().all(allowed);
        if valid {
            Ok(Self(name.to_owned()))
        } else {
            Err(NameError(name.to_owned()))
        }
    }
}

impl fmt::Display for LedgerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A ledger's name in its checkpoints, `<host>/ledger/<name>`. It never changes, wherever the
/// ledger is served from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origin(String);

impl Origin {
    /// The origin of ledger `name` on an installation that was first started as `host`.
    #[must_use]
    pub fn new(host: &str, name: &LedgerName) -> Self {
        Self(format!("{host}/ledger/{name}"))
    }

    /// An origin as it was stored or read from a checkpoint, unchecked.
    #[must_use]
    pub fn from_stored(origin: String) -> Self {
        Self(origin)
    }

    /// The origin as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the ledger, which is the last part.
    #[must_use]
    pub fn ledger(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_tells_the_name_of_its_ledger() {
        let name: LedgerName = "northsea".parse().expect("a name");
        assert_eq!(
            Origin::new("sealrock.example:8443", &name).ledger(),
            "northsea"
        );
    }

    #[test]
    fn a_ledger_name_is_a_short_lower_case_slug() {
        let too_long = "a".repeat(64);
        for bad in ["", "-a", "A", "a_b", "a/b", "ä", too_long.as_str()] {
            assert!(bad.parse::<LedgerName>().is_err(), "{bad:?}");
        }
        for good in ["a", "0", "northsea", "plant-1", &"a".repeat(63)] {
            assert!(good.parse::<LedgerName>().is_ok(), "{good:?}");
        }
    }
}
