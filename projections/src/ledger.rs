//! Ledgers and their entries, straight from the event store: they need no read model.

use sealrock_eventstore::{LedgerInfo, Recorded, StoreError};
use sealrock_ledger::{Checkpoint, Index, LedgerName};
use tokio::sync::watch;

use crate::read_models::{QueryError, ReadModels};

/// Entries read at a time.
const STRIDE: u32 = 256;
/// What an entry takes in memory beside its bytes and its payload's.
const BESIDE: u64 = 1_024;
/// The most entries looked at in one call, however few of them match.
const MAX_SCAN: u64 = 4_096;

/// Which entries; an absent field means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// Of this stream, `<aggregate type>/<id>`.
    pub stream: Option<String>,
    /// Of this event type.
    pub kind: Option<String>,
}

/// How much a page of entries may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageBounds {
    /// Entries.
    pub entries: u32,
    /// Bytes in memory, beyond the first entry: a page ends early rather than pass them.
    pub bytes: u64,
    /// Whether payloads are wanted; otherwise none is read, and an entry has none, erased or not.
    pub payloads: bool,
}

/// An entry and the signature that covers it.
#[derive(Debug, Clone)]
pub struct LedgerEntry {
    /// Entry, its bytes and payload.
    pub recorded: Recorded,
    /// The first signed checkpoint whose tree contains it.
    pub checkpoint: Checkpoint,
}

/// Some entries, and where to go on.
#[derive(Debug, Clone)]
pub struct EntriesPage {
    /// In the ledger's order.
    pub entries: Vec<LedgerEntry>,
    /// What to ask with as `after` next: all entries up to here were answered or do not match.
    /// `None` if the ledger is empty.
    pub scanned_to: Option<Index>,
    /// Whether there are entries behind `scanned_to`.
    pub more: bool,
}

impl LedgerEntry {
    /// What it takes in memory, roughly.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        bytes_of(&self.recorded)
    }
}

impl EntriesPage {
    /// What its entries take in memory, roughly.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries.iter().map(LedgerEntry::bytes).sum()
    }
}

impl EntryFilter {
    /// Whether it is one of these.
    #[must_use]
    pub fn matches(&self, recorded: &Recorded) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|w| w == found);
        is(&self.stream, &recorded.entry.stream) && is(&self.kind, &recorded.entry.kind)
    }
}

