//! Which batches a year has.
//!
//! A round is 50 minutes, in which each device sends a batch of ten readings: a stack probe one every
//! five minutes, others two metrics in each of five minutes. 10,512 rounds of 475 devices are five
//! million batches. A smaller data set leaves rounds out, but none of what the questions are
//! answered from: the stack probes' last thirty days and one batch of theirs a day before.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::fleet::Meter;

/// Days of history.
pub const DAYS: i64 = 365;
/// Days in which every probe's rounds are complete, whatever the size.
pub const DENSE_DAYS: i64 = 30;
const MINUTES: i64 = 50;
const ROUNDS: u64 = (DAYS * 24 * 60 / MINUTES).unsigned_abs();
const DENSE_FROM: u64 = ROUNDS - (DENSE_DAYS * 24 * 60 / MINUTES).unsigned_abs();

/// How much of the year is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// Of so many rounds, one is sent by all devices; 0: only what the questions need.
    stride: u64,
    /// The midnight at which it ends.
    end: DateTime<Utc>,
}

/// A batch to send.
pub struct Batch {
    pub device: usize,
    pub received_at: DateTime<Utc>,
    pub bytes: Vec<u8>,
}

impl History {
    /// A history of about `batches`, as far as that suffices for the questions.
    pub fn of(batches: u64, devices: u64, end: DateTime<Utc>) -> Self {
        let whole = ROUNDS * devices;
        let stride = if batches == 0 {
            0
        } else {
            whole.div_ceil(batches).max(1)
        };
        Self { stride, end }
    }

    pub fn rounds() -> u64 {
        ROUNDS
    }

    fn has(self, meter: &Meter, round: u64) -> bool {
        let minute = |round: u64| round * MINUTES.unsigned_abs();
        let first_of_day = minute(round) % 1440 < MINUTES.unsigned_abs();
        let needed = meter.is_probe() && (round >= DENSE_FROM || first_of_day);
        let last = round + 1 == ROUNDS;
        needed || last || (self.stride > 0 && round.is_multiple_of(self.stride))
    }

    /// The devices that send in this round.
    pub fn senders(self, meters: &[Meter], round: u64) -> Vec<usize> {
        let has = |device: &usize| self.has(&meters[*device], round);
        (0..meters.len()).filter(has).collect()
    }

    /// The batch of a device in a round, with this seq.
    pub fn batch(self, meters: &[Meter], device: usize, round: u64, seq: u64) -> Batch {
        let meter = &meters[device];
        let rounds_left = i64::try_from(ROUNDS - round - 1).unwrap_or(0);
        let end = self.end - TimeDelta::minutes(MINUTES * rounds_left);
        let step = if meter.is_probe() { 5 } else { 1 };
        let times = 10 / meter.metrics.len();
        let mut bytes = format!(r#"{{"seq":{seq},"readings":["#);
        for time in 1..=times {
            let back = step * i64::try_from(times - time + 1).unwrap_or(1);
            let at = (end - TimeDelta::minutes(back)).to_rfc3339_opts(SecondsFormat::Secs, true);
            for (metric, base) in meter.metrics {
                let value = base * (1.0 + wave(device, round, time));
                let comma = if bytes.ends_with('[') { "" } else { "," };
                let _ = write!(
                    bytes,
                    r#"{comma}{{"metric":"{metric}","at":"{at}","value":{value:.4}}}"#
                );
            }
        }
        bytes.push_str("]}");
        Batch {
            device,
            received_at: end,
            bytes: bytes.into_bytes(),
        }
    }
}

/// A tenth up and down over the days, otherwise for each device, with some noise: the same each time.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn wave(device: usize, round: u64, time: usize) -> f64 {
    let slow = (round as f64 / 40.0 + device as f64).sin() / 10.0;
    let noise = (round * 31 + time as u64 * 17 + device as u64 * 7) % 97;
    slow + noise as f64 / 4000.0
}
