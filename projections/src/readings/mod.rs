//! Every reading that was ever recorded, in partitions of a UTC day of its own time; those whose day
//! is far from their receipt are in one table beside.

mod after;
mod dictionary;
mod entries;
mod fold;
mod partitions;
mod queries;
mod rows;
mod stretches;

use chrono::{DateTime, Utc};
use sealrock_domain::telemetry::{MetricName, Quality, Source, Value};
use sealrock_domain::{DeviceId, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;

pub use after::{ReadingFilter, ReadingsAfter};
pub use entries::BucketEntries;
pub use fold::ReadingsProjection;
pub use queries::{Order, ReadingCursor, ReadingRange};

/// Name of the read model.
pub const NAME: &str = "readings";

/// A reading, as it was sent and as it was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Who measured.
    pub device: DeviceId,
    /// The device's site; `None` only for a device that was never registered.
    pub site: Option<Slug>,
    /// What was measured.
    pub metric: MetricName,
    /// When, by the device's clock, to the microsecond.
    pub at: DateTime<Utc>,
    /// The value as it was sent.
    pub value: Value,
    /// The unit as it was sent; `None` means the metric's canonical unit.
    pub unit: Option<String>,
    /// The value in the metric's canonical unit, if the reading counts.
    pub canonical: Option<f64>,
    /// What the device thinks of it.
    pub quality: Quality,
    /// Why it does not count: the code of a `sealrock_domain::telemetry::Suspicion`.
    pub suspicion: Option<String>,
    /// Whether it is real; `None` only for a device that was never registered.
    pub source: Option<Source>,
    /// The ledger that holds its batch.
    pub ledger: LedgerId,
    /// Its place in the ledger.
    pub position: ReadingPosition,
}

/// Place of a reading in its ledger: entry, then place in the batch from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadingPosition {
    /// The batch's entry.
    pub index: Index,
    /// The reading's place in it.
    pub ordinal: u32,
}

impl ReadingPosition {
    /// Behind every reading of entry `index`.
    #[must_use]
    pub fn end_of(index: Index) -> Self {
        Self {
            index,
            ordinal: i32::MAX.unsigned_abs(),
        }
    }
}
