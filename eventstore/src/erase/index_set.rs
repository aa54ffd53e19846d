//! Sets of indexes, kept as few ranges.

use std::collections::BTreeMap;

use sealrock_ledger::Index;
use sealrock_ledger::record::IndexRange;

/// A set of indexes. Neighbours become one range, so what retention erased stays small.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexSet {
    /// First to last.
    ranges: BTreeMap<Index, Index>,
}

impl IndexSet {
    /// Adds a range; one whose last is before its first adds nothing.
    pub fn insert(&mut self, range: IndexRange) {
        let IndexRange {
            mut first,
            mut last,
        } = range;
        if last < first {
            return;
        }
        while let Some((from, to)) = self.touching(first, last) {
            self.ranges.remove(&from);
            first = first.min(from);
            last = last.max(to);
        }
        self.ranges.insert(first, last);
    }

    /// Whether it holds this index.
    #[must_use]
    pub fn contains(&self, index: Index) -> bool {
        let up_to = self.ranges.range(..=index).next_back();
        up_to.is_some_and(|(_, last)| *last >= index)
    }

    /// The first index of `range` that it holds.
    #[must_use]
    pub fn first_in(&self, range: IndexRange) -> Option<Index> {
        if self.contains(range.first) {
            return Some(range.first);
        }
        let next = self.ranges.range(range.first..).next();
        next.map(|(first, _)| *first)
            .filter(|first| *first <= range.last)
    }

    /// Its ranges, in order and apart from each other.
    pub fn ranges(&self) -> impl Iterator<Item = IndexRange> {
        let range = |(first, last): (&Index, &Index)| IndexRange::from((*first, *last));
        self.ranges.iter().map(range)
    }

    /// How many indexes it holds.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.ranges()
            .map(|range| range.last.0 - range.first.0 + 1)
            .sum()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// A range that overlaps or adjoins.
    fn touching(&self, first: Index, last: Index) -> Option<(Index, Index)> {
        let (from, to) = self.ranges.range(..=last.next()).next_back()?;
        (to.next() >= first).then_some((*from, *to))
    }
}

impl FromIterator<IndexRange> for IndexSet {
    fn from_iter<T: IntoIterator<Item = IndexRange>>(ranges: T) -> Self {
        let mut set = Self::default();
        ranges.into_iter().for_each(|range| set.insert(range));
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_set_of_all_indexes_holds_in_ranges_that_are_apart(
            ranges in prop::collection::vec((0u64..60, 0u64..8), 0..12), from in 0u64..70, more in 0u64..9
        ) {
            let ranges = ranges.into_iter().map(|(first, more)| (first, first + more));
            let oracle: BTreeSet<u64> = ranges.clone().flat_map(|(first, last)| first..=last).collect();
            let range = |(first, last)| IndexRange::from((Index(first), Index(last)));
            let set: IndexSet = ranges.map(range).collect();
            let held: Vec<u64> = set.ranges().flat_map(|r| r.first.0..=r.last.0).collect();
            prop_assert_eq!(held, oracle.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.count(), oracle.len() as u64);
            let all: Vec<_> = set.ranges().collect();
            prop_assert!(all.windows(2).all(|two| two[0].last.next() < two[1].first));
            let first = oracle.range(from..=from + more).next().copied();
            prop_assert_eq!(set.first_in(range((from, from + more))), first.map(Index));
        }
    }
}
