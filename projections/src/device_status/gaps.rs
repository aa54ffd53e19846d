//! The rule of gaps, without a database.

use std::collections::BTreeMap;

use super::rows::{BootRow, GapRow};

/// Boots and gaps of any number of devices, as far as the batches at hand touch them.
#[derive(Debug, Default)]
pub(super) struct Counters {
    boots: BTreeMap<BootKey, BootRow>,
    gaps: BTreeMap<(BootKey, i64), GapRow>,
}

/// Device and boot.
pub(super) type BootKey = (uuid::Uuid, String);

/// A counted batch.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub(super) key: BootKey,
    pub(super) seq: i64,
    pub(super) index: i64,
    pub(super) received_at: chrono::DateTime<chrono::Utc>,
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
    pub(super) fn add(&mut self, batch: &Counted) {
        let boot = self
            .boots
            .entry(batch.key.clone())
            .or_insert_with(|| BootRow::of(batch));
        let (min, max) = (boot.min_seq, boot.max_seq);
        boot.min_seq = min.min(batch.seq);
        boot.max_seq = max.max(batch.seq);
        boot.last_index = batch.index;
        if batch.seq > max {
            self.open(batch, max + 1, batch.seq - 1);
        } else if batch.seq < min {
            self.open(batch, batch.seq + 1, min - 1);
        } else {
            self.fill(batch);
        }
    }

    /// All boots and gaps, to be stored.
    pub(super) fn into_rows(self) -> (Vec<BootRow>, Vec<GapRow>) {
        (
            self.boots.into_values().collect(),
            self.gaps.into_values().collect(),
        )
    }

    fn open(&mut self, batch: &Counted, from_seq: i64, to_seq: i64) {
        if from_seq <= to_seq {
            self.put(GapRow::open(&batch.key, from_seq, to_seq, batch.index));
        }
    }

    /// What was [from … seq … to] becomes three rows, of which the outer ones may be empty.
    fn fill(&mut self, batch: &Counted) {
        let up_to = self
            .gaps
            .range(..=(batch.key.clone(), batch.seq))
            .next_back();
        let holds = |gap: &GapRow| {
            gap.key() == batch.key && gap.filled_index.is_none() && gap.to_seq >= batch.seq
        };
        let Some(gap) = up_to.map(|(_, gap)| gap.clone()).filter(holds) else {
            return;
        };
        let noticed = gap.noticed_index;
        if gap.from_seq < batch.seq {
            self.put(GapRow::open(
                &batch.key,
                gap.from_seq,
                batch.seq - 1,
                noticed,
            ));
        }
        if batch.seq < gap.to_seq {
            self.put(GapRow::open(&batch.key, batch.seq + 1, gap.to_seq, noticed));
        }
        let filled = GapRow::open(&batch.key, batch.seq, batch.seq, noticed);
        self.put(GapRow {
            filled_index: Some(batch.index),
            ..filled
        });
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
            let key = (Uuid::nil(), String::new());
            let received_at = chrono::DateTime::UNIX_EPOCH;
            counters.add(&Counted {
                key,
                seq: *seq,
                index,
                received_at,
            });
        }
        counters.into_rows().1
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

    proptest! {
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
