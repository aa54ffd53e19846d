//! When each batch of a device is due.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::LoadOptions;
use super::payload::Payloads;
use super::tally::Tally;
use crate::batch::Boot;
use crate::credential::Credential;

/// How long after the end what was due before it is still sent.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// The load as a whole.
pub(super) struct Plan {
    pub(super) begun: Instant,
    /// When the last batch is due.
    pub(super) end: Instant,
    /// Batches of all devices.
    pub(super) batches: u64,
    began_at: DateTime<Utc>,
    rate: f64,
    devices: u64,
    readings: usize,
    boot: Boot,
}

impl Plan {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of batches is positive and far below 2^53"
    )]
    pub(super) fn new(options: &LoadOptions, devices: usize, begun: Instant) -> Self {
        Self {
            begun,
            end: begun + options.span,
            batches: (options.rate * options.span.as_secs_f64()) as u64,
            began_at: Utc::now(),
            rate: options.rate,
            devices: devices as u64,
            readings: options.readings,
            boot: Boot::random(),
        }
    }

    /// Batches that were due by then.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of batches is positive and far below 2^53"
    )]
    pub(super) fn due_until(&self, ended: Instant) -> u64 {
        if ended >= self.end {
            return self.batches;
        }
        let passed = (ended - self.begun).as_secs_f64();
        ((passed * self.rate) as u64 + 1).min(self.batches)
    }
}

/// One device's part of the load.
pub(super) struct Lane {
    pub(super) tally: Tally,
    begun: Instant,
    /// From then on nothing is sent any more.
    given_up: Instant,
    began_at: DateTime<Utc>,
    rate: f64,
    place: u64,
    devices: u64,
    batches: u64,
    next: u64,
    payloads: Payloads,
}

impl Lane {
    #[expect(clippy::cast_precision_loss, reason = "a count of devices")]
    pub(super) fn new(plan: &Plan, place: usize, tally: Tally) -> Self {
        let place = place as u64;
        let step = Duration::from_secs_f64(plan.devices as f64 / plan.rate);
        Self {
            tally,
            begun: plan.begun,
            given_up: plan.end + AFTERWARDS,
            began_at: plan.began_at,
            rate: plan.rate,
            place,
            devices: plan.devices,
            batches: plan.batches.saturating_sub(place).div_ceil(plan.devices),
            next: 0,
            payloads: Payloads::new(&plan.boot, plan.readings, step, place),
        }
    }

    /// When the next batch is due, if there is one that may still be sent.
    pub(super) fn due(&self) -> Option<Instant> {
        let more = self.next < self.batches && Instant::now() < self.given_up;
        more.then(|| self.begun + self.offset())
    }

    /// The next batch as it is sent, and when it is due.
    pub(super) fn take(&mut self, credential: &Credential) -> (Bytes, Instant) {
        let offset = self.offset();
        self.next += 1;
        let bytes = self.payloads.make(self.next, self.began_at + offset);
        (credential.payload(bytes), self.begun + offset)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn offset(&self) -> Duration {
        let number = self.place + self.next * self.devices;
        Duration::from_secs_f64(number as f64 / self.rate)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;
    use crate::load::Over;

    #[test]
    fn every_batch_of_the_rate_is_due_once_and_at_its_time() {
        let options = LoadOptions {
            rate: 50.0,
            readings: 1,
            span: Duration::from_millis(1_100),
            over: Over::Mqtt(None),
        };
        let plan = Plan::new(&options, 7, Instant::now());
        let mut due = Vec::new();
        for place in 0..7 {
            let mut lane = Lane::new(&plan, place, Tally::default());
            while let Some(at) = lane.due() {
                due.push((at - plan.begun).as_micros());
                lane.next += 1;
            }
        }
        due.sort_unstable();
        assert_eq!(due, (0..55).map(|k| k * 20_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_device_that_has_nothing_to_send_sends_nothing() {
        let options = LoadOptions {
            rate: 1.0,
            readings: 1,
            span: Duration::from_secs(2),
            over: Over::Mqtt(None),
        };
        let plan = Plan::new(&options, 5, Instant::now());
        let with = |place| Lane::new(&plan, place, Tally::default()).due();
        assert!(with(1).unwrap() > plan.begun);
        assert!(with(2).is_none() && with(4).is_none());
    }
}
