//! How a read model that keeps up saves work: while a ledger is busy it takes larger steps, fewer of them.

use std::time::{Duration, Instant};

/// Entries a second from which on a ledger is busy.
const BUSY: f64 = 1_000.0;
/// How long entries gather then: a step costs Postgres a transaction, and a write of each row that it
/// changes, however often the row changed meanwhile.
const REST: Duration = Duration::from_millis(500);

/// Measures how fast entries come.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    last: Option<(Instant, u64)>,
}

impl Pace {
    /// How long to rest after a step to index `next` of a ledger that has `size` entries: not at all
    /// while more wait than came during the step, or while few come.
    pub(crate) fn rest(&mut self, next: u64, size: u64, now: Instant) -> Duration {
        let last = self.last.replace((now, next));
        let Some((then, before)) = last else {
            return Duration::ZERO;
        };
        let come = next.saturating_sub(before);
        let seconds = now.duration_since(then).as_secs_f64();
        let behind = size.saturating_sub(next) > come;
        if behind || seconds <= 0.0 || approximate(come) / seconds < BUSY {
            return Duration::ZERO;
        }
        REST
    }
}

#[expect(clippy::cast_precision_loss, reason = "entries of one step")]
fn approximate(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_rests_only_while_many_entries_come_and_it_keeps_up() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::default();
        assert_eq!(pace.rest(100, 100, at(0)), Duration::ZERO, "the first step");
        assert_eq!(pace.rest(300, 320, at(100)), REST, "2,000 a second");
        assert_eq!(pace.rest(1_000, 9_000, at(400)), Duration::ZERO, "behind");
        assert_eq!(
            pace.rest(1_050, 1_050, at(500)),
            Duration::ZERO,
            "500 a second"
        );
        assert_eq!(
            pace.rest(3_050, 3_050, at(60_000)),
            Duration::ZERO,
            "a burst after quiet"
        );
    }
}
