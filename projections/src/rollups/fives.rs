//! How many buckets of five minutes a bucket holds, and the sum of their means.
//!
//! A device that sends more often while much happens must not weigh more then: a mean over time is
//! the mean of the means of equal spans. A bucket of an hour or a day says both numbers of the fives
//! in it, so that a month needs thirty rows and not nine thousand.

use super::Aggregate;
use crate::telemetry::Counted;

/// What is stored of a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rollup {
    pub(super) aggregate: Aggregate,
    pub(super) fives: Fives,
}

/// The buckets of five minutes in a bucket; one of five minutes holds itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Fives {
    /// How many have readings.
    pub(super) filled: i32,
    /// The sum of their means.
    pub(super) mean_sum: f64,
}

impl Fives {
    /// How one more reading changes the bucket of five minutes that it lies in.
    pub(super) fn changed_by(before: Option<&Aggregate>, reading: &Counted) -> Self {
        let mean = before.map(Aggregate::avg);
        let after = before.map(|before| before.with(reading.value, reading.at).avg());
        Self {
            filled: i32::from(before.is_none()),
            mean_sum: after.unwrap_or(reading.value) - mean.unwrap_or(0.0),
        }
    }

    fn plus(self, change: Self) -> Self {
        Self {
            filled: self.filled + change.filled,
            mean_sum: self.mean_sum + change.mean_sum,
        }
    }
}

impl Rollup {
    /// Of a single reading.
    pub(super) fn of(reading: &Counted, change: Fives) -> Self {
        Self {
            aggregate: Aggregate::of(reading.value, reading.at),
            fives: change,
        }
    }

    /// With one more reading.
    pub(super) fn with(self, reading: &Counted, change: Fives) -> Self {
        Self {
            aggregate: self.aggregate.with(reading.value, reading.at),
            fives: self.fives.plus(change),
        }
    }
}
