//! Batches that cost little to make: the text between the figures is there before.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};

use crate::batch::Boot;
use crate::metrics::{AIR_PRESSURE, CO2, HUMIDITY, Metric, TEMPERATURE, VELOCITY};

/// What a device measures at each moment, and around which value.
const METRICS: [(Metric, u64); 5] = [
    (TEMPERATURE, 18),
    (HUMIDITY, 55),
    (AIR_PRESSURE, 1_010),
    (CO2, 420),
    (VELOCITY, 7),
];

/// One device's batches.
pub(super) struct Payloads {
    /// From behind the `seq` to the first reading.
    head: String,
    readings: usize,
    /// Time between two moments at which it measures.
    step: Duration,
    noise: u64,
    size: usize,
}

impl Payloads {
    /// Batches of `readings` readings, one batch every `step`.
    pub(super) fn new(boot: &Boot, readings: usize, step: Duration, device: u64) -> Self {
        let moments = u32::try_from(readings.div_ceil(METRICS.len())).unwrap_or(u32::MAX);
        let boot = boot.as_str();
        Self {
            head: format!(r#","boot":"{boot}","source":"simulator","readings":["#),
            readings,
            step: step / moments.max(1),
            noise: device.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            size: 256,
        }
    }

    /// The batch of that number, measured until `at`.
    pub(super) fn make(&mut self, seq: u64, at: DateTime<Utc>) -> Bytes {
        let mut text = String::with_capacity(self.size);
        // Writing to a String cannot fail.
        let _ = write!(text, r#"{{"seq":{seq}{}"#, self.head);
        let mut time = String::new();
        for number in 0..self.readings {
            let (moment, which) = (number / METRICS.len(), number % METRICS.len());
            if which == 0 {
                let back = self.step * u32::try_from(moment).unwrap_or(u32::MAX);
                time = (at - back).to_rfc3339_opts(SecondsFormat::Micros, true);
            }
            let (Metric { name, unit, .. }, base) = METRICS[which];
            let hundredths = self.noise() % 400;
            let comma = if number == 0 { "" } else { "," };
            let (whole, part) = (base + hundredths / 100, hundredths % 100);
            let _ = write!(
                text,
                r#"{comma}{{"metric":"{name}","at":"{time}","value":{whole}.{part:02},"unit":"{unit}"}}"#
            );
        }
        text.push_str("]}");
        self.size = text.len() + 8;
        text.into()
    }

    /// Xorshift: enough for figures that differ.
    fn noise(&mut self) -> u64 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        self.noise
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_batch_has_its_number_its_readings_and_no_moment_twice() {
        let step = Duration::from_millis(50);
        let mut payloads = Payloads::new(&Boot::fixed("b"), 12, step, 3);
        let at: DateTime<Utc> = "2026-11-21T03:12:45Z".parse().unwrap();
        let batches = [payloads.make(1, at), payloads.make(2, at + step)];
        let mut seen = std::collections::HashSet::new();
        for (number, bytes) in (1..).zip(batches) {
            let batch: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(batch["seq"], number);
            assert_eq!(batch["boot"], "b");
            let readings = batch["readings"].as_array().unwrap();
            assert_eq!(readings.len(), 12);
            for reading in readings {
                assert!(reading["value"].is_number());
                assert!(seen.insert((reading["metric"].to_string(), reading["at"].to_string())));
            }
        }
    }
}
