//! Load: closed loops for what fits, open loops for what it feels like.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::Instant;

/// Histograms that the clients of a closed loop share.
const RECORDERS: usize = 8;

/// So many a second.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub fn rate(count: u64, since: std::time::Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

/// What a load came to.
pub struct Load {
    /// Requests that were answered.
    pub answered: u64,
    /// Requests that failed.
    pub failed: u64,
    /// From the first request to the last answer.
    pub took: Duration,
    /// Microseconds a request.
    pub latency: Histogram<u64>,
}

impl Load {
    fn new() -> Self {
        Self {
            answered: 0,
            failed: 0,
            took: Duration::ZERO,
            latency: histogram(),
        }
    }

    /// Answers a second.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }

    /// Milliseconds at this quantile of 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a run")]
    pub fn ms(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }

    fn record(&mut self, latency: Duration, answered: bool) {
        if answered {
            self.answered += 1;
        } else {
            self.failed += 1;
        }
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency.saturating_record(micros.max(1));
    }

    fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.failed += other.failed;
        self.latency += &other.latency;
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000, 3).expect("constant bounds are valid")
}

/// `clients` clients, each with one request after the other, for this long. `request` gets a number
/// that no other request has, and answers whether it succeeded.
pub async fn closed_loop<F, R>(clients: usize, span: Duration, request: F) -> Load
where
    F: Fn(u64) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = bool> + Send,
{
    let next = Arc::new(AtomicU64::new(0));
    // A histogram has 300 kB: one for each of a thousand clients would empty the caches.
    let loads: Vec<_> = (0..clients.min(RECORDERS))
        .map(|_| Arc::new(Mutex::new(Load::new())))
        .collect();
    let begun = Instant::now();
    let end = begun + span;
    let mut all = JoinSet::new();
    for client in 0..clients {
        let (next, request) = (Arc::clone(&next), request.clone());
        let load = Arc::clone(&loads[client % loads.len()]);
        all.spawn(async move {
            while Instant::now() < end {
                let started = Instant::now();
                let answered = request(next.fetch_add(1, Ordering::Relaxed)).await;
                let took = started.elapsed();
                load.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .record(took, answered);
            }
        });
    }
    while all.join_next().await.is_some() {}
    let mut sum = Load::new();
    for load in loads {
        sum.add(&load.lock().unwrap_or_else(PoisonError::into_inner));
    }
    sum.took = begun.elapsed();
    sum
}

/// `rate` requests a second whether or not earlier ones are answered. A latency counts from when the
/// request was due, so that a stall is felt by all that came during it (no coordinated omission).
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are far below 2^53"
)]
pub async fn open_loop<F, R>(rate: f64, span: Duration, request: F) -> Load
where
    F: Fn(u64) -> R,
    R: Future<Output = bool> + Send + 'static,
{
    let begun = Instant::now();
    let mut all = JoinSet::new();
    let mut load = Load::new();
    // The timers of the runtime are a millisecond apart, which would be the generator's latency.
    block_in_place(|| {
        for number in 0..(rate * span.as_secs_f64()) as u64 {
            let due = begun + Duration::from_secs_f64(number as f64 / rate);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let answer = request(number);
            all.spawn(async move {
                let answered = answer.await;
                (due.elapsed(), answered)
            });
            while let Some(Ok((latency, answered))) = all.try_join_next() {
                load.record(latency, answered);
            }
        }
    });
    while let Some(Ok((latency, answered))) = all.join_next().await {
        load.record(latency, answered);
    }
    load.took = begun.elapsed();
    load
}
