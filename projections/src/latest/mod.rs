//! The newest value of every device and metric.
//!
//! Newest by the reading's own time; of two with one time, the one recorded later. Late data never
//! replace newer ones, and readings that do not count (suspect ones) are left out. When the newest is
//! redacted, the newest that is left takes its place.

mod derive;
mod fold;
mod queries;

use chrono::{DateTime, Utc};
use sealrock_domain::telemetry::{MetricName, Source};
use sealrock_domain::{DeviceId, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;

pub use fold::LatestProjection;
pub use queries::LatestFilter;

/// Name of the read model.
pub const NAME: &str = "latest";

/// The newest value of a device and metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Latest {
    /// Who measured.
    pub device: DeviceId,
    /// The device's site; `None` only for a device that was never registered.
    pub site: Option<Slug>,
    /// What was measured.
    pub metric: MetricName,
    /// When, by the device's clock.
    pub at: DateTime<Utc>,
    /// The value, in `unit`.
    pub value: f64,
    /// The metric's canonical unit.
    pub unit: String,
    /// Whether it is real; `None` only for a device that was never registered.
    pub source: Option<Source>,
    /// The ledger that holds it.
    pub ledger: LedgerId,
    /// The entry that holds it: also the position at which this row last changed.
    pub index: Index,
}
