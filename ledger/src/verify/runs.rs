//! Sets of indexes, kept as runs.

mod packed;

use packed::Packed;

/// A set of indexes. What it holds in memory is its runs of neighbours, not its members: about two
/// bytes each where runs and what is between them are short.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// First and last of each run; between two runs at least one index is missing.
    runs: Packed,
}

impl PartialEq for Runs {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Runs {}

impl Runs {
    /// Adds all from `first` through `last`.
    pub fn insert(&mut self, first: u64, last: u64) {
        match self.runs.last() {
            // Indexes come in ascending order, all but a few.
            Some((_, end)) if end < first && first - end > 1 => self.runs.put(first, last),
            Some((from, end)) if from <= first && first <= end.saturating_add(1) => {
                self.runs.lengthen_last(last.max(end));
            }
            _ => self.insert_before_the_end(first, last),
        }
    }

    fn insert_before_the_end(&mut self, first: u64, last: u64) {
        let (mut first, mut last) = (first, last);
        while let Some((from, through)) = self.touching(first, last) {
            self.runs.take(from);
            (first, last) = (first.min(from), last.max(through));
        }
        self.runs.put(first, last);
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &Self) {
        for (first, last) in other.iter() {
            self.insert(first, last);
        }
    }

    /// A run that overlaps or adjoins the range.
    fn touching(&self, first: u64, last: u64) -> Option<(u64, u64)> {
        let (from, through) = self.runs.before(last.saturating_add(1))?;
        (through.saturating_add(1) >= first).then_some((from, through))
    }

    /// Takes out all from `first` through `last`.
    pub fn remove(&mut self, first: u64, last: u64) {
        while let Some((from, through)) = self.overlapping(first, last) {
            self.runs.take(from);
            if from < first {
                self.runs.put(from, first - 1);
            }
            if through > last {
                self.runs.put(last + 1, through);
            }
        }
    }

    fn overlapping(&self, first: u64, last: u64) -> Option<(u64, u64)> {
        let (from, through) = self.runs.before(last)?;
        (through >= first).then_some((from, through))
    }

    /// Whether it holds this index.
    #[must_use]
    pub fn contains(&self, index: u64) -> bool {
        self.overlapping(index, index).is_some()
    }

    /// The smallest member from `first` through `last`.
    #[must_use]
    pub fn first_within(&self, first: u64, last: u64) -> Option<u64> {
        if self.contains(first) {
            return Some(first);
        }
        self.begins_within(first, last)
    }

    /// The first index of the first run that begins from `first` through `last`.
    fn begins_within(&self, first: u64, last: u64) -> Option<u64> {
        let (from, _) = self.runs.after(first)?;
        (from <= last).then_some(from)
    }

    /// The parts of `first` through `last` that it does not hold, in ascending order.
    pub fn missing_within(&self, first: u64, last: u64) -> impl Iterator<Item = (u64, u64)> {
        let mut next = Some(first);
        std::iter::from_fn(move || {
            loop {
                let at = next.filter(|at| *at <= last)?;
                if let Some((_, through)) = self.overlapping(at, at) {
                    next = through.checked_add(1);
                    continue;
                }
                let held = self.begins_within(at, last);
                next = held;
                return Some((at, held.map_or(last, |from| from - 1)));
            }
        })
    }

    /// The runs, in ascending order, as first and last.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.runs.iter()
    }

    /// The smallest and the largest member.
    #[must_use]
    pub fn bounds(&self) -> Option<(u64, u64)> {
        let (first, _) = self.runs.iter().next()?;
        let (_, last) = self.runs.last()?;
        Some((first, last))
    }

    /// Number of members.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

impl FromIterator<(u64, u64)> for Runs {
    fn from_iter<T: IntoIterator<Item = (u64, u64)>>(ranges: T) -> Self {
        let mut runs = Self::default();
        for (first, last) in ranges {
            runs.insert(first, last);
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn neighbours_become_one_run() {
        let runs: Runs = [(5, 6), (0, 0), (7, 9), (2, 2), (1, 1)]
            .into_iter()
            .collect();
        assert_eq!(runs.iter().collect::<Vec<_>>(), [(0, 2), (5, 9)]);
        assert_eq!(runs.bounds(), Some((0, 9)));
        assert_eq!(runs.count(), 8);
    }

    #[test]
    fn distances_of_every_length_survive() {
        let firsts: Vec<u64> = (0..64)
            .map(|bit| 1u64 << bit)
            .filter(|at| *at > 2)
            .collect();
        let mut runs = Runs::default();
        for at in &firsts {
            runs.insert(*at, at + 1);
        }
        let found: Vec<u64> = runs.iter().map(|(first, _)| first).collect();
        assert_eq!(found, firsts);
    }

    #[test]
    fn the_largest_index_is_no_trap() {
        let mut runs = Runs::default();
        runs.insert(u64::MAX, u64::MAX);
        runs.insert(0, u64::MAX - 1);
        assert_eq!(runs.iter().collect::<Vec<_>>(), [(0, u64::MAX)]);
        assert_eq!(runs.missing_within(0, u64::MAX).count(), 0);
    }

    proptest! {
        #[test]
        fn so_it_is_with_thousands_of_runs_that_come_in_ascending_order_and_not(
            ascending in prop::collection::vec(1u64..5, 0..1500),
            others in prop::collection::vec((any::<bool>(), 0u64..4000, 0u64..40), 0..60),
        ) {
            let (mut runs, mut set, mut at) = (Runs::default(), BTreeSet::new(), 0);
            for step in ascending {
                at += step;
                runs.insert(at, at);
                set.insert(at);
            }
            for (put, first, more) in others {
                if put {
                    runs.insert(first, first + more);
                    set.extend(first..=first + more);
                } else {
                    runs.remove(first, first + more);
                    set.retain(|at| !(first..=first + more).contains(at));
                }
            }
            prop_assert_eq!(runs.count(), set.len() as u64);
            prop_assert!(runs.iter().flat_map(|(first, last)| first..=last).eq(set.iter().copied()));
            let runs: Vec<_> = runs.iter().collect();
            prop_assert!(runs.is_sorted() && runs.windows(2).all(|two| two[1].0 > two[0].1 + 1));
        }

        #[test]
        fn it_is_the_set_of_what_was_put_in_and_not_taken_out(
            steps in prop::collection::vec((any::<bool>(), 0u64..60, 0u64..9), 0..40),
            (from, length) in (0u64..60, 0u64..30),
        ) {
            let (mut runs, mut set) = (Runs::default(), BTreeSet::new());
            for (put, first, more) in steps {
                if put {
                    runs.insert(first, first + more);
                    set.extend(first..=first + more);
                } else {
                    runs.remove(first, first + more);
                    set.retain(|at| !(first..=first + more).contains(at));
                }
            }
            let members: BTreeSet<u64> = runs.iter().flat_map(|(first, last)| first..=last).collect();
            prop_assert_eq!(&members, &set);
            let last = from + length;
            let missing: Vec<u64> = runs.missing_within(from, last).flat_map(|(a, b)| a..=b).collect();
            let expected: Vec<u64> = (from..=last).filter(|at| !set.contains(at)).collect();
            prop_assert_eq!(missing, expected);
            prop_assert_eq!(runs.first_within(from, last), set.range(from..=last).next().copied());
            prop_assert_eq!(runs.contains(from), set.contains(&from));
        }
    }
}
