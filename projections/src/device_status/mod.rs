//! How each device is doing: when it was heard, what it counted, and what is missing.

mod fold;
pub(crate) mod presence;
mod queries;
mod rows;
mod uncount;

use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;

pub use fold::DeviceStatusProjection;
pub use presence::NodeId;

/// Name of the read model.
pub const NAME: &str = "device_status";

/// How a device is doing. A device that never sent a batch has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceStatus {
    /// The device.
    pub device: DeviceId,
    /// The ledger of its batches.
    pub ledger: LedgerId,
    /// When its first batch reached us.
    pub first_seen: DateTime<Utc>,
    /// When its newest batch reached us.
    pub last_seen: DateTime<Utc>,
    /// The entry of the batch that was recorded last.
    pub last_index: Index,
    /// The boot that the last batch named; `None` if it named none.
    pub last_boot: Option<String>,
    /// The seq of the last batch, if the device counts.
    pub last_seq: Option<u64>,
    /// Batches recorded, erased ones too.
    pub batches: u64,
    /// Readings in them, those of erased batches left out.
    pub readings: u64,
    /// Readings in them that do not count.
    pub suspect: u64,
    /// Whether it is connected, as far as a broker told us.
    pub presence: Option<Presence>,
}

/// Whether a device is connected. Not from the ledger: it is no fact of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// Connected.
    pub online: bool,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// A start of a device that counts its batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// Its name, empty for a device that keeps its counter.
    pub boot: String,
    /// The lowest seq recorded.
    pub min_seq: u64,
    /// The highest seq recorded.
    pub max_seq: u64,
    /// The entry of its first batch: where the device changed to this boot.
    pub first_index: Index,
    /// The entry of its last batch so far.
    pub last_index: Index,
    /// When its first batch reached us.
    pub first_seen: DateTime<Utc>,
}

/// Batches of a boot that did not come, or came late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The boot, empty for a device that keeps its counter.
    pub boot: String,
    /// First missing seq.
    pub from_seq: u64,
    /// Last missing seq.
    pub to_seq: u64,
    /// The entry by which the gap was noticed.
    pub noticed: Index,
    /// The entry that filled it; `None` while it is open.
    pub filled: Option<Index>,
    /// The first `GapDetected` that names it; `None` before a window was sealed above it.
    pub named: Option<Index>,
}
