//! Large batches are decoded by some processors at a time: decoding one takes milliseconds in which a
//! processor does nothing else, and what is quick (a probe, a small batch) does not wait for all of them.

use std::num::NonZero;
use std::thread::available_parallelism;

use tokio::sync::{Semaphore, SemaphorePermit};

/// Bytes from which a batch is large.
const LARGE: usize = 32 << 10;

/// Turns at decoding large batches: as many at a time as half of the processors.
pub(super) struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        Self(Semaphore::new((processors / 2).max(1)))
    }
}

impl Turns {
    /// Waits for a turn, which a batch of so many bytes may not need.
    pub(super) async fn at(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        if bytes < LARGE {
            return None;
        }
        let turn = self.0.acquire().await;
        Some(turn.expect("nobody closes this semaphore"))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_large_batch_waits_for_those_before_it_and_a_small_one_for_none() {
        let turns = Turns(Semaphore::new(1));
        let first = turns.at(LARGE).await;
        assert!(first.is_some());
        assert!(turns.at(LARGE).now_or_never().is_none());
        assert!(turns.at(LARGE - 1).await.is_none());
        drop(first);
        assert!(turns.at(LARGE).await.is_some());
    }
}
