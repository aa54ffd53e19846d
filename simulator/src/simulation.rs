//! Runs models: samples on schedule, batches to their publishers.

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::batch::{Batch, BatchBuilder, Boot, Source};
use crate::clock::Schedule;
use crate::credential::Credential;
use crate::history::History;
use crate::models::Model;
use crate::publisher::{Options, ProgressSink, Publisher, Stop};
use crate::seed::Seed;
use crate::slug::Slug;

/// A device to run: who it is, what it measures and when.
#[derive(Clone, Debug)]
pub struct Device {
    /// How it signs in and where it publishes.
    pub credential: Credential,
    /// What it measures.
    pub model: Model,
    /// The seed of its whole chain, not of the device alone.
    pub seed: Seed,
    /// What it measured before, to be sent first; the schedule then begins at the wall clock.
    pub history: Option<History>,
    /// When it samples; each sample is a batch.
    pub schedule: Schedule,
    /// Names this run; [`Boot::random`] unless the bytes must repeat.
    pub boot: Boot,
}

/// How a fleet runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct FleetOptions {
    /// How each device publishes.
    pub publisher: Options,
    /// Batches a device, then it ends; `None` runs until stopped.
    pub batches: Option<u64>,
}

/// How a device's run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceReport {
    /// The device.
    pub name: Slug,
    /// Batches taken but never answered.
    pub unanswered: usize,
}

impl Device {
    /// The batches of the device's schedule, from the first: a pure function of the device, so
    /// the same seed, schedule and boot give the same bytes.
    pub fn batches(&self) -> impl Iterator<Item = Batch> + use<> {
        self.live(self.builder(), self.schedule)
    }

    fn builder(&self) -> BatchBuilder {
        BatchBuilder::new(self.boot.clone(), Source::Simulator)
    }

    fn live(
        &self,
        mut builder: BatchBuilder,
        schedule: Schedule,
    ) -> impl Iterator<Item = Batch> + use<> {
        let (model, seed) = (self.model, self.seed);
        (0..).map(move |n| {
            let at = schedule.sample_at(n);
            builder.build(&model.readings(seed, at), at)
        })
    }

    /// Sends each batch at its time, until enough are sent or nobody listens.
    async fn produce(self, limit: Option<u64>, sink: mpsc::Sender<Batch>) {
        let mut builder = self.builder();
        let mut schedule = self.schedule;
        if let Some(history) = self.history {
            if self.catch_up(history, &mut builder, &sink).await.is_none() {
                return;
            }
            schedule = schedule.beginning(chrono::Utc::now());
        }
        let begun = Instant::now();
        let mut batches = self.live(builder, schedule);
        for n in 0..limit.unwrap_or(u64::MAX) {
            let now = (Instant::now(), chrono::Utc::now());
            let Some(batch) = batches.next() else { return };
            if hand_over(&sink, batch, schedule.due(n, begun, now))
                .await
                .is_none()
            {
                return;
            }
        }
    }

    /// Sends the history up to the wall clock; `None` if nobody listens any more.
    async fn catch_up(
        &self,
        mut history: History,
        builder: &mut BatchBuilder,
        sink: &mpsc::Sender<Batch>,
    ) -> Option<()> {
        let begun = Instant::now();
        loop {
            let samples = history.samples(chrono::Utc::now());
            let Some(last) = samples.last() else {
                return Some(());
            };
            let readings: Vec<_> = samples
                .iter()
                .flat_map(|at| self.model.readings(self.seed, *at))
                .collect();
            let batch = builder.build(&readings, *last);
            hand_over(sink, batch, history.due(*last, begun)).await?;
            history = history.without(&samples);
        }
    }
}

/// Hands the batch over when it is due; `None` if nobody takes it any more.
async fn hand_over(sink: &mpsc::Sender<Batch>, batch: Batch, due: Instant) -> Option<()> {
    tokio::select! {
        () = sleep_until(due) => {}
        () = sink.closed() => return None,
    }
    sink.send(batch).await.ok()
}

/// Runs devices, each on its own connection, until they end or are stopped.
///
/// # Panics
/// When a device's task panicked.
pub async fn run_fleet(
    devices: Vec<Device>,
    options: FleetOptions,
    progress: &ProgressSink,
    stop: &Stop,
) -> Vec<DeviceReport> {
    let mut tasks = JoinSet::new();
    for device in devices {
        tasks.spawn(run(device, options, progress.clone(), stop.clone()));
    }
    let mut reports = tasks.join_all().await;
    reports.sort_by(|a, b| a.name.cmp(&b.name));
    reports
}

async fn run(
    device: Device,
    options: FleetOptions,
    progress: ProgressSink,
    stop: Stop,
) -> DeviceReport {
    let name = device.credential.name.clone();
    let publisher = Publisher::new(device.credential.clone(), options.publisher, progress, stop);
    let (sink, batches) = mpsc::channel(64);
    let ((), unanswered) = tokio::join!(
        device.produce(options.batches, sink),
        publisher.run(batches)
    );
    DeviceReport { name, unanswered }
}
