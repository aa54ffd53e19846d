//! From rows to publishers, at a chosen rate.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::mapping::{BadRows, Mapping};
use super::rows::{BadRow, Row, RowError, Rows};
use crate::batch::{Batch, BatchBuilder, Boot};
use crate::credential::Credential;
use crate::publisher::{Options, Overflow, ProgressSink, Publisher, Stop};
use crate::slug::Slug;

/// Bad rows that a report quotes; all are counted.
const QUOTED: usize = 20;

/// How a recording is played.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// Rows a second; `None` plays as fast as the answers come.
    pub rate: Option<f64>,
    /// What to do with a row that cannot be read.
    pub bad_rows: BadRows,
    /// Moves all times so that the first row has this one.
    pub first_row_at: Option<DateTime<Utc>>,
    /// Names this run.
    pub boot: Boot,
    /// How the devices publish. Nothing is dropped, whatever its overflow says.
    pub publisher: Options,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self {
            rate: None,
            bad_rows: BadRows::Skip,
            first_row_at: None,
            boot: Boot::random(),
            publisher: Options::default(),
        }
    }
}

/// What was played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// Rows played.
    pub rows: u64,
    /// Readings in them.
    pub readings: u64,
    /// Batches made of them: one a row and device.
    pub batches: u64,
    /// Batches that were not answered, because of a stop.
    pub unanswered: usize,
    /// Rows that could not be read.
    pub bad_rows: u64,
    /// The first of them.
    pub first_bad: Vec<BadRow>,
}

impl fmt::Display for ReplayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rows,
            readings,
            batches,
            unanswered,
            bad_rows,
            first_bad,
        } = self;
        write!(
            f,
            "{rows} rows, {readings} readings, {batches} batches, {unanswered} unanswered, {bad_rows} bad rows"
        )?;
        first_bad.iter().try_for_each(|bad| write!(f, "\n  {bad}"))
    }
}

/// Why a recording was not played to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be opened.
    #[error("{0}: {1}")]
    Open(String, std::io::Error),
    /// The file does not fit its mapping, or a bad row was to stop the replay.
    #[error(transparent)]
    Row(#[from] RowError),
    /// A device of the mapping has no credential.
    #[error(
        "the mapping needs device `{0}`: add it with `sealrock device add … --name {0} --json`"
    )]
    NoCredential(Slug),
    /// A rate that is no positive number.
    #[error("a rate of {0} rows/s cannot be played: give a number above 0")]
    Rate(f64),
}

/// Plays `file` once through the devices that its mapping names, and returns when
/// every batch is answered or a stop was asked for.
///
/// # Errors
/// What was published before a failing row stays published.
///
/// # Panics
/// When a device's task panicked.
pub async fn replay(
    file: &Path,
    mapping: Mapping,
    credentials: &[Credential],
    options: ReplayOptions,
    progress: &ProgressSink,
    stop: &Stop,
) -> Result<ReplayReport, ReplayError> {
    let pace = options.rate.map(period).transpose()?;
    let opened = File::open(file).map_err(|e| ReplayError::Open(file.display().to_string(), e))?;
    let rows = Rows::open(BufReader::new(opened), mapping.clone())?;
    let mut publishers = JoinSet::new();
    let mut devices = Devices::default();
    for name in mapping.devices() {
        let found = credentials
            .iter()
            .find(|credential| credential.name == *name);
        let credential = found.ok_or_else(|| ReplayError::NoCredential(name.clone()))?;
        let (sink, batches) = mpsc::channel(64);
        let publisher_options = Options {
            overflow: Overflow::Wait,
            ..options.publisher
        };
        let publisher = Publisher::new(
            credential.clone(),
            publisher_options,
            progress.clone(),
            stop.clone(),
        );
        publishers.spawn(publisher.run(batches));
        let builder = BatchBuilder::new(options.boot.clone(), mapping.source);
        devices.0.insert(name.clone(), (builder, sink));
    }
    let played = play(rows, devices, &options, pace, stop.clone()).await;
    let unanswered = publishers.join_all().await.into_iter().sum();
    Ok(ReplayReport {
        unanswered,
        ..played?
    })
}

fn period(rate: f64) -> Result<Duration, ReplayError> {
    let period = Duration::try_from_secs_f64(1.0 / rate);
    period
        .ok()
        .filter(|_| rate > 0.0)
        .ok_or(ReplayError::Rate(rate))
}

/// Each device's counter and its publisher.
#[derive(Default)]
struct Devices(BTreeMap<Slug, (BatchBuilder, mpsc::Sender<Batch>)>);

async fn play(
    rows: Rows<BufReader<File>>,
    mut devices: Devices,
    options: &ReplayOptions,
    pace: Option<Duration>,
    mut stop: Stop,
) -> Result<ReplayReport, RowError> {
    let mut report = ReplayReport::default();
    let mut rows = read_ahead(rows);
    let mut shift = None;
    let mut due = Instant::now();
    while let Some(read) = rows.recv().await {
        let row = match read {
            Ok(row) => row,
            Err(RowError::Bad(bad)) if options.bad_rows == BadRows::Skip => {
                report.note(bad);
                continue;
            }
            Err(error) => return Err(error),
        };
        let by = *shift.get_or_insert_with(|| options.first_row_at.map(|first| first - row.at));
        tokio::select! {
            () = stop.stopped() => break,
            () = sleep_until(due) => {}
        }
        due += pace.unwrap_or_default();
        if !devices.send(row, by.unwrap_or_default(), &mut report).await {
            break;
        }
    }
    Ok(report)
}

/// Files block, so a thread reads; the channel bounds how far ahead.
fn read_ahead(mut rows: Rows<BufReader<File>>) -> mpsc::Receiver<Result<Row, RowError>> {
    let (sender, receiver) = mpsc::channel(64);
    tokio::task::spawn_blocking(move || {
        while let Some(row) = rows.next_row() {
            let last = matches!(&row, Err(RowError::File(_) | RowError::NoColumn(..)));
            if sender.blocking_send(row).is_err() || last {
                return;
            }
        }
    });
    receiver
}

impl Devices {
    /// False when a publisher has stopped.
    async fn send(&mut self, row: Row, shift: TimeDelta, report: &mut ReplayReport) -> bool {
        let at = row.at.checked_add_signed(shift).unwrap_or(row.at);
        report.rows += 1;
        for (device, mut readings) in row.readings {
            for reading in &mut readings {
                reading.at = at;
            }
            let Some((builder, sink)) = self.0.get_mut(&device) else {
                continue;
            };
            let batch = builder.build(&readings, at);
            if sink.send(batch).await.is_err() {
                return false;
            }
            report.batches += 1;
            report.readings += u64::try_from(readings.len()).unwrap_or(u64::MAX);
        }
        true
    }
}

impl ReplayReport {
    fn note(&mut self, bad: BadRow) {
        tracing::warn!("skipped a row: {bad}");
        self.bad_rows += 1;
        if self.first_bad.len() < QUOTED {
            self.first_bad.push(bad);
        }
    }
}
