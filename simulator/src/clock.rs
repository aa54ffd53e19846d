//! When a device samples, in simulated time, and when it sends, in real time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

/// Sample number `n` (from 0) is taken at `start + n × interval` of simulated
/// time, which runs `speed` times as fast as real time, but never ahead of the
/// wall clock: a platform marks readings from the future as suspect. So to fill
/// in a history, set `start` in the past; when it has caught up, it runs on live.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    start: DateTime<Utc>,
    interval: Duration,
    speed: f64,
}

/// A schedule that would never send, or always.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ScheduleError {
    /// An interval below a microsecond (the resolution of a reading's time) or above ten years.
    #[error("an interval of {0:?} cannot be used: give one between 1 µs and 10 years")]
    Interval(Duration),
    /// A step of a history that does not divide the hour.
    #[error("a history cannot be sampled every {0:?}: give a part of an hour, such as 5 minutes")]
    Step(Duration),
    /// A speed or rate that is not a positive number.
    #[error("{0} is no {1}: give a number above 0, such as 1")]
    NotPositive(f64, &'static str),
}

const LONGEST: Duration = Duration::from_hours(10 * 366 * 24);

impl Schedule {
    /// `interval` is simulated time between samples; `speed` simulated seconds
    /// a real second.
    ///
    /// # Errors
    /// When nothing sensible would come of it, with the value.
    pub fn new(
        start: DateTime<Utc>,
        interval: Duration,
        speed: f64,
    ) -> Result<Self, ScheduleError> {
        if !(Duration::from_micros(1)..=LONGEST).contains(&interval) {
            return Err(ScheduleError::Interval(interval));
        }
        positive(speed, "speed")?;
        Ok(Self {
            start,
            interval,
            speed,
        })
    }

    /// The interval that gives `rate` batches a real second at this speed.
    ///
    /// # Errors
    /// When the rate is not a positive number or too high for microseconds.
    pub fn with_rate(self, rate: f64) -> Result<Self, ScheduleError> {
        positive(rate, "rate")?;
        let seconds = (self.speed / rate).clamp(0.0, LONGEST.as_secs_f64());
        Self::new(self.start, Duration::from_secs_f64(seconds), self.speed)
    }

    /// The same pace from now on, on the multiples of the interval, so that devices which begin at
    /// about the same time sample at the same times.
    pub(crate) fn beginning(self, now: DateTime<Utc>) -> Self {
        let step = i64::try_from(self.interval.as_micros()).unwrap_or(i64::MAX);
        let ahead = (-now.timestamp_micros()).rem_euclid(step);
        let start = now.checked_add_signed(TimeDelta::microseconds(ahead));
        Self {
            start: start.unwrap_or(now),
            ..self
        }
    }

    /// Simulated time of sample `n`.
    #[must_use]
    pub fn sample_at(&self, n: u64) -> DateTime<Utc> {
        // Whole microseconds: what a reading's time can carry.
        let step = i64::try_from(self.interval.as_micros()).unwrap_or(i64::MAX);
        let offset = step.saturating_mul(i64::try_from(n).unwrap_or(i64::MAX));
        self.start
            .checked_add_signed(TimeDelta::microseconds(offset))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Real time at which sample `n` is sent by a device that began at `begun`,
    /// when it is `now` on both clocks.
    pub(crate) fn due(&self, n: u64, begun: Instant, now: (Instant, DateTime<Utc>)) -> Instant {
        let sample = self.sample_at(n);
        let since_start = (sample - self.start).to_std().unwrap_or_default();
        let paced = begun + since_start.div_f64(self.speed).min(LONGEST);
        let not_early = now.0 + (sample - now.1).to_std().unwrap_or_default().min(LONGEST);
        paced.max(not_early)
    }
}

fn positive(value: f64, what: &'static str) -> Result<(), ScheduleError> {
    if value.is_finite() && value > 1e-6 {
        Ok(())
    } else {
        Err(ScheduleError::NotPositive(value, what))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    fn start() -> DateTime<Utc> {
        "2026-11-21T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn samples_lie_an_interval_apart() {
        let schedule = Schedule::new(start(), Duration::from_secs(5), 60.0).unwrap();
        assert_eq!(schedule.sample_at(3), start() + TimeDelta::seconds(15));
    }

    #[test]
    fn simulated_time_runs_faster_until_it_meets_the_wall_clock() {
        let schedule = Schedule::new(start(), Duration::from_mins(1), 60.0).unwrap();
        let begun = Instant::now();
        let an_hour_later = (begun, start() + TimeDelta::hours(1));
        assert_eq!(
            schedule.due(30, begun, an_hour_later),
            begun + Duration::from_secs(30)
        );
        // Sample 61 is a minute ahead of the wall clock: real time decides.
        let caught_up = (
            begun + Duration::from_mins(1),
            start() + TimeDelta::minutes(60),
        );
        let expected = caught_up.0 + Duration::from_mins(1);
        assert_eq!(schedule.due(61, begun, caught_up), expected);
    }

    #[test]
    fn devices_that_begin_a_little_apart_sample_at_the_same_times() {
        let schedule = Schedule::new(start(), Duration::from_secs(2), 1.0).unwrap();
        let now = start() + TimeDelta::milliseconds(90_210);
        let later = now + TimeDelta::milliseconds(1_700);
        assert_eq!(
            schedule.beginning(now).sample_at(0),
            start() + TimeDelta::seconds(92)
        );
        assert_eq!(schedule.beginning(now), schedule.beginning(later));
    }

    #[test]
    fn a_rate_sets_the_interval() {
        let schedule = Schedule::new(start(), Duration::from_secs(5), 1.0).unwrap();
        let fast = schedule.with_rate(200.0).unwrap();
        assert_eq!(fast.sample_at(200), start() + TimeDelta::seconds(1));
    }

    #[test]
    fn a_schedule_that_never_or_always_sends_is_refused() {
        let new = |interval, speed| Schedule::new(start(), interval, speed);
        assert!(new(Duration::ZERO, 1.0).is_err());
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(new(Duration::from_secs(1), speed).is_err(), "{speed}");
        }
        let schedule = new(Duration::from_secs(1), 1.0).unwrap();
        assert!(schedule.with_rate(1e9).is_err());
    }
}
