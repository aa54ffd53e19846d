//! What is known of one who is asked again and again.

use std::time::Duration;

use tokio::time::Instant;

/// The longest pause after failures.
const LONGEST: Duration = Duration::from_mins(1);

/// How far a witness has come, and how long it is left in peace after failures. Lost with the
/// process: a witness says itself how far it is.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Entries of the checkpoint that it cosigned last.
    pub(crate) size: u64,
    failures: u32,
    rest: Option<Instant>,
}

impl Memory {
    /// Whether it may be asked now.
    pub(crate) fn is_due(&self) -> bool {
        self.rest.is_none_or(|until| until <= Instant::now())
    }

    /// When it may be asked again, if it failed.
    pub(crate) fn rest(&self) -> Option<Instant> {
        self.rest
    }

    /// It answered.
    pub(crate) fn succeeded(&mut self) {
        (self.failures, self.rest) = (0, None);
    }

    /// It did not: leave it alone for twice as long as the last time, somewhat at random, so that
    /// not all who wait for it come at once. Answers for how many times in a row now.
    pub(crate) fn failed(&mut self) -> u32 {
        let pause = Duration::from_secs(1 << self.failures.min(6)).min(LONGEST);
        let pause = pause.mul_f64(rand::Rng::gen_range(&mut rand::thread_rng(), 0.5..1.0));
        self.rest = Some(Instant::now() + pause);
        self.failures += 1;
        self.failures
    }
}
