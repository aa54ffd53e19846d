//! Seals and gaps as the ledger keeps them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Figure, Hour};
use crate::{
    DeviceId,
    event::events,
    telemetry::{MetricName, Source},
};

/// An hour of a device is closed: these are its batches, and this is what they amount to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSealed {
    /// How many batches.
    pub batches: u64,
    /// The boots of those batches that carry a seq, by name.
    pub boots: Vec<SealedBoot>,
    /// The device.
    pub device: DeviceId,
    /// The indexes of the batches' entries, ascending.
    pub entries: Vec<Run>,
    /// What had not come when the seal was made, by boot and seq.
    pub gaps: Vec<Gap>,
    /// The hour.
    pub hour: Hour,
    /// What the readings that count amount to.
    pub metrics: BTreeMap<MetricName, MetricSummary>,
    /// RFC 6962 root of the tree whose leaf hashes are those of `entries`, in that order.
    pub root: Root,
    /// How many batches declare a source themselves, by what they declare; the others have that of
    /// their device.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<Source, u64>,
    /// The seal of the same window that this one takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<u64>,
    /// Readings that do not count.
    pub suspect: u64,
    /// Batches without a seq.
    pub uncounted: u64,
}

/// A gap in a boot's seqs was there when a window was sealed. It stays on record if the missing
/// batches come later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapDetected {
    /// The boot; empty for a device that names none.
    pub boot: String,
    /// The device.
    pub device: DeviceId,
    /// The first missing seq.
    pub from_seq: u64,
    /// The last missing seq.
    pub to_seq: u64,
}

events! {
    /// An event of the sealing of windows.
    enum WindowEvent {
        /// See [`WindowSealed`].
        WindowSealed = 1,
        /// See [`GapDetected`].
        GapDetected = 1,
    }
}

impl WindowSealed {
    /// The indexes of its batches' entries, ascending.
    pub fn indexes(&self) -> impl Iterator<Item = u64> {
        self.entries.iter().flat_map(|run| run.first..=run.last)
    }

    /// Whether the entry at `index` is one of its batches.
    #[must_use]
    pub fn holds(&self, index: u64) -> bool {
        let after = self.entries.partition_point(|run| run.first <= index);
        after > 0 && index <= self.entries[after - 1].last
    }

    /// The index of its last batch; `None` for a seal of nothing, which is never made.
    #[must_use]
    pub fn last_entry(&self) -> Option<u64> {
        self.entries.last().map(|run| run.last)
    }
}

/// The batches of one boot in a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedBoot {
    /// How many.
    pub batches: u64,
    /// Its name; empty where batches name none.
    pub boot: String,
    /// The lowest seq.
    pub first_seq: u64,
    /// The highest seq.
    pub last_seq: u64,
}

/// Seqs of a boot that are missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// The boot; empty for a device that names none.
    pub boot: String,
    /// The first.
    pub from_seq: u64,
    /// The last.
    pub to_seq: u64,
}

/// What the readings of one metric that count amount to; see the [module](super) for the figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricSummary {
    /// The value of the earliest.
    pub first: Figure,
    /// When that was.
    pub first_at: DateTime<Utc>,
    /// The value of the latest.
    pub last: Figure,
    /// When that was.
    pub last_at: DateTime<Utc>,
    /// The greatest.
    pub max: Figure,
    /// The least.
    pub min: Figure,
    /// How many.
    pub n: u64,
    /// Their exact sum.
    pub sum: Figure,
    /// The metric's canonical unit.
    pub unit: String,
}

/// Consecutive indexes; in JSON `[first,last]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64)", into = "(u64, u64)")]
pub struct Run {
    /// The first.
    pub first: u64,
    /// The last; not before the first.
    pub last: u64,
}

impl From<(u64, u64)> for Run {
    fn from((first, last): (u64, u64)) -> Self {
        Self { first, last }
    }
}

impl From<Run> for (u64, u64) {
    fn from(run: Run) -> Self {
        (run.first, run.last)
    }
}

/// The root of a Merkle tree: 32 bytes, written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Root(pub [u8; 32]);

/// A text that is not a root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is not a root: write its 32 bytes as 64 lower-case hex digits")]
pub struct RootError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl FromStr for Root {
    type Err = RootError;

    fn from_str(value: &str) -> Result<Self, RootError> {
        let mut bytes = [0; 32];
        let read = hex::decode_to_slice(value, &mut bytes);
        let is_lower = !value.bytes().any(|byte| byte.is_ascii_uppercase());
        if read.is_ok() && is_lower {
            return Ok(Self(bytes));
        }
        let value = value.chars().take(80).collect();
        Err(RootError { value })
    }
}

impl TryFrom<String> for Root {
    type Error = RootError;

    fn try_from(value: String) -> Result<Self, RootError> {
        value.parse()
    }
}

impl From<Root> for String {
    fn from(root: Root) -> Self {
        root.to_string()
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({self})")
    }
}
