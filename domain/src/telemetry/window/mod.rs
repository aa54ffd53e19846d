//! Windows: what a device sent in an hour, closed by a seal in the ledger.
//!
//! A seal ([`WindowSealed`]) names the entries of the hour's batches, binds them by a Merkle root,
//! and says what they amount to. From then on nobody can leave one out unnoticed, and the hour's
//! figures survive the batches themselves. What a seal says follows from its batches alone:
//! [`Seal`] computes it, and whoever has the batches can compute it again.
//!
//! ## Which batches
//!
//! A batch belongs to the window of its device and the UTC hour of its first reading's `at`, or of
//! the entry's `received_at` if that is earlier ([`window_of`]): a clock that is ahead puts no batch
//! into an hour that has not come. A batch that comes when its hour is sealed makes a further seal,
//! which holds all entries of the one before and takes its place. Each seal holds every batch of
//! the window up to its last entry, except those whose payload was erased before a seal held them.
//!
//! ## Gaps
//!
//! A seal lists the seqs that had not come when it was made, below each boot's `last_seq` and down
//! to the last one that had come before `first_seq`; at most [`MAX_GAPS`], the lowest of them. Each
//! such gap is also an entry of its own, [`GapDetected`], before the seal. So between the lowest
//! `first_seq` that any seal of a boot names and a seal's `last_seq`, each seq is that of an entry
//! before the seal, or is named by a `GapDetected` before it.
//!
//! ## Figures
//!
//! Over the readings that count ([`assess`](super::assess())), in the metric's canonical unit. A
//! value is the shortest decimal that reads back as the same double ([`Figure::of`]); `sum` is the
//! exact sum of these decimals, without rounding and in any order: in Python,
//! `format(sum(Decimal(repr(v)) for v in values), "f")` under a context of 500 digits, without
//! trailing zeros. `first` is the value of the earliest reading by its own time (of several, the
//! one recorded first), `last` that of the latest (of several, the one recorded last).

mod events;
mod figure;
mod seal;
mod sealed_hours;

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::SensorBatch;
use crate::DeviceId;

pub use events::{
    Gap, GapDetected, MetricSummary, Root, RootError, Run, SealedBoot, WindowEvent, WindowSealed,
};
pub use figure::{ExactSum, Figure, FigureError};
pub use seal::{Seal, SealError};
pub use sealed_hours::SealedHours;

/// The most gaps that a seal lists; the entries [`GapDetected`] name them all.
pub const MAX_GAPS: usize = 100_000;

/// An hour of UTC, by its start; in JSON `2026-11-21T03:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "DateTime<Utc>", into = "DateTime<Utc>")]
pub struct Hour(DateTime<Utc>);

/// A time that does not begin an hour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is not an hour: write it as 2026-11-21T03 (UTC)")]
pub struct HourError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl Hour {
    /// The hour that holds this time.
    #[must_use]
    pub fn of(time: DateTime<Utc>) -> Self {
        let seconds = time.timestamp();
        let start = seconds - seconds.rem_euclid(3600);
        Self(DateTime::from_timestamp(start, 0).unwrap_or(time))
    }

    /// When it begins.
    #[must_use]
    pub const fn start(self) -> DateTime<Utc> {
        self.0
    }

    /// When it is over.
    #[must_use]
    pub fn end(self) -> DateTime<Utc> {
        self.0 + TimeDelta::hours(1)
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format("%Y-%m-%dT%H").fmt(f)
    }
}

impl FromStr for Hour {
    type Err = HourError;

    fn from_str(value: &str) -> Result<Self, HourError> {
        let start = NaiveDateTime::parse_from_str(&format!("{value}:00"), "%Y-%m-%dT%H:%M");
        let hour = start.ok().map(|start| Self(start.and_utc()));
        let is_spelt_so = |hour: &Self| hour.to_string() == value;
        hour.filter(is_spelt_so)
            .ok_or_else(|| HourError::new(value))
    }
}

impl TryFrom<DateTime<Utc>> for Hour {
    type Error = HourError;

    fn try_from(value: DateTime<Utc>) -> Result<Self, HourError> {
        let hour = Self::of(value);
        if hour.0 == value {
            return Ok(hour);
        }
        Err(HourError::new(&value.to_rfc3339()))
    }
}

impl From<Hour> for DateTime<Utc> {
    fn from(hour: Hour) -> Self {
        hour.0
    }
}

impl HourError {
    fn new(value: &str) -> Self {
        let value = value.chars().take(80).collect();
        Self { value }
    }
}

/// The hour of the window that a batch belongs to.
#[must_use]
pub fn window_of(batch: &SensorBatch, received_at: DateTime<Utc>) -> Hour {
    let first = batch.readings.first().map_or(received_at, |first| first.at);
    Hour::of(first.min(received_at))
}

/// The stream of a window's seals: `window/<device id>/2026-11-21T03`.
#[must_use]
pub fn window_stream(device: DeviceId, hour: Hour) -> String {
    format!("window/{device}/{hour}")
}

/// The stream of a device's gaps: `gap/<device id>`.
#[must_use]
pub fn gap_stream(device: DeviceId) -> String {
    format!("gap/{device}")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use crate::telemetry::decode;

    fn window(at: &str, received_at: &str) -> String {
        let json = format!(r#"{{"readings":[{{"metric":"flow","at":"{at}","value":1}}]}}"#);
        let batch = decode(json.as_bytes()).unwrap();
        window_of(&batch, received_at.parse().unwrap()).to_string()
    }

    #[test]
    fn a_batch_belongs_to_the_hour_of_its_first_reading_or_of_its_receipt_if_that_is_earlier() {
        let received_at = "2026-11-21T03:59:59.9Z";
        assert_eq!(window("2026-11-21T03:00:00Z", received_at), "2026-11-21T03");
        assert_eq!(
            window("2026-11-21T02:59:59.999Z", received_at),
            "2026-11-21T02"
        );
        assert_eq!(window("2026-11-21T04:00:01Z", received_at), "2026-11-21T03");
        assert_eq!(window("1969-12-31T23:30:00Z", received_at), "1969-12-31T23");
        assert_eq!(window("0000-01-01T00:00:00Z", received_at), "0000-01-01T00");
    }

    #[test]
    fn an_hour_is_spelt_in_one_way_as_text_and_one_in_json() {
        let hour: Hour = "2026-11-21T03".parse().unwrap();
        let json = "\"2026-11-21T03:00:00Z\"";
        assert_eq!(serde_json::to_string(&hour).unwrap(), json);
        assert_eq!(serde_json::from_str::<Hour>(json).unwrap(), hour);
        assert_eq!(hour.end() - hour.start(), TimeDelta::hours(1));
        for other in [
            "2026-11-21T3",
            "2026-11-21T24",
            "2026-11-21",
            "+2026-11-21T03",
            "",
        ] {
            assert!(other.parse::<Hour>().is_err(), "{other}");
        }
        assert!(serde_json::from_str::<Hour>("\"2026-11-21T03:00:01Z\"").is_err());
    }

    #[test]
    fn streams_name_device_and_hour() {
        let device = DeviceId(uuid::Uuid::nil());
        let hour = "2026-11-21T03".parse().unwrap();
        assert_eq!(
            window_stream(device, hour),
            "window/00000000-0000-0000-0000-000000000000/2026-11-21T03"
        );
        assert_eq!(
            gap_stream(device),
            "gap/00000000-0000-0000-0000-000000000000"
        );
    }
}
