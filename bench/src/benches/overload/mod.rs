//! Far more than fits is offered from all sides at once: does memory stay, and what was promised hold?
//!
//! Devices publish large batches over MQTT as fast as they are taken, and post larger ones over HTTP
//! without a pause; clients ask for long lists without a pause, send half a request and stall, and
//! subscribe to everything from the start and never read. Meanwhile the server's resident memory is
//! sampled, and its health is asked for. There is no baseline: the measure is the server's own
//! memory, at first and at last.

mod offers;

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::harness::{Chart, DeviceLogin, Line, Options, Report, Served, Target};
use offers::Offers;

const ORGANISATION: &str = "northsea";
/// Devices that publish over MQTT, and as many that post over HTTP.
const DEVICES: u64 = 100;
/// Between two samples of memory.
const SAMPLE: Duration = Duration::from_millis(250);
/// How many times `--seconds` the load lasts: memory that grows needs time to show it.
const LONGER: u64 = 8;

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new(
        "overload",
        "does the server's memory stay flat when far more is offered than fits?",
    );
    let served = Arc::new(Served::start(options, &[]).await?);
    served.register(ORGANISATION, 1).await?;
    let devices = register(&served, options.scaled(DEVICES)).await?;
    let offers = Offers::begin(&served, &devices);
    report.setting("offered by", Offers::describe());
    let meter = served.cpu("clients and devices")?;
    let before = meter.read();
    let span = Duration::from_secs(options.seconds * LONGER);
    let samples = watch(&served, span).await?;
    report.cpu(
        format!("{} s of overload", span.as_secs()),
        meter.since(&before),
    );
    let promised = offers.end().await;
    memory(&mut report, &samples);
    health(&mut report, &samples);
    let missing = missing(&served, &devices, &promised.by_device).await?;
    for (what, count) in &promised.answers {
        report.figure(*what, "answers", &[*count]);
    }
    report.target(
        "acknowledged and not in the ledger",
        "batches",
        &[missing],
        Target::AtMost(0.0),
    );
    plot(options, &samples)?;
    report.print(options.json)
}

/// At a moment of the overload.
struct Sample {
    at: Duration,
    resident_mb: f64,
    /// How long `/readyz` took; nothing if it was not answered with 200.
    health: Option<Duration>,
}

async fn register(served: &Served, pairs: u64) -> anyhow::Result<Vec<DeviceLogin>> {
    let mut devices = Vec::new();
    for number in 0..2 * pairs {
        let name = format!("meter-{number}");
        devices.push(served.device(ORGANISATION, "site-0", &name).await?);
    }
    Ok(devices)
}

async fn watch(served: &Served, span: Duration) -> anyhow::Result<Vec<Sample>> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()?;
    let url = format!("{}/readyz", served.http);
    let (begun, mut samples) = (Instant::now(), Vec::new());
    while begun.elapsed() < span {
        let asked = Instant::now();
        // A connection of its own each time, as a load balancer's probe has.
        let answer = client.get(&url).header("connection", "close").send().await;
        let well = answer.is_ok_and(|answer| answer.status().is_success());
        samples.push(Sample {
            at: begun.elapsed(),
            resident_mb: resident_mb(served.pid())?,
            health: well.then(|| asked.elapsed()),
        });
        sleep(SAMPLE.saturating_sub(asked.elapsed())).await;
    }
    Ok(samples)
}

#[expect(clippy::cast_precision_loss, reason = "kilobytes of a process")]
fn resident_mb(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    Ok(kilobytes.context("the server runs")? as f64 / 1024.0)
}

fn memory(report: &mut Report, samples: &[Sample]) {
    let of = |part: &[Sample]| {
        part.iter()
            .map(|sample| sample.resident_mb)
            .collect::<Vec<_>>()
    };
    let quarter = samples.len() / 4;
    let (second, last) = (&samples[quarter..2 * quarter], &samples[3 * quarter..]);
    report.figure("resident, second quarter", "MB", &of(second));
    report.figure("resident, last quarter", "MB", &of(last));
    let middle = |part| crate::harness::median(&of(part));
    let growth = middle(last) / middle(second);
    report.target(
        "last quarter ÷ second",
        "×",
        &[growth],
        Target::AtMost(1.15),
    );
    let peak = of(samples).into_iter().fold(0.0, f64::max);
    report.figure("peak", "MB", &[peak]);
}

#[expect(clippy::cast_precision_loss, reason = "a count of samples")]
fn health(report: &mut Report, samples: &[Sample]) {
    let well: Vec<f64> = samples
        .iter()
        .filter_map(|sample| Some(sample.health?.as_secs_f64() * 1000.0))
        .collect();
    report.figure("/readyz answered in", "ms", &well);
    let silent = (samples.len() - well.len()) as f64;
    report.target(
        "/readyz not answered",
        "times",
        &[silent],
        Target::AtMost(0.0),
    );
}

/// Batches that a device was told of and the ledger does not hold.
#[expect(clippy::cast_precision_loss, reason = "a count of batches")]
async fn missing(
    served: &Served,
    devices: &[DeviceLogin],
    promised: &HashMap<String, u64>,
) -> anyhow::Result<f64> {
    let mut recorded: HashMap<String, u64> = HashMap::new();
    let page = "query($ledger: String!, $after: String) { ledgerEntries(ledger: $ledger, first: 1000, \
                after: $after, type: \"SensorBatchRecorded\") { nodes { actor } scannedTo pageInfo \
                { hasNextPage } } }";
    let mut after = serde_json::Value::Null;
    loop {
        let variables = json!({ "ledger": ORGANISATION, "after": after });
        let mut found = served.graphql(page, variables).await?["ledgerEntries"].take();
        for node in found["nodes"].as_array().into_iter().flatten() {
            let actor = node["actor"].as_str().unwrap_or_default().to_owned();
            *recorded.entry(actor).or_default() += 1;
        }
        if found["pageInfo"]["hasNextPage"] != true {
            break;
        }
        after = found["scannedTo"].take();
    }
    let count = |device: &DeviceLogin| {
        let held = recorded.get(&format!("device/{}", device.id)).copied();
        let told = promised.get(&device.id).copied().unwrap_or_default();
        told.saturating_sub(held.unwrap_or_default())
    };
    Ok(devices.iter().map(count).sum::<u64>() as f64)
}

fn plot(options: &Options, samples: &[Sample]) -> anyhow::Result<()> {
    let Some(folder) = &options.plots else {
        return Ok(());
    };
    let points = samples
        .iter()
        .map(|sample| (sample.at.as_secs_f64(), sample.resident_mb));
    let chart = Chart {
        title: "Resident memory of the server under overload",
        x: "seconds",
        y: "MB",
        logarithmic: false,
        lines: vec![Line {
            label: "server".to_owned(),
            points: points.collect(),
        }],
    };
    chart.write(folder, "overload")
}
