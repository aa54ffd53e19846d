//! Runs models: samples on schedule, batches to their publishers.

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::batch::{Batch, BatchBuilder, Boot, Source};
use crate::clock::Schedule;
use crate::credential::Credential;
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
    /// The device's batches, from the first: a pure function of the device, so
    /// the same seed, schedule and boot give the same bytes.
    pub fn batches(&self) -> impl Iterator<Item = Batch> + use<> {
        let (model, seed, schedule) = (self.model, self.seed, self.schedule);
        let mut builder = BatchBuilder::new(self.boot.clone(), Source::Simulator);
        (0..).map(move |n| {
            let at = schedule.sample_at(n);
            builder.build(&model.readings(seed, at), at)
        })
    }

    /// Sends each batch at its time, until enough are sent or nobody listens.
    async fn produce(self, limit: Option<u64>, sink: mpsc::Sender<Batch>) {
        let begun = Instant::now();
        let mut batches = self.batches();
        for n in 0..limit.unwrap_or(u64::MAX) {
            let now = (Instant::now(), chrono::Utc::now());
            let due = sleep_until(self.schedule.due(n, begun, now));
            tokio::select! {
                () = due => {}
                () = sink.closed() => return,
            }
            let Some(batch) = batches.next() else { return };
            if sink.send(batch).await.is_err() {
                return;
            }
        }
    }
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
