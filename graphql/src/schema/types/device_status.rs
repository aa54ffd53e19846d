//! How a device is doing.

use async_graphql::{Object, SimpleObject};
use sealrock_ledger::LedgerName;
use sealrock_projections::device_status::{DeviceStatus as Stored, Gap as StoredGap};

use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Time};

/// How a device is doing.
pub(crate) struct DeviceStatus {
    ledger: LedgerName,
    stored: Stored,
}

impl DeviceStatus {
    pub(crate) fn new(ledger: LedgerName, stored: Stored) -> Self {
        Self { ledger, stored }
    }
}

/// How a device is doing.
#[Object]
impl DeviceStatus {
    /// Whether it is connected; null if no broker ever told.
    async fn online(&self) -> Option<bool> {
        self.stored.presence.map(|presence| presence.online)
    }

    /// Since when it is connected, or away.
    async fn online_since(&self) -> Option<Time> {
        self.stored.presence.map(|presence| presence.since.into())
    }

    /// When its first batch came.
    async fn first_seen(&self) -> Time {
        self.stored.first_seen.into()
    }

    /// When its newest batch came.
    async fn last_seen(&self) -> Time {
        self.stored.last_seen.into()
    }

    /// The boot that its last batch named.
    async fn last_boot(&self) -> Option<&str> {
        self.stored.last_boot.as_deref()
    }

    /// The number of its last batch, if it counts.
    async fn last_seq(&self) -> Option<Count> {
        self.stored.last_seq.map(Count)
    }

    /// Batches recorded.
    async fn batches(&self) -> Count {
        Count(self.stored.batches)
    }

    /// Readings in them.
    async fn readings(&self) -> Count {
        Count(self.stored.readings)
    }

    /// Readings in them that do not count.
    async fn suspect(&self) -> Count {
        Count(self.stored.suspect)
    }

    /// The entry of its last batch; `batches` of them stand behind the counts.
    async fn provenance(&self) -> Provenance {
        Provenance::of(&self.ledger, [self.stored.last_index]).cut_short(self.stored.batches > 1)
    }
}

/// Batches that did not come, or came late.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Gap {
    /// The boot whose count it is; empty for a device that keeps its counter.
    boot: String,
    /// First missing number.
    from_seq: Count,
    /// Last missing number.
    to_seq: Count,
    /// Whether it is still open.
    open: bool,
    /// Whether an entry of the ledger names it, as one does when an hour is sealed.
    named: bool,
    /// The entry by which it was noticed, the one that names it, and the one that filled it.
    provenance: Provenance,
}

impl Gap {
    pub(crate) fn new(ledger: &LedgerName, gap: StoredGap) -> Self {
        Self {
            boot: gap.boot,
            from_seq: Count(gap.from_seq),
            to_seq: Count(gap.to_seq),
            open: gap.filled.is_none(),
            named: gap.named.is_some(),
            provenance: Provenance::of(
                ledger,
                [Some(gap.noticed), gap.named, gap.filled]
                    .into_iter()
                    .flatten(),
            ),
        }
    }
}
