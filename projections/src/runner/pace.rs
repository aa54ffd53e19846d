//! How a read model that keeps up saves work: the busier a ledger is, the larger and fewer are its steps.

use std::time::{Duration, Instant};

/// Entries a second from which on they gather for [`REST`]; below, for as much less as fewer come. A step
/// costs Postgres a transaction, and a write of each row that it changes, however often the row changed
/// meanwhile.
const BUSY: f64 = 1_000.0;
const REST: Duration = Duration::from_millis(750);
/// Entries a second below which each has a step of its own.
const FEW: f64 = 20.0;

/// Over how long that is measured at least: a few entries in one moment are no load.
const WINDOW: Duration = Duration::from_millis(250);

/// Measures how fast entries come.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    last: Option<(Instant, u64)>,
}

impl Pace {
    /// How long to rest after a step to index `next` of a ledger that has `size` entries: not at all
    /// while more wait than came during the step, or while few come.
    pub(crate) fn rest(&mut self, next: u64, size: u64, now: Instant) -> Duration {
        let Some((then, before)) = self.last else {
            self.last = Some((now, next));
            return Duration::ZERO;
        };
        if now.duration_since(then) < WINDOW {
            return Duration::ZERO;
        }
        self.last = Some((now, next));
        let come = next.saturating_sub(before);
        let seconds = now.duration_since(then).as_secs_f64();
        let behind = size.saturating_sub(next) > come;
        let rate = approximate(come) / seconds;
        if behind || rate < FEW {
            return Duration::ZERO;
        }
        REST.mul_f64((rate / BUSY).min(1.0))
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
        let mut rest = |next, size, millis| pace.rest(next, size, at(millis));
        assert_eq!(rest(100, 100, 0), Duration::ZERO, "the first step");
        assert_eq!(rest(300, 320, 100), Duration::ZERO, "too short to tell");
        assert_eq!(rest(900, 920, 300), REST, "2,667 a second");
        assert_eq!(rest(1_500, 9_000, 700), Duration::ZERO, "behind");
        assert_eq!(rest(1_650, 1_650, 1_000), REST / 2, "500 a second");
        assert_eq!(rest(2_650, 2_650, 60_000), Duration::ZERO, "after quiet");
        assert_eq!(rest(2_660, 2_660, 60_005), Duration::ZERO, "ten in 5 ms");
    }
}
