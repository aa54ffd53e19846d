//! What a year of history costs: appends and answers on a full ledger against a young one, and memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use uuid::Uuid;

use super::queries::{BATCHES, api_only, by_graphql, warm};
use crate::dataset::{Asked, DataSet, Extent, Open, Question, Recorder, Sample, Senders};
use crate::harness::{
    Chart, CpuMeter, Line, Options, Report, Spent, Target, closed_loop, resident_kb,
};

/// Batches under way at a time.
const CLIENTS: usize = 64;
/// What a full ledger may cost, of what an empty one does.
const MOST: Target = Target::AtMost(1.15);

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let dir = options.dir.as_deref().unwrap_or(temporary.path());
    let full = DataSet::of(dir, Extent::Year(options.scaled(BATCHES))).await?;
    let young = DataSet::of(dir, Extent::Young).await?;
    let empty = DataSet::of(dir, Extent::Registered).await?;
    let mut report = Report::new("growth", "what does a year of history cost?");
    let last = |set: &DataSet| set.samples().last().map_or(0, |sample| sample.entries);
    report.setting("entries of the full ledger", last(&full));
    report.setting("entries of the young ledger", last(&young));
    answers(options, &young, &full, &mut report).await?;
    appends(options, &empty, &full, &mut report).await?;
    memory(full.samples(), &mut report);
    if let Some(folder) = &options.plots {
        plots(full.samples(), folder)?;
    }
    report.print(options.json)
}

/// The five questions at a young and at the full ledger, which give answers of the same length.
async fn answers(
    options: &Options,
    young: &DataSet,
    full: &DataSet,
    report: &mut Report,
) -> anyhow::Result<()> {
    let sets = [
        Asked::of(young, &api_only()).await?,
        Asked::of(full, &api_only()).await?,
    ];
    let span = Duration::from_secs(options.seconds) / 2;
    let before = resident_kb(sets[1].server_pid());
    for question in Question::ALL {
        for set in &sets {
            warm(&set.asker(), question).await?;
        }
        let mut p50 = Vec::new();
        let mut p99 = Vec::new();
        for pair in 0..options.pairs {
            let order = if pair % 2 == 0 { [0, 1] } else { [1, 0] };
            let mut of_pair = [(0.0, 0.0); 2];
            for side in order {
                let load = by_graphql(&sets[side].asker(), question, span).await;
                anyhow::ensure!(load.failed == 0, "{}: some failed", question.name());
                of_pair[side] = (load.ms(0.5), load.ms(0.99));
            }
            let [young, full] = of_pair;
            p50.push((young.0, full.0));
            p99.push((young.1, full.1));
        }
        let name = question.name();
        let sides = |q: &str| (format!("young: {name}, {q}"), format!("full: {name}, {q}"));
        let (baseline, ours) = sides("p50");
        report.pairs((&baseline, &ours), "ms", &p50, Some(MOST));
        let (baseline, ours) = sides("p99");
        report.pairs((&baseline, &ours), "ms", &p99, None);
    }
    let after = resident_kb(sets[1].server_pid());
    report.note(format!(
        "server on the full ledger: {} MB before its questions, {} MB after them",
        before / 1024,
        after / 1024
    ));
    for set in sets {
        set.stop().await;
    }
    Ok(())
}

/// Batches of devices, by the write side alone, on an empty ledger and on the full one.
async fn appends(
    options: &Options,
    empty: &DataSet,
    full: &DataSet,
    report: &mut Report,
) -> anyhow::Result<()> {
    let sets = [Writing::on(empty).await?, Writing::on(full).await?];
    let span = Duration::from_secs(options.seconds) / 2;
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    let mut spent = [Spent::default(), Spent::default()];
    for set in &sets {
        set.write(Duration::from_secs(1)).await?;
    }
    for pair in 0..options.pairs {
        let order = if pair % 2 == 0 { [0, 1] } else { [1, 0] };
        let mut of_pair = [(0.0, 0.0); 2];
        for side in order {
            let (rate, took) = sets[side].write(span).await?;
            let seconds: f64 = took.0.iter().map(|(_, seconds)| seconds).sum();
            of_pair[side] = (1e6 / rate.0, seconds * 1e6 / rate.1);
            spent[side].add(&took);
        }
        let [empty, full] = of_pair;
        rates.push((empty.0, full.0));
        costs.push((empty.1, full.1));
    }
    let sides = ("append, empty ledger", "append, full ledger");
    report.pairs(sides, "µs", &rates, Some(MOST));
    let sides = (
        "processor time an append, empty",
        "processor time an append, full",
    );
    report.pairs(sides, "µs", &costs, Some(MOST));
    let [of_empty, of_full] = spent;
    report.cpu("appends, empty ledger", of_empty);
    report.cpu("appends, full ledger", of_full);
    for set in sets {
        set.open.close().await;
    }
    Ok(())
}

