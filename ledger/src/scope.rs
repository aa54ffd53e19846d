//! What part of a ledger an export holds.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::name::Index;
use crate::tile::TILE_WIDTH;

/// The file `scope` of an export that holds less than a ledger; a whole export has none.
///
/// JSON with sorted keys: `{"from":256,"only":["telemetry/…"],"through":1023}`. `from` and `through`
/// come together and stand for whole bundles, `only` names the streams whose payloads are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The first entry; `None` for the ledger's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Index>,
    /// The streams whose payloads are shown, in ascending order; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    /// The last entry; `None` for the checkpoint's last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Index>,
}

/// Bytes that are no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the file `scope` cannot be used: {0}")]
pub struct ScopeError(String);

impl Scope {
    /// Entries `from` through `through`, widened to the borders of bundles in a tree of `size`.
    #[must_use]
    pub fn range(from: Index, through: Index, size: u64) -> Self {
        let end = (through.0 / TILE_WIDTH + 1) * TILE_WIDTH;
        Self {
            from: Some(Index(from.0 - from.0 % TILE_WIDTH)),
            only: None,
            through: Some(Index(end.min(size).saturating_sub(1))),
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// If it is not the JSON above, or ends before it begins.
    pub fn parse(bytes: &[u8]) -> Result<Self, ScopeError> {
        let scope: Self = serde_json::from_slice(bytes).map_err(|e| ScopeError(e.to_string()))?;
        match (scope.from, scope.through) {
            (None, None) => Ok(scope),
            (Some(from), Some(through)) if from <= through => Ok(scope),
            (from, through) => Err(ScopeError(format!(
                "from {from:?} through {through:?} is no range"
            ))),
        }
    }

    /// The file's bytes.
    ///
    /// # Panics
    /// Never: numbers and strings are JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and strings are JSON")
    }

    /// Whether this is the scope of a whole ledger, which has no file.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// The numbers of the bundles that are there, of a tree of `size` entries.
    #[must_use]
    pub fn bundles(&self, size: u64) -> Range<u64> {
        let from = self.from.map_or(0, |from| from.0 / TILE_WIDTH);
        let all = size.div_ceil(TILE_WIDTH);
        let end = self
            .through
            .map_or(all, |through| through.0 / TILE_WIDTH + 1);
        from.min(all)..end.min(all)
    }

    /// Whether the payloads of this stream are shown.
    #[must_use]
    pub fn shows(&self, stream: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| only.iter().any(|shown| shown == stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_widened_to_whole_bundles_and_ends_with_the_tree() {
        let bundles = |from, through, size| {
            let scope = Scope::range(Index(from), Index(through), size);
            let bundles = scope.bundles(size);
            (scope.from, scope.through, bundles.start, bundles.end)
        };
        let at = |index| Some(Index(index));
        assert_eq!(bundles(300, 600, 2000), (at(256), at(767), 1, 3));
        assert_eq!(bundles(256, 511, 600), (at(256), at(511), 1, 2));
        assert_eq!(bundles(0, 599, 600), (at(0), at(599), 0, 3));
        assert_eq!(Scope::default().bundles(257), 0..2);
    }

    #[test]
    fn a_scope_survives_its_file_and_half_a_range_is_none() {
        let mut scope = Scope::range(Index(256), Index(300), 512);
        scope.only = Some(vec!["telemetry/a".into()]);
        let bytes = scope.to_bytes();
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            r#"{"from":256,"only":["telemetry/a"],"through":511}"#
        );
        assert_eq!(Scope::parse(&bytes), Ok(scope.clone()));
        assert!(scope.shows("telemetry/a") && !scope.shows("telemetry/b"));
        for bad in [
            r#"{"from":1}"#,
            r#"{"from":2,"through":1}"#,
            r#"{"all":true}"#,
            "",
        ] {
            assert!(Scope::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
