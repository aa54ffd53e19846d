//! What a sensor batch says.

use std::{collections::BTreeMap, fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One message of a device: readings, and what makes the message unique.
///
/// Serialised by serde, it is a batch that [`decode`](super::decode()) accepts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SensorBatch {
    /// Counts the batches of a boot, by one; at most 2^53 − 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// New at each start of a device that does not keep its counter; 1 to 64 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// 1 to 10,000 readings.
    pub readings: Vec<Reading>,
    /// The device's clock when it sent the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_time: Option<DateTime<Utc>>,
    /// Weakens the device's source for this batch: see [`Source::effective`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Whatever the device adds; empty when absent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// One measured value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// What was measured.
    pub metric: MetricName,
    /// When, by the device's clock.
    pub at: DateTime<Utc>,
    /// The value, in `unit`.
    pub value: Value,
    /// As the device spells it; absent means the metric's canonical unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What the device thinks of the value.
    pub quality: Quality,
}

/// The value of a reading.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A finite number. Integers beyond 2^53 are rounded to the nearest double; the
    /// ledger keeps the digits that were sent.
    Number(f64),
    /// Yes or no.
    Bool(bool),
    /// A text of at most 1 KiB, without NUL.
    Text(String),
}

/// What a device thinks of a value, after OPC UA's three severities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Nothing is wrong; also what an absent `quality` means.
    #[default]
    Good,
    /// Less reliable than usual: warming up, out of calibration, substituted.
    Uncertain,
    /// Not usable: sensor broken, out of range.
    Bad,
}

/// Where readings come from. Only `real` ones can ever become credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A sensor measured it.
    Real,
    /// A program made it up.
    Simulator,
    /// It was copied from another system.
    Migrated,
}

impl Source {
    /// The source as batches and events spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Simulator => "simulator",
            Self::Migrated => "migrated",
        }
    }

    /// What readings count as, if their device is `registered` as one source (`None`: never
    /// registered) and their batch claims another (`None`: it names none).
    ///
    /// The weaker of the two, in the order `real`, `migrated`, `simulator`: a claim can take
    /// readings out of what may become credits and never put them in. So `real` is only what is
    /// registered `real`; a claim of it by an unregistered device says nothing.
    #[must_use]
    pub fn effective(registered: Option<Self>, claimed: Option<Self>) -> Option<Self> {
        match (registered, claimed) {
            (Some(registered), Some(claimed)) => Some(registered.weaker(claimed)),
            (Some(registered), None) => Some(registered),
            (None, claimed) => claimed.filter(|claimed| *claimed != Self::Real),
        }
    }

    const fn weaker(self, other: Self) -> Self {
        match (self, other) {
            (Self::Simulator, _) | (_, Self::Simulator) => Self::Simulator,
            (Self::Migrated, _) | (_, Self::Migrated) => Self::Migrated,
            (Self::Real, Self::Real) => Self::Real,
        }
    }
}

impl Quality {
    /// The quality as batches spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Uncertain => "uncertain",
            Self::Bad => "bad",
        }
    }
}

/// A word that is none of a field's choices.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is not one of {choices}")]
pub struct ChoiceError {
    /// What was given, cut after 80 characters.
    pub value: String,
    /// What may be given.
    pub choices: &'static str,
}

impl ChoiceError {
    fn new(value: &str, choices: &'static str) -> Self {
        Self {
            value: value.chars().take(80).collect(),
            choices,
        }
    }
}

impl FromStr for Source {
    type Err = ChoiceError;

    fn from_str(value: &str) -> Result<Self, ChoiceError> {
        let all = [Self::Real, Self::Simulator, Self::Migrated];
        let found = all.into_iter().find(|source| source.as_str() == value);
        found.ok_or_else(|| ChoiceError::new(value, "real, simulator, migrated"))
    }
}

impl FromStr for Quality {
    type Err = ChoiceError;

    fn from_str(value: &str) -> Result<Self, ChoiceError> {
        let all = [Self::Good, Self::Uncertain, Self::Bad];
        let found = all.into_iter().find(|quality| quality.as_str() == value);
        found.ok_or_else(|| ChoiceError::new(value, "good, uncertain, bad"))
    }
}

/// The name of a metric: `[a-z][a-z0-9_]{0,63}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MetricName(String);

/// A text that is not a metric's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{value}\" is not a metric name: use 1 to 64 lower-case letters (a-z), digits and \
     underscores, starting with a letter, such as \"co2_ppm\""
)]
pub struct MetricNameError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl MetricName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_metric_name(value: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    value.len() <= 64
        && value.starts_with(|c: char| c.is_ascii_lowercase())
        && value.bytes().all(allowed)
}

impl TryFrom<String> for MetricName {
    type Error = MetricNameError;

    fn try_from(value: String) -> Result<Self, MetricNameError> {
        if is_metric_name(&value) {
            Ok(Self(value))
        } else {
            let value = value.chars().take(80).collect();
            Err(MetricNameError { value })
        }
    }
}

impl FromStr for MetricName {
    type Err = MetricNameError;

    fn from_str(value: &str) -> Result<Self, MetricNameError> {
        value.to_owned().try_into()
    }
}

impl From<MetricName> for String {
    fn from(name: MetricName) -> Self {
        name.0
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Source::{self, Migrated, Real, Simulator};

    #[test]
    fn a_claimed_source_weakens_the_registered_one_and_never_makes_it_real() {
        for (registered, claimed, effective) in [
            (Real, Real, Real),
            (Real, Migrated, Migrated),
            (Real, Simulator, Simulator),
            (Migrated, Real, Migrated),
            (Migrated, Simulator, Simulator),
            (Simulator, Real, Simulator),
            (Simulator, Migrated, Simulator),
        ] {
            let found = Source::effective(Some(registered), Some(claimed));
            assert_eq!(found, Some(effective), "{registered:?} {claimed:?}");
        }
        assert_eq!(Source::effective(Some(Real), None), Some(Real));
        assert_eq!(Source::effective(None, Some(Real)), None);
        assert_eq!(Source::effective(None, Some(Simulator)), Some(Simulator));
    }
}
