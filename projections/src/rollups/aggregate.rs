//! What a bucket says of its readings.

use chrono::{DateTime, Utc};
use sealrock_domain::telemetry::window::MetricSummary;

/// What a bucket says of its readings; there is at least one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aggregate {
    /// Number of readings.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The value of the earliest reading by its own time; of several, the one recorded first.
    pub first: f64,
    /// When that was.
    pub first_at: DateTime<Utc>,
    /// The value of the latest reading by its own time; of several, the one recorded last.
    pub last: f64,
    /// When that was.
    pub last_at: DateTime<Utc>,
}

impl Aggregate {
    /// Of a single reading.
    #[must_use]
    pub fn of(value: f64, at: DateTime<Utc>) -> Self {
        Self {
            count: 1,
            sum: value,
            min: value,
            max: value,
            first: value,
            first_at: at,
            last: value,
            last_at: at,
        }
    }

    /// With one more reading, recorded after all others.
    #[must_use]
    pub fn with(self, value: f64, at: DateTime<Utc>) -> Self {
        let is_first = at < self.first_at;
        let is_last = at >= self.last_at;
        Self {
            count: self.count + 1,
            sum: self.sum + value,
            min: self.min.min(value),
            max: self.max.max(value),
            first: if is_first { value } else { self.first },
            first_at: self.first_at.min(at),
            last: if is_last { value } else { self.last },
            last_at: self.last_at.max(at),
        }
    }

    /// Together with what a seal says of other readings.
    #[must_use]
    pub(super) fn and(self, other: Self) -> Self {
        let (is_first, is_last) = (other.first_at < self.first_at, other.last_at > self.last_at);
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            first: if is_first { other.first } else { self.first },
            first_at: self.first_at.min(other.first_at),
            last: if is_last { other.last } else { self.last },
            last_at: self.last_at.max(other.last_at),
        }
    }

    /// The mean.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "no bucket has 2^53 readings")]
    pub fn avg(&self) -> f64 {
        self.sum / self.count as f64
    }
}

impl From<&MetricSummary> for Aggregate {
    fn from(summary: &MetricSummary) -> Self {
        Self {
            count: summary.n,
            sum: summary.sum.to_f64(),
            min: summary.min.to_f64(),
            max: summary.max.to_f64(),
            first: summary.first.to_f64(),
            first_at: summary.first_at,
            last: summary.last.to_f64(),
            last_at: summary.last_at,
        }
    }
}

/// The start of the bucket of `width` seconds that holds `at`, counted from 1970-01-01 UTC.
pub(crate) fn bucket_of(at: DateTime<Utc>, width: i32) -> DateTime<Utc> {
    let seconds = at.timestamp();
    let start = seconds - seconds.rem_euclid(i64::from(width));
    DateTime::from_timestamp(start, 0).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn a_bucket_begins_at_or_before_its_readings() {
        let at = time("2026-11-21T03:12:45.120Z");
        assert_eq!(bucket_of(at, 300), time("2026-11-21T03:10:00Z"));
        assert_eq!(bucket_of(at, 86_400), time("2026-11-21T00:00:00Z"));
        let before_1970 = time("1969-12-31T23:59:59.9Z");
        assert_eq!(bucket_of(before_1970, 300), time("1969-12-31T23:55:00Z"));
    }

    #[test]
    fn of_readings_at_one_time_the_first_and_the_last_recorded_are_kept() {
        let at = time("2026-11-21T03:12:45Z");
        let aggregate = Aggregate::of(1.0, at).with(2.0, at).with(3.0, at);
        assert_eq!((aggregate.first, aggregate.last), (1.0, 3.0));
        assert_eq!((aggregate.count, aggregate.avg()), (3, 2.0));
    }
}
