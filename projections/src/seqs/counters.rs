//! The rule of gaps, without a database.

use std::collections::BTreeMap;

use super::rows::{BootKey, BootRow, GapRow};

/// Boots and gaps of any number of devices, as far as what was seen touches them.
#[derive(Debug, Default)]
pub(super) struct Counters {
    boots: BTreeMap<BootKey, BootRow>,
    gaps: BTreeMap<(BootKey, i64), GapRow>,
}

/// Seqs of a boot that an entry shows to have come.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) key: BootKey,
    /// The first; a batch has one.
    pub(super) from_seq: i64,
    /// The last.
    pub(super) to_seq: i64,
    pub(super) index: i64,
    pub(super) at: chrono::DateTime<chrono::Utc>,
}

impl Seen {
    fn boot(&self) -> BootRow {
        let (device_id, boot) = self.key.clone();
        BootRow {
            device_id,
            boot,
            min_seq: self.from_seq,
            max_seq: self.to_seq,
            first_index: self.index,
            last_index: self.index,
            first_seen: self.at,
        }
    }
}

impl Counters {
    /// What is known: boots, and at least those open gaps that hold a seq to come.
    pub(super) fn new(boots: Vec<BootRow>, gaps: Vec<GapRow>) -> Self {
        let boots = boots.into_iter().map(|row| (row.key(), row));
        let gaps = gaps.into_iter().map(|row| ((row.key(), row.from_seq), row));
        Self {
            boots: boots.collect(),
            gaps: gaps.collect(),
        }
    }

    /// Counts a batch: it opens a gap if it is ahead of (or before) all others, and fills its place
    /// in one otherwise.
    pub(super) fn add(&mut self, batch: &Seen) {
        self.see(batch);
        if let Some(boot) = self.boots.get_mut(&batch.key) {
            boot.last_index = batch.index;
        }
    }

    /// Notes that these seqs have come by now, with batches that may have been erased since. Changes
    /// nothing where they were counted.
    pub(super) fn see(&mut self, seen: &Seen) {
        let boot = self
            .boots
            .entry(seen.key.clone())
            .or_insert_with(|| seen.boot());
        let (min, max) = (boot.min_seq, boot.max_seq);
        boot.min_seq = min.min(seen.from_seq);
        boot.max_seq = max.max(seen.to_seq);
        if seen.from_seq > max {
            self.open(seen, max + 1, seen.from_seq - 1);
        } else if seen.to_seq < min {
            self.open(seen, seen.to_seq + 1, min - 1);
        } else {
            self.fill(seen);
        }
    }

    /// All boots and gaps, to be stored.
    pub(super) fn into_rows(self) -> (Vec<BootRow>, Vec<GapRow>) {
        (
            self.boots.into_values().collect(),
            self.gaps.into_values().collect(),
        )
    }

    fn open(&mut self, seen: &Seen, from_seq: i64, to_seq: i64) {
        if from_seq <= to_seq {
            self.put(GapRow::open(&seen.key, from_seq, to_seq, seen.index));
        }
    }

    /// What was [from … seen … to] becomes three rows, of which the outer ones may be empty.
    fn fill(&mut self, seen: &Seen) {
        for gap in self.open_gaps_with(seen) {
            let before = gap.part(i64::MIN, seen.from_seq - 1);
            let after = gap.part(seen.to_seq + 1, i64::MAX);
            let filled = gap.part(seen.from_seq, seen.to_seq).map(|part| GapRow {
                filled_index: Some(seen.index),
                ..part
            });
            [before, filled, after]
                .into_iter()
                .flatten()
                .for_each(|part| self.put(part));
        }
    }

    fn open_gaps_with(&self, seen: &Seen) -> Vec<GapRow> {
        let up_to = self
            .gaps
            .range(..=(seen.key.clone(), seen.to_seq))
            .rev()
            .map(|(_, gap)| gap);
        // Rows do not overlap, so the first one that ends below is the last to look at.
        up_to
            .take_while(|gap| gap.key() == seen.key && gap.to_seq >= seen.from_seq)
            .filter(|gap| gap.filled_index.is_none())
            .cloned()
            .collect()
    }

