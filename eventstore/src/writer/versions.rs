//! The versions of streams, as far as a writer knows them.

use std::collections::HashMap;

/// Streams in the newest part; each older one holds as many. Some 15 MB a ledger at most.
const PART: usize = 32_768;

/// Bounded: the streams that were used longest ago are forgotten, and asked for again. What is known
/// holds only as long as nobody else appends, which the head row decides.
#[derive(Default)]
pub(super) struct Versions {
    newest: HashMap<String, u64>,
    /// The newer one first. Two, because what a commit has set must be known until it is stored, and
    /// another one may be sealed meanwhile.
    older: [HashMap<String, u64>; 2],
}

impl Versions {
    /// The version of a stream, if it is known; 0 for one without entries.
    pub(super) fn get(&self, stream: &str) -> Option<u64> {
        let mut parts = std::iter::once(&self.newest).chain(&self.older);
        parts.find_map(|part| part.get(stream)).copied()
    }

    pub(super) fn set(&mut self, stream: &str, version: u64) {
        if let Some(known) = self.newest.get_mut(stream) {
            *known = version;
            return;
        }
        self.newest.insert(stream.to_owned(), version);
    }

    /// Makes room. Within three calls nothing is forgotten that was set.
    pub(super) fn tidy(&mut self) {
        if self.newest.len() >= PART {
            self.older.swap(0, 1);
            self.older[0] = std::mem::take(&mut self.newest);
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
            for n in 0..PART {
                versions.set(&format!("thing/{round}-{n}"), round);
            }
            versions.set("thing/used", round);
            versions.tidy();
            assert_eq!(versions.get("thing/used"), Some(round));
            let older: usize = versions.older.iter().map(HashMap::len).sum();
            assert!(versions.newest.len() + older <= 3 * (PART + 1));
        }
        let known = |round: u64| versions.get(&format!("thing/{round}-0"));
        assert_eq!([1, 2, 3, 4].map(known), [None, None, Some(3), Some(4)]);
    }
}
