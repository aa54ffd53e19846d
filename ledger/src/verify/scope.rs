//! What a package promises to hold, where it is not a whole ledger.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::record::IndexRange;
use crate::{Index, TILE_WIDTH};

/// The file `scope` of a package: `{"from":0,"only":["telemetry/…"],"through":1023}` in RFC 8785
/// form, the range or `only` left out where it does not restrict.
///
/// A range is one of whole bundles: all entries of the bundles that it touches are in the package,
/// and the tiles that authenticate them. With `only`, every payload of other streams is withheld.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "File", into = "File")]
pub struct Scope {
    /// Entries and payloads of this range are there; `None`: of the whole ledger.
    pub range: Option<IndexRange>,
    /// Payloads of these streams are there, of one that ends with `/` those below it; `None`: of all.
    pub only: Option<BTreeSet<String>>,
}

/// Why a file is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the file `scope` is not valid: {0}")]
pub struct ScopeError(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Index>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    only: Option<BTreeSet<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    through: Option<Index>,
}

impl TryFrom<File> for Scope {
    type Error = ScopeError;

    fn try_from(
        File {
            from,
            only,
            through,
        }: File,
    ) -> Result<Self, ScopeError> {
        let range = match (from, through) {
            (Some(first), Some(last)) if first <= last => Some(IndexRange { first, last }),
            (None, None) => None,
            _ => {
                let reason = "`from` and `through` must both be there, in this order";
                return Err(ScopeError(reason.into()));
            }
        };
        if range.is_none() && only.is_none() {
            return Err(ScopeError("it restricts nothing".into()));
        }
        Ok(Self { range, only })
    }
}

impl From<Scope> for File {
    fn from(Scope { range, only }: Scope) -> Self {
        Self {
            from: range.map(|range| range.first),
            only,
            through: range.map(|range| range.last),
        }
    }
}

impl Scope {
    /// Reads the file.
    ///
    /// # Errors
    /// If it is not a scope, or not in canonical form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ScopeError> {
        let scope: Self = serde_json::from_slice(bytes).map_err(|e| ScopeError(e.to_string()))?;
        if scope.to_bytes() == bytes {
            Ok(scope)
        } else {
            Err(ScopeError("it is not in canonical form".into()))
        }
    }

    /// The file.
    ///
    /// # Panics
    /// Never: a scope is always JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("integers and strings are JSON")
    }

    /// Numbers of the bundles that must be there, of a ledger of `size` entries.
    #[must_use]
    pub fn bundles(&self, size: u64) -> std::ops::Range<u64> {
        let all = 0..size.div_ceil(TILE_WIDTH);
        match self.range {
            None => all,
            Some(range) => range.first.0 / TILE_WIDTH..(range.last.0 / TILE_WIDTH + 1).min(all.end),
        }
    }

    /// Whether the payload of this entry must be there, if it was not erased. The ledger's own
    /// records are shown whatever `only` names: by them the verifier knows keys and erasures.
    #[must_use]
    pub fn shows(&self, index: Index, stream: &str) -> bool {
        self.range.is_none_or(|range| range.contains(index))
            && (stream.starts_with("ledger/")
                || self.only.as_ref().is_none_or(|only| names(only, stream)))
    }
}

/// Whether a stream is named, or what it is below.
fn names(only: &BTreeSet<String>, stream: &str) -> bool {
    let mut below = stream.match_indices('/').map(|(at, _)| &stream[..=at]);
    only.contains(stream) || below.any(|below| only.contains(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(range: Option<(u64, u64)>, only: Option<&[&str]>) -> Scope {
        Scope {
            range: range.map(|(first, last)| (Index(first), Index(last)).into()),
            only: only.map(|only| only.iter().map(|&stream| stream.to_owned()).collect()),
        }
    }

    #[test]
    fn a_scope_survives_its_canonical_bytes() {
        let both = scope(Some((256, 600)), Some(&["telemetry/b", "telemetry/a"]));
        let text = r#"{"from":256,"only":["telemetry/a","telemetry/b"],"through":600}"#;
        assert_eq!(String::from_utf8(both.to_bytes()).expect("text"), text);
        assert_eq!(Scope::from_bytes(text.as_bytes()), Ok(both));
    }

    #[test]
    fn what_restricts_nothing_or_is_not_canonical_is_refused() {
        for text in [
            "{}",
            r#"{"from":0}"#,
            r#"{"from":9,"through":8}"#,
            r#"{"through":9,"from":8}"#,
            r#"{"only":["b","a"]}"#,
            r#"{"only":[],"more":1}"#,
        ] {
            assert!(Scope::from_bytes(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_is_of_whole_bundles_and_only_names_the_streams_that_are_shown() {
        assert_eq!(scope(None, Some(&[])).bundles(600), 0..3);
        assert_eq!(scope(Some((255, 256)), None).bundles(600), 0..2);
        assert_eq!(scope(Some((512, 9000)), None).bundles(600), 2..3);
        let both = scope(Some((255, 256)), Some(&["a"]));
        assert!(both.shows(Index(255), "a") && both.shows(Index(255), "ledger/northsea"));
        assert!(!both.shows(Index(254), "a") && !both.shows(Index(255), "b"));
        let below = scope(None, Some(&["window/a/"]));
        assert!(below.shows(Index(0), "window/a/1") && !below.shows(Index(0), "window/ab/1"));
        assert!(!below.shows(Index(0), "window/a"));
    }
}