    fn put(&mut self, gap: GapRow) {
        self.gaps.insert((gap.key(), gap.from_seq), gap);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn count(seqs: &[i64]) -> Vec<GapRow> {
        let mut counters = Counters::default();
        for (index, seq) in (0..).zip(seqs) {
            counters.add(&seen(*seq, *seq, index));
        }
        counters.into_rows().1
    }

    fn seen(from_seq: i64, to_seq: i64, index: i64) -> Seen {
        Seen {
            key: (Uuid::nil(), String::new()),
            from_seq,
            to_seq,
            index,
            at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    fn shown(gaps: &[GapRow]) -> Vec<(i64, i64, i64, Option<i64>)> {
        let row = |gap: &GapRow| {
            (
                gap.from_seq,
                gap.to_seq,
                gap.noticed_index,
                gap.filled_index,
            )
        };
        gaps.iter().map(row).collect()
    }

    #[test]
    fn a_batch_that_is_ahead_opens_a_gap() {
        assert_eq!(shown(&count(&[1, 2, 5])), [(3, 4, 2, None)]);
    }

    #[test]
    fn a_late_batch_splits_a_gap_and_the_next_ones_close_it() {
        let split = [(2, 3, 1, None), (4, 4, 1, Some(2)), (5, 5, 1, None)];
        assert_eq!(shown(&count(&[1, 6, 4])), split);
        let closed = count(&[1, 6, 4, 3, 2, 5]);
        assert!(
            closed.iter().all(|gap| gap.filled_index.is_some()),
            "{closed:?}"
        );
    }

    #[test]
    fn a_batch_before_the_first_one_opens_a_gap_below() {
        assert_eq!(shown(&count(&[5, 2])), [(3, 4, 1, None)]);
    }

    #[test]
    fn a_gap_that_was_named_stays_named_when_it_is_split_and_filled() {
        let mut counters = Counters::default();
        counters.add(&seen(1, 1, 0));
        counters.add(&seen(5, 5, 1));
        let (boots, mut gaps) = counters.into_rows();
        gaps[0].named_index = Some(2);
        let mut counters = Counters::new(boots, gaps);
        counters.add(&seen(3, 3, 3));
        let gaps = counters.into_rows().1;
        assert_eq!(gaps.len(), 3);
        assert!(
            gaps.iter().all(|gap| gap.named_index == Some(2)),
            "{gaps:?}"
        );
    }

    proptest! {
        #[test]
        fn seqs_that_a_seal_shows_are_open_no_more_and_those_counted_stay_as_they_are(
            seqs in prop::collection::hash_set(0i64..40, 1..30), from in 0i64..40, length in 0i64..10
        ) {
            let mut counters = Counters::default();
            for seq in &seqs {
                counters.add(&seen(*seq, *seq, 1));
            }
            let before = format!("{counters:?}");
            for seq in &seqs {
                counters.see(&seen(*seq, *seq, 2));
            }
            prop_assert_eq!(format!("{counters:?}"), before);
            counters.see(&seen(from, from + length, 3));
            let mut all: BTreeSet<i64> = seqs.into_iter().collect();
            all.extend(from..=from + length);
            let (min, max) = (*all.first().unwrap_or(&0), *all.last().unwrap_or(&0));
            let missing: Vec<i64> = (min..=max).filter(|seq| !all.contains(seq)).collect();
            let (boots, gaps) = counters.into_rows();
            prop_assert_eq!((boots[0].min_seq, boots[0].max_seq), (min, max));
            let open = gaps.iter().filter(|gap| gap.filled_index.is_none());
            let open: Vec<i64> = open.flat_map(|gap| gap.from_seq..=gap.to_seq).collect();
            prop_assert_eq!(open, missing);
        }

        #[test]
        fn open_gaps_are_what_a_set_of_all_seqs_misses(
            seqs in prop::collection::hash_set(0i64..40, 1..30)
                .prop_map(|seqs| seqs.into_iter().collect::<Vec<_>>())
                .prop_shuffle()
        ) {
            let gaps = count(&seqs);
            let seen: BTreeSet<i64> = seqs.iter().copied().collect();
            let (min, max) = (*seen.first().unwrap_or(&0), *seen.last().unwrap_or(&0));
            let missing: Vec<i64> = (min..=max).filter(|seq| !seen.contains(seq)).collect();
            let open = gaps.iter().filter(|gap| gap.filled_index.is_none());
            let open: Vec<i64> = open.flat_map(|gap| gap.from_seq..=gap.to_seq).collect();
            prop_assert_eq!(open, missing);
            let filled = gaps.iter().filter_map(|gap| Some((gap.from_seq, gap.filled_index?)));
            for (seq, index) in filled {
                prop_assert_eq!(Some(&seq), usize::try_from(index).ok().and_then(|i| seqs.get(i)));
            }
        }
    }
}
