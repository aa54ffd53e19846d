//! Issuances that cannot go on: each is tried again after a growing while.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

/// The first while, and the longest.
const WHILES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(10));

/// When to try which again.
#[derive(Default)]
pub(super) struct Standing {
    issuances: HashMap<Uuid, Trial>,
}

struct Trial {
    again_at: Instant,
    pause: Duration,
}

impl Standing {
    /// Those that are not to be tried at `now`.
    pub(super) fn waiting(&self, now: Instant) -> Vec<Uuid> {
        let waiting = self.issuances.iter();
        let waiting = waiting.filter(|(_, trial)| trial.again_at > now);
        waiting.map(|(issuance, _)| *issuance).collect()
    }

    /// What a look that began at `now` found: these failed, and all others that were due have gone
    /// on.
    pub(super) fn note(&mut self, now: Instant, failed: impl IntoIterator<Item = Uuid>) {
        let mut due: HashMap<Uuid, Trial> = HashMap::new();
        self.issuances.retain(|issuance, trial| {
            if trial.again_at > now {
                return true;
            }
            let (again_at, pause) = (trial.again_at, trial.pause);
            due.insert(*issuance, Trial { again_at, pause });
            false
        });
        for issuance in failed {
            let before = due.get(&issuance).map(|trial| trial.pause);
            let pause = before.map_or(WHILES.0, |pause| (pause * 2).min(WHILES.1));
            let again_at = now + pause;
            self.issuances.insert(issuance, Trial { again_at, pause });
        }
    }

    /// How many cannot go on.
    pub(super) fn len(&self) -> usize {
        self.issuances.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_again_waits_twice_as_long_and_what_goes_on_is_forgotten() {
        let (mut standing, start) = (Standing::default(), Instant::now());
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        standing.note(start, [one, other]);
        assert_eq!(standing.waiting(start).len(), 2);
        let later = start + WHILES.0;
        assert!(standing.waiting(later).is_empty());
        standing.note(later, [one]);
        assert_eq!(standing.len(), 1);
        assert_eq!(standing.waiting(later + WHILES.0), [one]);
        assert!(standing.waiting(later + WHILES.0 * 2).is_empty());
    }

    #[test]
    fn nothing_waits_longer_than_the_longest_while() {
        let (mut standing, mut now) = (Standing::default(), Instant::now());
        for _ in 0..20 {
            standing.note(now, [Uuid::nil()]);
            now += WHILES.1;
            assert!(standing.waiting(now).is_empty());
        }
    }

    #[test]
    fn a_look_that_leaves_out_who_waits_does_not_forget_them() {
        let (mut standing, start) = (Standing::default(), Instant::now());
        standing.note(start, [Uuid::nil()]);
        standing.note(start, []);
        assert_eq!(standing.waiting(start), [Uuid::nil()]);
    }
}
