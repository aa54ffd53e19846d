//! What became of the batches, and when.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::time::Instant;

use super::lane::Plan;

/// Counts of a load that runs; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<Counts>>);

#[derive(Debug)]
struct Counts {
    begun: Instant,
    sent: u64,
    acknowledged: u64,
    failed: u64,
    /// Acknowledged in each second since the begin.
    seconds: Vec<u64>,
    last: Option<Instant>,
    /// Microseconds from due to acknowledged.
    latency: Histogram<u64>,
    /// What failed last.
    reason: Option<String>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            sent: 0,
            acknowledged: 0,
            failed: 0,
            seconds: Vec::new(),
            last: None,
            latency: Histogram::new_with_bounds(1, 3_600_000_000, 3)
                .expect("constant bounds are valid"),
            reason: None,
        }
    }
}

/// What became of a load.
#[derive(Clone, Debug, Serialize)]
pub struct LoadReport {
    /// Batches that were due.
    pub offered: u64,
    /// Batches that were sent.
    pub sent: u64,
    /// Batches that were answered: PUBACK, or 2xx.
    pub acknowledged: u64,
    /// Batches that were refused, or lost with their connection.
    pub failed: u64,
    /// Sent, and neither answered nor lost in time.
    pub unanswered: u64,
    /// Due, and never sent: the other side took no more.
    pub unsent: u64,
    /// Seconds for which load was offered.
    pub seconds: f64,
    /// Batches a second that were offered.
    pub rate: f64,
    /// Batches a second that were acknowledged, until the last acknowledgement.
    pub acknowledged_rate: f64,
    /// Acknowledged in each second since the begin.
    pub acknowledged_per_second: Vec<u64>,
    /// From when a batch was due to its acknowledgement.
    pub latency_ms: Latency,
    /// What failed last.
    pub last_failure: Option<String>,
}

/// Quantiles, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// Half were faster.
    pub p50: f64,
    /// Nine of ten were faster.
    pub p90: f64,
    /// 99 of 100 were faster.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

impl Tally {
    pub(super) fn begin(&self, begun: Instant) {
        self.lock().begun = begun;
    }

    pub(super) fn sent(&self, batches: u64) {
        self.lock().sent += batches;
    }

    pub(super) fn acknowledged(&self, due: Instant) {
        let now = Instant::now();
        let mut counts = self.lock();
        counts.acknowledged += 1;
        counts.last = Some(now);
        let second = (now - counts.begun).as_secs();
        let second = usize::try_from(second).unwrap_or(usize::MAX - 1);
        if counts.seconds.len() <= second {
            counts.seconds.resize(second + 1, 0);
        }
        counts.seconds[second] += 1;
        let micros = u64::try_from((now - due).as_micros()).unwrap_or(u64::MAX);
        counts.latency.saturating_record(micros.max(1));
    }

    pub(super) fn failed(&self, batches: u64, reason: String) {
        let mut counts = self.lock();
        counts.failed += batches;
        counts.reason = Some(reason);
    }

    /// What was acknowledged and what failed until now.
    #[must_use]
    pub fn now(&self) -> (u64, u64) {
        let counts = self.lock();
        (counts.acknowledged, counts.failed)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(super) fn report(&self, plan: &Plan, rate: f64) -> LoadReport {
        let counts = self.lock();
        let ms = |micros: u64| micros as f64 / 1000.0;
        let ended = Instant::now().min(plan.end);
        let offered = plan.due_until(ended);
        let until = counts.last.unwrap_or(ended).max(ended);
        let took = (until - plan.begun).max(Duration::from_millis(1));
        LoadReport {
            offered,
            sent: counts.sent,
            acknowledged: counts.acknowledged,
            failed: counts.failed,
            unanswered: counts
                .sent
                .saturating_sub(counts.acknowledged + counts.failed),
            unsent: offered.saturating_sub(counts.sent),
            seconds: (ended - plan.begun).as_secs_f64(),
            rate,
            acknowledged_rate: counts.acknowledged as f64 / took.as_secs_f64(),
            acknowledged_per_second: counts.seconds.clone(),
            latency_ms: Latency {
                p50: ms(counts.latency.value_at_quantile(0.5)),
                p90: ms(counts.latency.value_at_quantile(0.9)),
                p99: ms(counts.latency.value_at_quantile(0.99)),
                max: ms(counts.latency.max()),
            },
            last_failure: counts.reason.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Latency { p50, p90, p99, max } = self.latency_ms;
        writeln!(
            f,
            "offered       {} batches, {:.0} a second for {:.0} s",
            self.offered, self.rate, self.seconds
        )?;
        writeln!(f, "sent          {}", self.sent)?;
        writeln!(
            f,
            "acknowledged  {}, {:.0} a second",
            self.acknowledged, self.acknowledged_rate
        )?;
        write!(
            f,
            "failed        {}, unanswered {}, never sent {}",
            self.failed, self.unanswered, self.unsent
        )?;
        match &self.last_failure {
            Some(reason) => writeln!(f, " (last: {reason})")?,
            None => writeln!(f)?,
        }
        writeln!(
            f,
            "latency       p50 {p50:.1} ms, p90 {p90:.1} ms, p99 {p99:.1} ms, max {max:.1} ms from due to acknowledged"
        )?;
        write!(f, "each second  ")?;
        for second in &self.acknowledged_per_second {
            write!(f, " {second}")?;
        }
        Ok(())
    }
}
