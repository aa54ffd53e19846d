//! The newest entries of a ledger, read and decoded once for all read models that follow it closely.

use std::collections::VecDeque;

use sealrock_eventstore::{EventStore, LedgerId, StoreError};
use sealrock_ledger::Index;
use tokio::sync::Mutex;

use super::shown::Shown;

/// The most that a tail holds, in bytes as they were read. Decoded, a batch takes about as much again.
const MOST_BYTES: usize = 12 << 20;

/// How much to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The most entries.
    pub(crate) entries: u32,
    /// The most bytes of payload, beyond the first entry.
    pub(crate) bytes: u64,
}

/// A stretch of entries that were read from the database a moment ago, oldest first and gapless.
///
/// It holds only what was committed when it was read. Whoever folds it checks within its transaction
/// that the last entry is still there ([`Shown`]'s leaf hash covers all before it): a database that was
/// exchanged for an older one below a running server never sees an entry that it does not have.
#[derive(Debug, Default)]
pub(crate) struct Tail(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Shown>,
    bytes: usize,
}

impl Tail {
    /// Entries from `next` on: from memory if they are there, else from the store.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) async fn read(
        &self,
        store: &EventStore,
        ledger: LedgerId,
        next: u64,
        bounds: Bounds,
    ) -> Result<Vec<Shown>, StoreError> {
        let mut kept = self.0.lock().await;
        if kept.is_behind(next) {
            drop(kept);
            return read(store, ledger, next, bounds).await;
        }
        let known = kept.from(next, bounds);
        if !known.is_empty() {
            return Ok(known);
        }
        // Held while it is read: the others wait for the same entries, and read them once.
        let new = read(store, ledger, next, bounds).await?;
        kept.add(&new);
        Ok(new)
    }

    /// Lets go of everything: some of it was erased, or is not in the database any more.
    pub(crate) async fn clear(&self) {
        *self.0.lock().await = Kept::default();
    }
}

impl Kept {
    fn first(&self) -> Option<u64> {
        self.entries.front().map(index)
    }

    /// Whether everything here comes after `next`.
    fn is_behind(&self, next: u64) -> bool {
        self.first().is_some_and(|first| next < first)
    }

    fn from(&self, next: u64, bounds: Bounds) -> Vec<Shown> {
        let skipped = self.first().map_or(0, |first| next.saturating_sub(first));
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let fits = |(nth, shown): &(usize, &Shown)| {
            let payload = shown.payload.as_ref();
            bytes += payload.map_or(0, |payload| payload.bytes.len() as u64);
            *nth == 0 || bytes <= bounds.bytes
        };
        self.entries
            .iter()
            .skip(skipped)
            .take(bounds.entries as usize)
            .enumerate()
            .take_while(fits)
            .map(|(_, shown)| shown.clone())
            .collect()
    }

    fn add(&mut self, new: &[Shown]) {
        if new.is_empty() {
            return;
        }
        let end = self.entries.back().map(|last| index(last) + 1);
        if end != new.first().map(index) {
            *self = Self::default();
        }
        for shown in new {
            self.bytes += shown.weight();
            self.entries.push_back(shown.clone());
        }
        while self.bytes > MOST_BYTES
            && let Some(oldest) = self.entries.pop_front()
        {
            self.bytes -= oldest.weight();
        }
    }
}

/// Entries from `next` on, from the store.
///
/// # Errors
/// If the store cannot be read.
pub(crate) async fn read(
    store: &EventStore,
    ledger: LedgerId,
    next: u64,
    bounds: Bounds,
) -> Result<Vec<Shown>, StoreError> {
    let read = store
        .read_bounded(ledger, Index(next), bounds.entries, bounds.bytes)
        .await?;
    Ok(read.into_iter().map(Shown::from).collect())
}

fn index(shown: &Shown) -> u64 {
    shown.entry.index.0
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use sealrock_eventstore::Recorded;
    use sealrock_ledger::{Entry, Hash, Payload};

    use super::*;

    const ALL: Bounds = Bounds {
        entries: 1_000,
        bytes: u64::MAX,
    };

    fn shown(index: u64, bytes: usize) -> Shown {
        let entry: Entry = serde_json::from_value(serde_json::json!({
            "actor": "service/test", "cause": "", "command": "", "index": index,
            "ledger": "sealrock.test/ledger/northsea", "payload": "00".repeat(32),
            "prev": "00".repeat(32), "received_at": "2026-11-21T03:00:00.000000Z",
            "recorded_at": "2026-11-21T03:00:00.000000Z", "schema": 1, "stream": "x/1",
            "type": "X", "v": 1, "version": 1, "via": "test",
        }))
        .unwrap();
        Shown::from(Recorded {
            entry,
            entry_bytes: Vec::new(),
            leaf_hash: Hash([0; 32]),
            payload: Some(Payload {
                media: String::new(),
                salt: [0; 16],
                bytes: vec![0; bytes],
            }),
        })
    }

    fn stretch(indexes: std::ops::Range<u64>) -> Vec<Shown> {
        indexes.map(|index| shown(index, 10)).collect()
    }

    fn indexes(shown: &[Shown]) -> Vec<u64> {
        shown.iter().map(index).collect()
    }

    #[test]
    fn what_is_kept_is_answered_within_the_bounds_and_at_least_one() {
        let mut kept = Kept::default();
        kept.add(&stretch(5..10));
        kept.add(&stretch(10..12));
        assert_eq!(indexes(&kept.from(8, ALL)), [8, 9, 10, 11]);
        assert_eq!(indexes(&kept.from(12, ALL)), [] as [u64; 0]);
        let two = Bounds { entries: 2, ..ALL };
        assert_eq!(indexes(&kept.from(6, two)), [6, 7]);
        let bytes = |bytes| Bounds { bytes, ..ALL };
        assert_eq!(indexes(&kept.from(6, bytes(29))), [6, 7]);
        assert_eq!(indexes(&kept.from(6, bytes(1))), [6]);
        assert!(kept.is_behind(4) && !kept.is_behind(5));
    }

    #[test]
    fn a_stretch_with_a_gap_before_it_takes_the_place_of_what_was_there() {
        let mut kept = Kept::default();
        kept.add(&stretch(0..3));
        kept.add(&stretch(4..6));
        assert_eq!(indexes(&kept.from(4, ALL)), [4, 5]);
        assert!(kept.is_behind(2), "what came before the gap is gone");
        kept.add(&[]);
        assert_eq!(indexes(&kept.from(4, ALL)), [4, 5], "nothing new");
    }

    #[test]
    fn it_never_holds_more_bytes_than_it_may_and_the_oldest_go_first() {
        let mut kept = Kept::default();
        for index in 0..40 {
            kept.add(&[shown(index, 1 << 20)]);
            assert!(kept.bytes <= MOST_BYTES, "{}", kept.bytes);
        }
        assert_eq!(kept.first(), Some(28));
        assert_eq!(kept.entries.len(), 12);
    }
}
