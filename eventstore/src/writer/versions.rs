//! The versions of streams, as far as a writer knows them.

use std::collections::HashMap;

/// Streams in the newer half; the older half holds as many. Some 10 MB a ledger at most.
const HALF: usize = 32_768;

/// Bounded: the streams that were used longest ago are forgotten, and asked for again. What is known
/// holds only as long as nobody else appends, which the head row decides.
#[derive(Default)]
pub(super) struct Versions {
    newer: HashMap<String, u64>,
    older: HashMap<String, u64>,
}

impl Versions {
    /// The version of a stream, if it is known; 0 for one without entries.
    pub(super) fn get(&self, stream: &str) -> Option<u64> {
        let newer = self.newer.get(stream);
        newer.or_else(|| self.older.get(stream)).copied()
    }

    pub(super) fn set(&mut self, stream: &str, version: u64) {
        if let Some(known) = self.newer.get_mut(stream) {
            *known = version;
            return;
        }
        self.newer.insert(stream.to_owned(), version);
    }

    /// Makes room. Between two calls nothing is forgotten that was set.
    pub(super) fn tidy(&mut self) {
        if self.newer.len() >= HALF {
            self.older = std::mem::take(&mut self.newer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_known_and_what_is_not_is_forgotten() {
        let mut versions = Versions::default();
        for round in 1..=4u64 {
            for n in 0..HALF {
                versions.set(&format!("thing/{round}-{n}"), round);
            }
            versions.set("thing/used", round);
            versions.tidy();
            assert_eq!(versions.get("thing/used"), Some(round));
            assert!(versions.newer.len() + versions.older.len() <= 2 * (HALF + 1));
        }
        assert_eq!(versions.get("thing/1-0"), None);
        assert_eq!(versions.get("thing/4-0"), Some(4));
    }
}
