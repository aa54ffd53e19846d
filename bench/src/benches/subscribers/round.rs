//! Events at a rate, and what the audience made of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;

use super::baseline::Baseline;
use super::clients::{Audience, Heard, Socket};
use super::ours::Ours;
use crate::harness::{CpuMeter, Spent, open_loop};

/// One of the two that are compared.
pub enum Side {
    Ours(Ours),
    Baseline(Box<Baseline>),
}

/// An event that was acknowledged: its number, and its place in the ledger or the table.
pub type Published = (u64, u64);

/// What a round came to.
pub struct Round {
    latency: Histogram<u64>,
    span: Duration,
    /// Deliveries that did not come.
    pub lost: f64,
    /// That came again.
    pub doubled: f64,
    /// That came after one of a later place.
    pub disordered: f64,
    pub cpu: Spent,
}

impl Side {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ours(_) => "ours",
            Self::Baseline(_) => "baseline",
        }
    }

    /// Sends one event of this site; returns when it is durable.
    pub async fn publish(&self, site: usize) -> anyhow::Result<Published> {
        match self {
            Self::Ours(ours) => ours.publish(site).await,
            Self::Baseline(baseline) => baseline.publish(site).await,
        }
    }

    pub async fn subscribe(&self, site: usize) -> anyhow::Result<Socket> {
        match self {
            Self::Ours(ours) => ours.subscribe(site).await,
            Self::Baseline(baseline) => baseline.subscribe(site).await,
        }
    }

    /// The microsecond that each place bears, from this place on.
    async fn recorded(&self, from: u64) -> anyhow::Result<HashMap<u64, u64>> {
        match self {
            Self::Ours(ours) => ours.recorded(from).await,
            Self::Baseline(baseline) => baseline.recorded(from).await,
        }
    }

    fn cpu(&self) -> anyhow::Result<CpuMeter> {
        match self {
            Self::Ours(ours) => ours.cpu(),
            Self::Baseline(baseline) => baseline.cpu(),
        }
    }
}

/// Publishes at `rate` in all, each site in turn, and judges what was heard.
pub async fn run(
    side: &Arc<Side>,
    audience: &Audience,
    sites: &[usize],
    rate: f64,
    span: Duration,
) -> anyhow::Result<Round> {
    audience.take();
    let published = Arc::new(Mutex::new(Vec::new()));
    let failure = Arc::new(OnceLock::new());
    let before = audience.count();
    let meter = side.cpu()?;
    let spent = meter.read();
    let load = open_loop(rate, span, |number| {
        let (side, published) = (Arc::clone(side), Arc::clone(&published));
        let failure = Arc::clone(&failure);
        let site = sites[usize::try_from(number).unwrap_or_default() % sites.len()];
        async move {
            let event = match side.publish(site).await {
                Ok(event) => event,
                Err(error) => {
                    let _ = failure.set(format!("{error:#}"));
                    return false;
                }
            };
            published
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((site, event));
            true
        }
    })
    .await;
    if let Some(failure) = failure.get() {
        anyhow::bail!("{} events were not taken: {failure}", load.failed);
    }
    let published = std::mem::take(&mut *published.lock().unwrap_or_else(PoisonError::into_inner));
    let expected: usize = published.iter().map(|(site, _)| audience.of(*site)).sum();
    audience.settle(before, expected as u64).await;
    let cpu = meter.since(&spent);
    let first = published
        .iter()
        .map(|(_, event)| event.1)
        .min()
        .unwrap_or_default();
    let times = side.recorded(first).await?;
    Judge::new(published, &times)?.judge(&audience.take(), load.took, cpu)
}

/// What was published, by site in the order of the places.
struct Judge {
    by_site: HashMap<usize, Vec<Published>>,
    recorded: HashMap<u64, u64>,
}

impl Judge {
    fn new(published: Vec<(usize, Published)>, times: &HashMap<u64, u64>) -> anyhow::Result<Self> {
        let mut judge = Self {
            by_site: HashMap::new(),
            recorded: HashMap::new(),
        };
        for (site, (number, place)) in published {
            let Some(at) = times.get(&place) else {
                anyhow::bail!("event {number} was acknowledged and is not at {place}");
            };
            judge.recorded.insert(number, *at);
            judge.by_site.entry(site).or_default().push((number, place));
        }
        let sites = judge.by_site.values_mut();
        sites.for_each(|events| events.sort_unstable_by_key(|event| event.1));
        Ok(judge)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn judge(
        &self,
        heard: &[(usize, Vec<Heard>)],
        span: Duration,
        cpu: Spent,
    ) -> anyhow::Result<Round> {
        let mut latency = Histogram::new_with_bounds(1, 600_000_000, 3)?;
        let (mut lost, mut doubled, mut disordered) = (0, 0, 0);
        let none = Vec::new();
        for (site, heard) in heard {
            let due = self.by_site.get(site).unwrap_or(&none);
            let places: HashMap<u64, u64> = due.iter().copied().collect();
            let mut seen = std::collections::HashSet::new();
            let mut last = 0;
            for (number, at) in heard {
                let Some(place) = places.get(number) else {
                    anyhow::bail!("a subscriber of site {site} heard of event {number}");
                };
                doubled += usize::from(!seen.insert(*number));
                disordered += usize::from(*place < last);
                last = last.max(*place);
                latency.saturating_record(at.saturating_sub(self.recorded[number]).max(1));
            }
            lost += due.len() - seen.len();
        }
        Ok(Round {
            latency,
            span,
            lost: lost as f64,
            doubled: doubled as f64,
            disordered: disordered as f64,
            cpu,
        })
    }
}

impl Round {
    /// Milliseconds from commit to client.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a run")]
    pub fn ms(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// Deliveries a second.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn rate(&self) -> f64 {
        self.latency.len() as f64 / self.span.as_secs_f64()
    }

    /// Deliveries that broke the promise.
    pub fn wrong(&self) -> f64 {
        self.lost + self.doubled + self.disordered
    }
}

/// Microseconds of this machine's clock.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    })
}
