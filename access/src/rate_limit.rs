//! How much anybody may ask at a time: a bucket for each key that fills up steadily.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// What may be saved up, in seconds' worth: who was still for a while may hurry.
const BURST: u32 = 10;
/// Questions between two looks at how many keys there are.
const LOOK: usize = 256;
/// Keys that are kept without a look whether they are needed.
const FEW: usize = 10_000;

/// So many a second for each key, and ten seconds' worth at once.
///
/// A key takes memory only until its bucket is full again, some ten seconds after it was last seen, so
/// there are as many as are seen in that time: nobody fills the memory by calling himself otherwise.
#[derive(Debug)]
pub struct RateLimit<K: Hash + Eq + Clone> {
    buckets: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    asked: AtomicUsize,
    /// Keys at which those are swept out that are not needed any more.
    sweep_at: AtomicUsize,
}

impl<K: Hash + Eq + Clone> RateLimit<K> {
    /// So many a second.
    #[must_use]
    pub fn new(per_second: NonZeroU32) -> Self {
        let burst = per_second.saturating_mul(NonZeroU32::new(BURST).unwrap_or(NonZeroU32::MIN));
        Self {
            buckets: RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst)),
            clock: DefaultClock::default(),
            asked: AtomicUsize::new(0),
            sweep_at: AtomicUsize::new(FEW),
        }
    }

    /// Takes one from the key's bucket.
    ///
    /// # Errors
    /// If it is empty: the time after which it is not. Nothing is taken then.
    pub fn take(&self, key: &K) -> Result<(), Duration> {
        if self
            .asked
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(LOOK)
        {
            self.sweep();
        }
        self.buckets
            .check_key(key)
            .map_err(|refused| refused.wait_time_from(self.clock.now()))
    }

    fn sweep(&self) {
        if self.buckets.len() < self.sweep_at.load(Ordering::Relaxed) {
            return;
        }
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
        let next = FEW.max(2 * self.buckets.len());
        self.sweep_at.store(next, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(per_second: u32) -> RateLimit<u32> {
        RateLimit::new(NonZeroU32::new(per_second).expect("not 0"))
    }

    #[test]
    fn each_key_has_ten_seconds_worth_and_is_told_when_there_is_more() {
        // One in a second: slow enough that no test machine waits so long between two lines.
        let limit = limit(1);
        assert_eq!((0..10).filter(|_| limit.take(&7).is_ok()).count(), 10);
        let wait = limit.take(&7).expect_err("the bucket is empty");
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_secs(1),
            "{wait:?}"
        );
        assert_eq!(limit.take(&8), Ok(()));
    }

    #[test]
    fn keys_that_are_full_again_are_forgotten() {
        // A bucket of ten million is full again at once.
        let limit = limit(1_000_000);
        for key in 0..5 * u32::try_from(FEW).expect("few") {
            assert_eq!(limit.take(&key), Ok(()));
        }
        let kept = limit.buckets.len();
        assert!(kept < 2 * FEW, "{kept}");
    }
}
