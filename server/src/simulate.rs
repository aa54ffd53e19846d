//! `sealrock simulate`: devices only, against any broker. Load has a module of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use sealrock_simulator::replay::{Mapping, ReplayOptions, replay};
use sealrock_simulator::{
    Boot, Branch, Credential, Device, FleetOptions, Model, ProgressSink, Schedule, Seed, Stop,
    TeaFactory, WellSlot, demo_fleet, run_fleet, stop,
};

use crate::cli::Simulate;
use crate::load;
use crate::node::stop_requested;

const PROGRESS: Duration = Duration::from_secs(5);

/// Publishes until every batch is answered, or until stopped.
///
/// # Errors
/// If the credentials, model or recording cannot be used, or batches stay unanswered.
pub async fn run(arguments: Simulate) -> anyhow::Result<()> {
    let credentials = credentials(&arguments.credentials)?;
    if let Some(devices) = arguments.devices {
        return load::run(&arguments, devices, credentials).await;
    }
    let (stop_handle, stop) = stop();
    let progress = ProgressSink::default();
    let printing = tokio::spawn(print(progress.clone()));
    tokio::spawn(async move {
        if stop_requested().await.is_ok() {
            stop_handle.stop();
        } else {
            std::future::pending::<()>().await;
        }
    });
    let unanswered = match &arguments.replay {
        Some(recording) => play(recording, &arguments, &credentials, &progress, &stop).await?,
        None => simulate(&arguments, credentials, &progress, &stop).await?,
    };
    printing.abort();
    println!("{}", progress.get());
    anyhow::ensure!(unanswered == 0, "{unanswered} batches were not answered");
    Ok(())
}

/// Plays a recording; answers how many batches were left unanswered.
async fn play(
    recording: &Path,
    arguments: &Simulate,
    credentials: &[Credential],
    progress: &ProgressSink,
    stop: &Stop,
) -> anyhow::Result<usize> {
    let mapping = mapping(arguments.mapping.as_deref().unwrap_or_default())?;
    let options = ReplayOptions {
        rate: arguments.rate,
        ..ReplayOptions::default()
    };
    let report = replay(recording, mapping, credentials, options, progress, stop).await?;
    println!("{report}");
    Ok(report.unanswered)
}

/// Runs simulated devices; answers how many batches were left unanswered.
async fn simulate(
    arguments: &Simulate,
    credentials: Vec<Credential>,
    progress: &ProgressSink,
    stop: &Stop,
) -> anyhow::Result<usize> {
    let devices = devices(credentials, arguments)?;
    let options = FleetOptions {
        batches: arguments.batches,
        ..FleetOptions::default()
    };
    let reports = run_fleet(devices, options, progress, stop).await;
    Ok(reports.iter().map(|report| report.unanswered).sum())
}

fn devices(credentials: Vec<Credential>, arguments: &Simulate) -> anyhow::Result<Vec<Device>> {
    let schedule = Schedule::new(chrono::Utc::now(), arguments.interval, 1.0)?;
    let schedule = match arguments.rate {
        Some(rate) => schedule.with_rate(rate)?,
        None => schedule,
    };
    credentials
        .into_iter()
        .map(|credential| {
            let model = match &arguments.model {
                Some(name) => model(name)?,
                None => model_of_demo(&credential).unwrap_or(Model::Bme280),
            };
            let (seed, boot) = (Seed(arguments.seed), Boot::random());
            Ok(Device {
                credential,
                model,
                seed,
                history: None,
                schedule,
                boot,
            })
        })
        .collect()
}

fn model(name: &str) -> anyhow::Result<Model> {
    Ok(match name {
        "tea_stack" => Model::TeaStack(TeaFactory::Kericho),
        "bme280" => Model::Bme280,
        "solar" => Model::Solar,
        "amine_capture" => Model::Capture(Branch::Amine),
        "membrane_capture" => Model::Capture(Branch::Membrane),
        "pipeline" => Model::Pipeline(Branch::Amine),
        "injection_well_1" => Model::InjectionWell(WellSlot::First),
        "injection_well_2" => Model::InjectionWell(WellSlot::Second),
        "monitoring_well" => Model::MonitoringWell(WellSlot::First),
        other => {
            anyhow::bail!("there is no model {other:?}; `sealrock simulate --help` lists them")
        }
    })
}

/// The model of the demonstration's device of that name.
fn model_of_demo(credential: &Credential) -> Option<Model> {
    demo_fleet()
        .into_iter()
        .find(|spec| spec.name == credential.name)
        .map(|spec| spec.model)
}

fn mapping(name: &str) -> anyhow::Result<Mapping> {
    if let Some(mapping) = Mapping::builtin(name) {
        return Ok(mapping);
    }
    let known: Vec<_> = Mapping::builtin_names().collect();
    let text = std::fs::read_to_string(name).with_context(|| {
        format!(
            "mapping {name:?} is neither a file nor one of {}",
            known.join(", ")
        )
    })?;
    Mapping::parse(&text).with_context(|| format!("mapping {name}"))
}

/// All credentials in the files: JSON objects one after the other, or lists of them.
fn credentials(files: &[PathBuf]) -> anyhow::Result<Vec<Credential>> {
    let mut credentials = Vec::new();
    for file in files {
        let all = read(file).with_context(|| format!("credentials in {}", file.display()))?;
        credentials.extend(all);
    }
    Ok(credentials)
}

fn read(file: &Path) -> anyhow::Result<Vec<Credential>> {
    let text = std::fs::read_to_string(file)?;
    let mut credentials = Vec::new();
    for value in serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>() {
        let objects = match value? {
            serde_json::Value::Array(list) => list,
            other => vec![other],
        };
        for object in objects {
            credentials.push(Credential::from_json(&serde_json::to_vec(&object)?)?);
        }
    }
    anyhow::ensure!(!credentials.is_empty(), "there are none");
    Ok(credentials)
}

async fn print(progress: ProgressSink) {
    loop {
        tokio::time::sleep(PROGRESS).await;
        println!("{}", progress.get());
    }
}
