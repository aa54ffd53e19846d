//! The sensor batch, byte for byte as the public interface describes it.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};

/// Number of a batch within a [`Boot`]; the first is 1, each next one greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Seq(pub u64);

/// Names one run of a device that does not keep its counter, so that its `seq`
/// may begin again. At most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Boot(String);

impl Boot {
    /// A new name: what a process takes at its start.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("sim-{:032x}", rand::random::<u128>()))
    }

    /// A given name, for runs that must give the same bytes again. Repeating a
    /// (boot, seq) with *other* bytes is a conflict that the platform refuses.
    ///
    /// Text past 64 characters is cut.
    #[must_use]
    pub fn fixed(name: &str) -> Self {
        Self(name.chars().take(64).collect())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a batch's numbers come from. A simulator can never say `real`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Computed by a model.
    #[default]
    Simulator,
    /// Recorded elsewhere and played again.
    Migrated,
}

/// The device's own opinion of a reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// Measured as it should be.
    #[default]
    Good,
    /// Measured under doubt.
    Uncertain,
    /// Not to be used.
    Bad,
}

/// What a reading says. Numbers are finite (JSON has no other).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// In the reading's unit.
    Number(f64),
    /// On or off.
    Bool(bool),
    /// A state by its name.
    Text(String),
}

/// One value of one metric at one time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// Name in the platform's catalogue, such as `co2_ppm`.
    pub metric: Cow<'static, str>,
    /// When it was measured.
    #[serde(serialize_with = "rfc3339")]
    pub at: DateTime<Utc>,
    /// What was measured.
    pub value: Value,
    /// Unit in UCUM's style, such as `t/h` or `Cel`.
    pub unit: Cow<'static, str>,
    /// The device's opinion of it.
    pub quality: Quality,
}

impl Reading {
    /// The number, when it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self.value {
            Value::Number(number) => Some(number),
            Value::Bool(_) | Value::Text(_) => None,
        }
    }
}

/// A batch ready to publish: its bytes never change, however often it is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its number, as the bytes say.
    pub seq: Seq,
    /// The JSON document.
    pub bytes: Bytes,
}

#[derive(Serialize)]
struct Document<'a> {
    seq: Seq,
    boot: &'a Boot,
    source: Source,
    readings: &'a [Reading],
    #[serde(serialize_with = "rfc3339")]
    device_time: DateTime<Utc>,
}

/// Numbers and encodes the batches of one run of one device.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    boot: Boot,
    source: Source,
    next: Seq,
}

impl BatchBuilder {
    /// A device that has just started: its first batch is number 1.
    #[must_use]
    pub fn new(boot: Boot, source: Source) -> Self {
        Self {
            boot,
            source,
            next: Seq(1),
        }
    }

    /// Encodes `readings` (at most 10,000 are accepted by the platform) as the
    /// next batch, sent at `device_time` on the device's clock.
    ///
    /// # Panics
    /// Never: strings, numbers and lists always encode.
    pub fn build(&mut self, readings: &[Reading], device_time: DateTime<Utc>) -> Batch {
        let seq = self.next;
        self.next = Seq(seq.0 + 1);
        let (boot, source) = (&self.boot, self.source);
        let document = Document {
            seq,
            boot,
            source,
            readings,
            device_time,
        };
        let json = serde_json::to_vec(&document).expect("strings, numbers and lists always encode");
        Batch {
            seq,
            bytes: json.into(),
        }
    }
}

/// Milliseconds as in the interface's example; microseconds only for devices
/// that are faster.
fn rfc3339<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    let whole_ms = at.timestamp_subsec_nanos().is_multiple_of(1_000_000);
    let digits = if whole_ms {
        SecondsFormat::Millis
    } else {
        SecondsFormat::Micros
    };
    serializer.serialize_str(&at.to_rfc3339_opts(digits, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> DateTime<Utc> {
        "2026-11-21T03:12:45.120Z".parse().expect("a valid time")
    }

    fn reading() -> Reading {
        Reading {
            metric: "co2_ppm".into(),
            at: at(),
            value: Value::Number(412.7),
            unit: "ppm".into(),
            quality: Quality::Good,
        }
    }

    #[test]
    fn a_batch_has_the_bytes_of_the_interface() {
        let mut builder = BatchBuilder::new(Boot::fixed("b"), Source::Simulator);
        let batch = builder.build(&[reading()], at());
        let expected = concat!(
            r#"{"seq":1,"boot":"b","source":"simulator","readings":[{"metric":"co2_ppm","#,
            r#""at":"2026-11-21T03:12:45.120Z","value":412.7,"unit":"ppm","quality":"good"}],"#,
            r#""device_time":"2026-11-21T03:12:45.120Z"}"#
        );
        assert_eq!(std::str::from_utf8(&batch.bytes), Ok(expected));
    }

    #[test]
    fn seq_grows_by_one() {
        let mut builder = BatchBuilder::new(Boot::random(), Source::Simulator);
        let seqs: Vec<_> = (0..3).map(|_| builder.build(&[], at()).seq).collect();
        assert_eq!(seqs, [Seq(1), Seq(2), Seq(3)]);
    }

    #[test]
    fn each_start_has_another_boot_and_none_is_too_long() {
        assert_ne!(Boot::random(), Boot::random());
        assert!(Boot::random().0.len() <= 64);
        assert_eq!(Boot::fixed(&"é".repeat(90)).0.chars().count(), 64);
    }
}
