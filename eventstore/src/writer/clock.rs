//! The guard of `recorded_at`: while our clock cannot be believed, nothing is appended.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use nix::time::{ClockId, clock_gettime};
use sealrock_ledger::{LedgerName, micros};

use crate::error::AppendError;

/// How far clocks may be apart.
pub(super) const MAX_SKEW: TimeDelta = TimeDelta::seconds(60);

/// One instant by the machine's clock and by the one that nobody can set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) wall: DateTime<Utc>,
    /// Time since boot, sleep included: a laptop that slept has not been set.
    pub(super) monotonic: Duration,
}

/// Remembers when the last commit was.
#[derive(Default)]
pub(super) struct Clock {
    last: Option<Moment>,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self {
            wall: micros(Utc::now()),
            monotonic: since_boot(),
        }
    }
}

impl Clock {
    /// Holds our clock against Postgres' one and its own past.
    pub(super) fn check(&self, now: Moment, postgres: DateTime<Utc>) -> Result<(), AppendError> {
        let wrong = against_postgres(now.wall, postgres)
            .or_else(|| self.last.and_then(|last| against_past(now, last)));
        wrong.map_or(Ok(()), |reason| Err(AppendError::Unavailable(reason)))
    }

    /// Holds our clock against its own past alone.
    pub(super) fn has_not_jumped(&self, now: Moment) -> bool {
        self.last
            .is_none_or(|last| against_past(now, last).is_none())
    }

    pub(super) fn committed(&mut self, at: Moment) {
        self.last = Some(at);
    }
}

fn against_postgres(ours: DateTime<Utc>, postgres: DateTime<Utc>) -> Option<String> {
    let off = ours - postgres;
    let side = if off > TimeDelta::zero() {
        "ahead of"
    } else {
        "behind"
    };
    (off.abs() > MAX_SKEW).then(|| {
        format!(
            "this machine's clock ({ours}) is {} s {side} that of Postgres ({postgres}): set the \
             wrong one right (NTP), then it goes on by itself",
            off.abs().num_seconds()
        )
    })
}

/// Whether our clock is so far behind the last entry that one of the two must be wrong.
pub(super) fn is_behind(ours: DateTime<Utc>, last_entry: DateTime<Utc>) -> bool {
    last_entry - ours > MAX_SKEW
}

/// Holds our clock against the last entry's. An operator may have said that a wrong clock wrote
/// that one: then it is `waived`, for exactly that time.
pub(super) fn check_last_entry(
    name: &LedgerName,
    ours: DateTime<Utc>,
    last_entry: DateTime<Utc>,
    waived: Option<DateTime<Utc>>,
) -> Result<(), AppendError> {
    if !is_behind(ours, last_entry) || waived == Some(last_entry) {
        return Ok(());
    }
    Err(AppendError::Unavailable(format!(
        "this machine's clock ({ours}) is {} s behind the ledger's last entry ({last_entry}): set \
         it right (NTP); if it is right, a wrong clock recorded that entry: `sealrock ledger \
         correct-clock {name} --reason <why>` goes on at once, otherwise it goes on by itself when \
         that time has come",
        (last_entry - ours).num_seconds()
    )))
}

fn against_past(now: Moment, last: Moment) -> Option<String> {
    let passed = now.monotonic.saturating_sub(last.monotonic);
    let jump = (now.wall - last.wall) - delta(passed);
    let way = if jump > TimeDelta::zero() {
        "forwards"
    } else {
        "backwards"
    };
    (jump.abs() > MAX_SKEW).then(|| {
        format!(
            "this machine's clock jumped {} s {way} since the last commit, to {}: see that it is \
             right (NTP), then restart Sealrock",
            jump.abs().num_seconds(),
            now.wall
        )
    })
}

fn since_boot() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME)
        .expect("every Linux that runs Rust has this clock")
        .into()
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(clock: &Clock, now: Moment, postgres: i64, last_entry: i64) -> Option<String> {
        let off = |seconds| now.wall + TimeDelta::seconds(seconds);
        let name = "northsea".parse().expect("a name");
        let last_entry = check_last_entry(&name, now.wall, off(last_entry), None);
        match clock.check(now, off(postgres)).and(last_entry) {
            Ok(()) => None,
            Err(AppendError::Unavailable(reason)) => Some(reason),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_waiver_is_for_one_last_entry_only() {
        let name = "northsea".parse().expect("a name");
        let now = Moment::now().wall;
        let (ahead, further) = (now + TimeDelta::hours(1), now + TimeDelta::hours(2));
        assert!(check_last_entry(&name, now, ahead, Some(ahead)).is_ok());
        for waived in [None, Some(further), Some(now)] {
            assert!(check_last_entry(&name, now, ahead, waived).is_err());
        }
    }

    #[test]
    fn a_clock_more_than_a_minute_off_postgres_is_not_believed() {
        let (clock, now) = (Clock::default(), Moment::now());
        assert_eq!(refusal(&clock, now, 59, 0), None);
        assert_eq!(refusal(&clock, now, -59, 0), None);
        let behind = refusal(&clock, now, 61, 0).expect("refused");
        assert!(behind.contains("61 s behind that of Postgres"), "{behind}");
        let ahead = refusal(&clock, now, -75, 0).expect("refused");
        assert!(ahead.contains("75 s ahead of that of Postgres"), "{ahead}");
    }

    #[test]
    fn a_clock_more_than_a_minute_behind_the_last_entry_is_not_believed() {
        let (clock, now) = (Clock::default(), Moment::now());
        assert_eq!(refusal(&clock, now, 0, 59), None);
        assert_eq!(refusal(&clock, now, 0, -86_400), None);
        let behind = refusal(&clock, now, 0, 120).expect("refused");
        assert!(
            behind.contains("120 s behind the ledger's last entry"),
            "{behind}"
        );
    }

    #[test]
    fn a_clock_that_jumped_since_the_last_commit_is_not_believed() {
        let (mut clock, last) = (Clock::default(), Moment::now());
        clock.committed(last);
        let later = |wall, monotonic| Moment {
            wall: last.wall + TimeDelta::seconds(wall),
            monotonic: last.monotonic + Duration::from_secs(monotonic),
        };
        assert_eq!(refusal(&clock, later(7200, 7200), 0, 0), None);
        assert_eq!(refusal(&clock, later(59, 0), 0, 0), None);
        let jumped = refusal(&clock, later(3700, 100), 0, 0).expect("refused");
        assert!(jumped.contains("jumped 3600 s forwards"), "{jumped}");
        let jumped = refusal(&clock, later(0, 90), 0, 0).expect("refused");
        assert!(jumped.contains("jumped 90 s backwards"), "{jumped}");
    }
}
