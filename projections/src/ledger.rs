//! Ledgers and their entries, straight from the event store: they need no read model.

use sealrock_eventstore::{LedgerInfo, Recorded, StoreError};
use sealrock_ledger::{Checkpoint, Index, LedgerName};
use tokio::sync::watch;

use crate::read_models::{QueryError, ReadModels};

/// Entries read at a time.
const STRIDE: u32 = 256;
/// Bytes of payload after which a page is handed out as it is.
const MAX_BYTES: u64 = 8 << 20;
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

    /// At most `first` entries behind `after` (`None`: from the start) that match.
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
        first: u32,
        filter: &EntryFilter,
    ) -> Result<EntriesPage, QueryError> {
        let mut page = EntriesPage {
            entries: Vec::new(),
            scanned_to: after,
            more: false,
        };
        let start = next(after);
        let mut bytes = 0;
        loop {
            let from = next(page.scanned_to);
            let read = self
                .store()
                .read_bounded(ledger.id, from, STRIDE.min(first.max(1)), MAX_BYTES)
                .await?;
            if read.is_empty() {
                return Ok(page);
            }
            bytes += read.iter().map(payload_bytes).sum::<u64>();
            self.add(ledger, &mut page, read, first, filter).await?;
            let full = page.entries.len() >= first as usize || bytes >= MAX_BYTES;
            if full || next(page.scanned_to).0 - start.0 >= MAX_SCAN {
                page.more = self.store().size(ledger.id).await? > next(page.scanned_to).0;
                return Ok(page);
            }
        }
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
        let Some(recorded) = self.store().read(ledger.id, index, 1).await?.pop() else {
            return Ok(None);
        };
        let checkpoint = self.covering(ledger, index, None).await?;
        Ok(Some(LedgerEntry {
            recorded,
            checkpoint,
        }))
    }

    async fn add(
        &self,
        ledger: &LedgerInfo,
        page: &mut EntriesPage,
        read: Vec<Recorded>,
        first: u32,
        filter: &EntryFilter,
    ) -> Result<(), QueryError> {
        for recorded in read {
            if page.entries.len() >= first as usize {
                return Ok(());
            }
            let index = recorded.entry.index;
            page.scanned_to = Some(index);
            if filter.matches(&recorded) {
                let last = page.entries.last().map(|entry| &entry.checkpoint);
                let checkpoint = self.covering(ledger, index, last).await?;
                page.entries.push(LedgerEntry {
                    recorded,
                    checkpoint,
                });
            }
        }
        Ok(())
    }

    /// Entries of one commit share their checkpoint, so the last one is tried first.
    async fn covering(
        &self,
        ledger: &LedgerInfo,
        index: Index,
        last: Option<&Checkpoint>,
    ) -> Result<Checkpoint, QueryError> {
        if let Some(last) = last.filter(|last| last.size > index.0) {
            return Ok(last.clone());
        }
        let found = self.store().checkpoint_covering(ledger, index).await?;
        found.ok_or_else(|| {
            let text = format!(
                "entry {index} of {} has no checkpoint: run fsck",
                ledger.name
            );
            QueryError::Stored(text)
        })
    }
}

fn payload_bytes(recorded: &Recorded) -> u64 {
    let payload = recorded.payload.as_ref();
    payload.map_or(0, |payload| payload.bytes.len() as u64)
}

fn next(after: Option<Index>) -> Index {
    after.map_or(Index(0), Index::next)
}
