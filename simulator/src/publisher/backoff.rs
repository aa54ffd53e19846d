//! How long to wait before the next attempt to connect.

use std::time::Duration;

use rand::Rng;

/// Doubles from `first` to `most`; each wait is drawn from its upper half, so a
/// fleet that lost its broker does not come back in one moment.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, most: Duration) -> Self {
        Self {
            first,
            most,
            next: first,
        }
    }

    /// A connection held: begin small again.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }

    pub(super) fn wait(&mut self) -> Duration {
        let full = self.next.min(self.most);
        self.next = (full * 2).min(self.most);
        full.mul_f64(rand::thread_rng().gen_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most_and_start_over_after_a_reset() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(100), ms(300));
        for most in [100, 200, 300, 300] {
            let wait = backoff.wait();
            assert!(
                wait >= ms(most) / 2 && wait <= ms(most),
                "{wait:?} of {most}"
            );
        }
        backoff.reset();
        assert!(backoff.wait() <= ms(100));
    }
}
