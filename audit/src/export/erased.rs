//! Which payloads the ledger itself says are erased.

use std::collections::BTreeMap;

use sealrock_eventstore::{EventStore, LedgerInfo, StoreError};
use sealrock_ledger::record::{IndexRange, PayloadRedacted, Record, RetentionApplied, stream_of};
use sealrock_ledger::{Index, TILE_WIDTH};

use super::ExportError;

/// The ranges that entries of a tree erase.
#[derive(Debug, Default)]
pub(super) struct Erased {
    /// First to last, apart from each other.
    ranges: BTreeMap<u64, u64>,
    /// The same, of the entries that an earlier export did not hold.
    since: BTreeMap<u64, u64>,
}

impl Erased {
    /// Reads what the first `size` entries of a ledger erase; `held` of them were exported before.
    pub(super) async fn of(
        store: &EventStore,
        ledger: &LedgerInfo,
        held: u64,
        size: u64,
    ) -> Result<Self, ExportError> {
        let records: Vec<i64> = sqlx::query_scalar(include_str!("../sql/erasures.sql"))
            .bind(ledger.id.0)
            .bind(stream_of(&ledger.name))
            .bind([PayloadRedacted::KIND, RetentionApplied::KIND])
            .bind(i64::try_from(size).unwrap_or(i64::MAX))
            .fetch_all(store.pool())
            .await
            .map_err(StoreError::from)?;
        let mut erased = Self::default();
        for index in records {
            let index = index.unsigned_abs();
            for range in named_by(store, ledger, index).await? {
                insert(&mut erased.ranges, range);
                if index >= held {
                    insert(&mut erased.since, range);
                }
            }
        }
        Ok(erased)
    }

    /// Whether the payload of that entry is to be marked as erased.
    pub(super) fn holds(&self, index: u64) -> bool {
        holds(&self.ranges, index)
    }

    /// Whether an earlier export may hold payloads of bundle `n` that were erased since.
    pub(super) fn concerns_bundle(&self, n: u64) -> bool {
        let (first, last) = (n * TILE_WIDTH, n * TILE_WIDTH + TILE_WIDTH - 1);
        let before = self.since.range(..=last).next_back();
        before.is_some_and(|(_, end)| *end >= first)
    }
}

/// What the record at `index` erases. One that cannot be read erases nothing: the verifier says so.
async fn named_by(
    store: &EventStore,
    ledger: &LedgerInfo,
    index: u64,
) -> Result<Vec<IndexRange>, ExportError> {
    let read = store.read(ledger.id, Index(index), 1).await?;
    let Some((kind, payload)) = read
        .into_iter()
        .next()
        .and_then(|one| Some((one.entry.kind, one.payload?)))
    else {
        return Ok(Vec::new());
    };
    let ranges = if kind == PayloadRedacted::KIND {
        serde_json::from_slice::<PayloadRedacted>(&payload.bytes).map(|record| record.payloads)
    } else {
        serde_json::from_slice::<RetentionApplied>(&payload.bytes).map(|record| record.payloads)
    };
    Ok(ranges.unwrap_or_default())
}

fn insert(ranges: &mut BTreeMap<u64, u64>, range: IndexRange) {
    let (mut first, mut last) = (range.first.0, range.last.0);
    while let Some((start, end)) = ranges
        .range(..=last.saturating_add(1))
        .next_back()
        .map(|(start, end)| (*start, *end))
        .filter(|(_, end)| end.saturating_add(1) >= first)
    {
        ranges.remove(&start);
        (first, last) = (first.min(start), last.max(end));
    }
    ranges.insert(first, last);
}

fn holds(ranges: &BTreeMap<u64, u64>, index: u64) -> bool {
    let before = ranges.range(..=index).next_back();
    before.is_some_and(|(_, last)| *last >= index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one_and_bundles_are_found_by_any_of_their_entries() {
        let mut erased = Erased::default();
        for (first, last) in [
            (300, 300),
            (10, 12),
            (13, 20),
            (5, 30),
            (301, 301),
            (600, 800),
        ] {
            let range = IndexRange::from((Index(first), Index(last)));
            insert(&mut erased.ranges, range);
            insert(&mut erased.since, range);
        }
        let ranges: Vec<_> = erased.ranges.iter().map(|(a, b)| (*a, *b)).collect();
        assert_eq!(ranges, [(5, 30), (300, 301), (600, 800)]);
        for (index, held) in [(4, false), (5, true), (30, true), (31, false), (301, true)] {
            assert_eq!(erased.holds(index), held, "{index}");
        }
        let bundles: Vec<u64> = (0..5).filter(|n| erased.concerns_bundle(*n)).collect();
        assert_eq!(bundles, [0, 1, 2, 3]);
    }
}