impl ReadModels {
    /// All ledgers.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn ledgers(&self) -> Result<Vec<LedgerInfo>, QueryError> {
        Ok(self.store().ledgers().await?)
    }

    /// The ledger of this name.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn ledger(&self, name: &LedgerName) -> Result<Option<LedgerInfo>, QueryError> {
        Ok(self.store().ledger(name).await?)
    }

    /// The ledger that takes what is recorded under this organisation's name: the one of that name,
    /// or the one that continues it.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn current_ledger(
        &self,
        name: &LedgerName,
    ) -> Result<Option<LedgerInfo>, QueryError> {
        match self.store().current(name).await {
            Ok(ledger) => Ok(Some(ledger)),
            Err(StoreError::UnknownLedger(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The organisation's name whose facts a ledger takes: see `EventStore::recorded_under`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn recorded_under(&self, ledger: &LedgerInfo) -> Result<LedgerName, QueryError> {
        Ok(self.store().recorded_under(ledger).await?)
    }

    /// The number of entries of a ledger, from the database: exact where a receiver of
    /// [`watch_ledger`](Self::watch_ledger) may not have been told yet.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn ledger_size(&self, ledger: &LedgerInfo) -> Result<u64, QueryError> {
        Ok(self.store().size(ledger.id).await?)
    }

    /// The number of entries of a ledger, to wait for more. See `EventStore::watch_size`.
    #[must_use]
    pub fn watch_ledger(&self, ledger: &LedgerInfo) -> watch::Receiver<u64> {
        self.store().watch_size(ledger.id)
    }

    /// The entries behind `after` (`None`: from the start) that match, as many as `bounds` let.
    ///
    /// A page may be empty and have more behind it: a call looks at some thousand entries at most.
    /// Asking again with [`EntriesPage::scanned_to`] delivers every matching entry exactly once.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn entries(
        &self,
        ledger: &LedgerInfo,
        after: Option<Index>,
        bounds: PageBounds,
        filter: &EntryFilter,
    ) -> Result<EntriesPage, QueryError> {
        let mut page = EntriesPage {
            entries: Vec::new(),
            scanned_to: after,
            more: false,
        };
        let start = next(after);
        let stride = STRIDE.min(bounds.entries.max(1));
        loop {
            let left = bounds.bytes.saturating_sub(page.bytes());
            let from = next(page.scanned_to);
            let read = self.stride(ledger, from, stride, (left, bounds)).await?;
            if read.is_empty() {
                return Ok(page);
            }
            // The next payload did not fit, or the ledger ends.
            let short = read.len() < stride as usize;
            self.add(ledger, &mut page, read, bounds, filter).await?;
            let found = !page.entries.is_empty();
            let full = page.entries.len() >= bounds.entries as usize
                || (found && (short || page.bytes() >= bounds.bytes));
            if full || next(page.scanned_to).0 - start.0 >= MAX_SCAN {
                page.more = self.store().size(ledger.id).await? > next(page.scanned_to).0;
                return Ok(page);
            }
        }
    }

    async fn stride(
        &self,
        ledger: &LedgerInfo,
        from: Index,
        stride: u32,
        (left, bounds): (u64, PageBounds),
    ) -> Result<Vec<Recorded>, QueryError> {
        let store = self.store();
        Ok(if bounds.payloads {
            store.read_bounded(ledger.id, from, stride, left).await?
        } else {
            store.read_envelopes(ledger.id, from, stride).await?
        })
    }

    /// One entry with its checkpoint.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn entry(
        &self,
        ledger: &LedgerInfo,
        index: Index,
    ) -> Result<Option<LedgerEntry>, QueryError> {
        let read = self.store().read(ledger.id, index, 1).await?;
        Ok(self.covered(ledger, read).await?.pop())
    }

    /// Adds those that match and fit, with their checkpoints.
    async fn add(
        &self,
        ledger: &LedgerInfo,
        page: &mut EntriesPage,
        read: Vec<Recorded>,
        bounds: PageBounds,
        filter: &EntryFilter,
    ) -> Result<(), QueryError> {
        let (mut found, mut bytes) = (Vec::new(), page.bytes());
        for recorded in read {
            let entries = page.entries.len() + found.len();
            let full = entries > 0 && bytes >= bounds.bytes;
            if full || entries >= bounds.entries as usize {
                break;
            }
            page.scanned_to = Some(recorded.entry.index);
            if filter.matches(&recorded) {
                bytes += bytes_of(&recorded);
                found.push(recorded);
            }
        }
        page.entries.extend(self.covered(ledger, found).await?);
        Ok(())
    }

    /// Entries, which are in their order, with the checkpoints that cover them.
    async fn covered(
        &self,
        ledger: &LedgerInfo,
        found: Vec<Recorded>,
    ) -> Result<Vec<LedgerEntry>, QueryError> {
        let (Some(first), Some(last)) = (found.first(), found.last()) else {
            return Ok(Vec::new());
        };
        let range = (first.entry.index, last.entry.index);
        let checkpoints = self.store().checkpoints_covering(ledger, range).await?;
        let covered = |recorded: Recorded| {
            let index = recorded.entry.index;
            let own = checkpoints.partition_point(|checkpoint| checkpoint.size <= index.0);
            let checkpoint = checkpoints.get(own).cloned().ok_or_else(|| {
                let text = format!(
                    "entry {index} of {} has no checkpoint: run fsck",
                    ledger.name
                );
                QueryError::Stored(text)
            })?;
            Ok(LedgerEntry {
                recorded,
                checkpoint,
            })
        };
        found.into_iter().map(covered).collect()
    }
}

/// What an entry takes in memory, roughly.
fn bytes_of(recorded: &Recorded) -> u64 {
    let payload = recorded.payload.as_ref();
    let payload = payload.map_or(0, |payload| payload.bytes.len() as u64);
    BESIDE + recorded.entry_bytes.len() as u64 + payload
}

fn next(after: Option<Index>) -> Index {
    after.map_or(Index(0), Index::next)
}
