//! What a device measured before it began to publish live.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use crate::clock::ScheduleError;

const HOUR: i64 = 3600;

/// A history is sampled every `step`, on the multiples of it, and sent an hour at a time, as a device
/// does that was cut off. It ends at the wall clock, where the device's live schedule goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct History {
    /// No sample lies before.
    from: DateTime<Utc>,
    step: TimeDelta,
    /// Where the clock of the whole fleet begins to run, `speed` times as fast as real time.
    origin: DateTime<Utc>,
    speed: f64,
}

impl History {
    /// A history from `from` on, where the clock begins too, and runs `speed` times as fast as real
    /// time. Devices of one fleet take the same, so that each sends an hour at about the same time.
    ///
    /// # Errors
    /// If `step` is not a part of an hour, in whole seconds, or `speed` not a positive number.
    pub fn new(from: DateTime<Utc>, step: Duration, speed: f64) -> Result<Self, ScheduleError> {
        let seconds = i64::try_from(step.as_secs()).unwrap_or(0);
        if seconds == 0 || step.subsec_nanos() != 0 || HOUR % seconds != 0 {
            return Err(ScheduleError::Step(step));
        }
        if !(speed.is_finite() && speed > 1e-6) {
            return Err(ScheduleError::NotPositive(speed, "speed"));
        }
        Ok(Self {
            from,
            step: TimeDelta::seconds(seconds),
            origin: from,
            speed,
        })
    }

    /// The same history for a device that has sent everything up to `last`.
    #[must_use]
    pub fn after(self, last: DateTime<Utc>) -> Self {
        let from = self.from.max(last + TimeDelta::microseconds(1));
        Self { from, ..self }
    }

    /// The same history with a clock that begins at `origin`: what lies before is sent at once.
    #[must_use]
    pub fn with_clock_from(self, origin: DateTime<Utc>) -> Self {
        Self { origin, ..self }
    }

    /// Times of the samples of the next batch, if any is due before `now`: those of one hour.
    #[must_use]
    pub fn samples(&self, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let step = self.step.num_seconds();
        let first = self.from.timestamp() + i64::from(self.from.timestamp_subsec_nanos() > 0);
        let first = first + (-first).rem_euclid(step);
        let hour_end = first - first.rem_euclid(HOUR) + HOUR;
        (first..hour_end)
            .step_by(usize::try_from(step).unwrap_or(usize::MAX))
            .filter_map(|at| DateTime::from_timestamp(at, 0))
            .take_while(|at| *at <= now)
            .collect()
    }

    /// The history that is left when `samples` are sent.
    #[must_use]
    pub fn without(self, samples: &[DateTime<Utc>]) -> Self {
        samples.last().map_or(self, |last| self.after(*last))
    }

    /// Real time at which a batch that ends with `last` is sent by a fleet that began at `begun`.
    pub(crate) fn due(&self, last: DateTime<Utc>, begun: Instant) -> Instant {
        let since = (last + self.step - self.origin).to_std();
        begun + since.unwrap_or_default().div_f64(self.speed)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn history(origin: &str) -> History {
        History::new(at(origin), Duration::from_mins(5), 1440.0).unwrap()
    }

    #[test]
    fn a_batch_holds_an_hour_and_the_next_one_goes_on() {
        let history = history("2026-11-18T00:00:00Z");
        let now = at("2026-11-21T10:00:00Z");
        let first = history.samples(now);
        assert_eq!(first.len(), 12);
        assert_eq!(first[11], at("2026-11-18T00:55:00Z"));
        let second = history.without(&first).samples(now);
        assert_eq!(second[0], at("2026-11-18T01:00:00Z"));
    }

    #[test]
    fn a_device_that_was_away_goes_on_after_its_last_sample() {
        let last = at("2026-11-20T09:12:34.5Z");
        let history = history("2026-11-18T00:00:00Z").after(last);
        let samples = history.samples(at("2026-11-20T09:41:00Z"));
        assert_eq!(samples[0], at("2026-11-20T09:15:00Z"));
        assert_eq!(samples[samples.len() - 1], at("2026-11-20T09:40:00Z"));
    }

    #[test]
    fn an_hour_is_sent_when_the_fleets_clock_has_passed_it() {
        let history = history("2026-11-18T00:00:00Z");
        let begun = Instant::now();
        // 86,400 / 1,440: a day takes a minute.
        assert_eq!(
            history.due(at("2026-11-18T23:55:00Z"), begun),
            begun + Duration::from_mins(1)
        );
    }

    #[test]
    fn a_step_that_is_no_part_of_an_hour_is_refused() {
        let origin = at("2026-11-18T00:00:00Z");
        for step in [0, 7, 7200].map(Duration::from_secs) {
            assert!(History::new(origin, step, 1.0).is_err(), "{step:?}");
        }
        assert!(History::new(origin, Duration::from_mins(5), 0.0).is_err());
    }

    proptest! {
        #[test]
        fn every_slot_is_sampled_once_and_none_lies_ahead_or_in_two_hours(
            begins in 0_i64..100_000, lasts in 0_i64..100_000, step in prop::sample::select(vec![60_i64, 300, 900])
        ) {
            let time = |s| DateTime::from_timestamp(1_790_000_000 + s, 0).unwrap();
            let (from, now) = (time(begins), time(begins + lasts));
            let step_std = Duration::from_secs(u64::try_from(step).unwrap());
            let mut history = History::new(from, step_std, 1.0).unwrap();
            let mut all = Vec::new();
            loop {
                let batch = history.samples(now);
                let Some(first) = batch.first() else { break };
                prop_assert!(batch.iter().all(|at| at.timestamp() / HOUR == first.timestamp() / HOUR));
                history = history.without(&batch);
                all.extend(batch);
            }
            let expected: Vec<_> = (from.timestamp()..=now.timestamp())
                .filter(|s| s % step == 0)
                .map(|s| DateTime::from_timestamp(s, 0).unwrap())
                .collect();
            prop_assert_eq!(all, expected);
        }
    }
}
