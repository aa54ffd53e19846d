//! Keeps what happens all the time from filling the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_mins(1);

/// Lets one through, then none for a minute.
pub(crate) struct OncePerMinute(Mutex<Option<Instant>>);

impl OncePerMinute {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn admits(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = last.is_none_or(|last| now.saturating_duration_since(last) >= MINUTE);
        if admitted {
            *last = Some(now);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_minute_is_let_through() {
        let (once, start) = (OncePerMinute::new(), Instant::now());
        let admitted = [0, 1, 59, 60, 61, 119, 120]
            .map(|seconds| once.admits(start + Duration::from_secs(seconds)));
        assert_eq!(admitted, [true, false, false, true, false, false, true]);
    }
}
