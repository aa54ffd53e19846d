//! Count, sum, least and greatest of every device and metric in buckets of 5 minutes, an hour and a
//! day; any multiple of 5 minutes is answered from them, other widths from the readings.
//!
//! Late readings simply add to their old bucket. Readings that do not count (suspect ones) are left
//! out. Values are in the metric's canonical unit.

mod aggregate;
mod derive;
mod fives;
mod fold;
mod queries;

pub use aggregate::Aggregate;
pub(crate) use aggregate::bucket_of;
pub use fold::RollupsProjection;
pub use queries::{Bucket, MAX_BUCKETS, Series};

/// Name of the read model.
pub const NAME: &str = "rollups";

/// Width of the narrowest buckets, in seconds: those that coverage counts.
pub(crate) const FIVE_MINUTES: i32 = 300;
/// Widths of the stored buckets, in seconds.
pub(crate) const WIDTHS: [i32; 3] = [FIVE_MINUTES, 3_600, 86_400];