/// A data set that is appended to.
struct Writing {
    open: Open,
    senders: Arc<Senders>,
    meter: CpuMeter,
    /// What the devices call this start of theirs: other batches than those of any run before.
    boot: Uuid,
    sent: std::sync::atomic::AtomicU64,
}

impl Writing {
    async fn on(set: &DataSet) -> anyhow::Result<Self> {
        let open = set.open().await?;
        let recorder = Recorder::new(open.commands.clone(), set.end());
        let senders = Arc::new(recorder.senders().await?);
        let meter = CpuMeter::own("write side").tree("postgres", open.postgres_pid()?);
        Ok(Self {
            open,
            senders,
            meter,
            boot: Uuid::new_v4(),
            sent: std::sync::atomic::AtomicU64::new(0),
        })
    }

    /// Batches a second and how many they were, and processor time.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    async fn write(&self, span: Duration) -> anyhow::Result<((f64, f64), Spent)> {
        let first = self.sent.load(std::sync::atomic::Ordering::Relaxed);
        let (senders, boot) = (Arc::clone(&self.senders), self.boot);
        let before = self.meter.read();
        let load = closed_loop(CLIENTS, span, move |number| {
            let (senders, number) = (Arc::clone(&senders), first + number);
            async move { send(&senders, boot, number).await }
        })
        .await;
        let spent = self.meter.since(&before);
        anyhow::ensure!(load.failed == 0, "{} appends failed", load.failed);
        let next = first + load.answered;
        self.sent.store(next, std::sync::atomic::Ordering::Relaxed);
        Ok(((load.rate(), load.answered as f64), spent))
    }
}

async fn send(senders: &Senders, boot: Uuid, number: u64) -> bool {
    let devices = senders.identities.len() as u64;
    let (device, seq) = (number % devices, number / devices + 1);
    let now = Utc::now();
    let at = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    let reading = |minute: usize| {
        format!(r#"{{"metric":"process_temperature","at":"{at}","value":9{minute}.25}}"#)
    };
    let readings: Vec<String> = (0..10).map(reading).collect();
    let readings = readings.join(",");
    let batch = format!(r#"{{"boot":"{boot}","seq":{seq},"readings":[{readings}]}}"#);
    let identity = &senders.identities[usize::try_from(device).unwrap_or(0)];
    let sent = senders
        .devices
        .record_batch(identity, "process:bench", now, batch.into_bytes());
    sent.await.is_ok()
}

/// The process that recorded and folded the year: in the last fifth against the second, when caches
/// and pools are filled.
#[expect(clippy::cast_precision_loss, reason = "kilobytes and bytes")]
fn memory(samples: &[Sample], report: &mut Report) {
    let fifth = samples.len() / 5;
    let mean = |part: &[Sample]| {
        part.iter()
            .map(|sample| sample.resident_kb as f64)
            .sum::<f64>()
            / part.len() as f64
            / 1024.0
    };
    if fifth > 0 {
        let sides = (
            mean(&samples[fifth..2 * fifth]),
            mean(&samples[4 * fifth..]),
        );
        let names = (
            "memory in the second fifth of the build",
            "memory in the last fifth of the build",
        );
        report.pairs(names, "MB", &[sides], Some(MOST));
    }
    if let (Some(first), Some(last)) = (samples.first(), samples.last()) {
        let bytes = last.database_bytes.saturating_sub(first.database_bytes) as f64;
        let entries = last.entries.saturating_sub(first.entries).max(1) as f64;
        report.figure("tables and indexes", "bytes an entry", &[bytes / entries]);
    }
}

#[expect(clippy::cast_precision_loss, reason = "kilobytes and bytes")]
fn plots(samples: &[Sample], folder: &Path) -> anyhow::Result<()> {
    let line = |label: &str, of: fn(&Sample) -> f64| Line {
        label: label.to_owned(),
        points: samples
            .iter()
            .map(|sample| (sample.entries as f64, of(sample)))
            .collect(),
    };
    let chart = |title, y, line| Chart {
        title,
        x: "entries",
        y,
        logarithmic: false,
        lines: vec![line],
    };
    let memory = line("recording and folding", |s| s.resident_kb as f64 / 1024.0);
    chart("Resident memory over a year", "MB", memory).write(folder, "growth-memory")?;
    let disk = line("tables and indexes", |s| s.database_bytes as f64 / 1e6);
    chart("Database over a year", "MB", disk).write(folder, "growth-disk")
}
