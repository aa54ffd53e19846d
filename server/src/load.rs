//! `sealrock simulate --devices M --rate N`: load, whether or not it is answered.

use std::time::Duration;

use anyhow::Context as _;
use sealrock_simulator::load::{LoadOptions, Over, Tally, offer};
use sealrock_simulator::{Broker, Credential, stop};

use crate::cli::{Simulate, Transport};
use crate::node::stop_requested;

/// How often it is said how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// Offers load until its time is over, or until stopped, and prints what became of it.
///
/// # Errors
/// If there are fewer credentials than devices, one cannot connect, or nothing was acknowledged.
pub async fn run(
    arguments: &Simulate,
    devices: usize,
    mut credentials: Vec<Credential>,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        credentials.len() >= devices,
        "there are credentials of {} devices: make more with `sealrock device add --count {devices} --json`",
        credentials.len()
    );
    credentials.truncate(devices);
    let options = options(arguments)?;
    let (stop_handle, stop) = stop();
    let tally = Tally::default();
    let progress = tokio::spawn(print(tally.clone()));
    tokio::spawn(async move {
        match stop_requested().await {
            Ok(()) => stop_handle.stop(),
            Err(_) => std::future::pending().await,
        }
    });
    let report = offer(credentials, &options, &tally, &stop).await;
    progress.abort();
    let report = report?;
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report}");
    }
    anyhow::ensure!(report.acknowledged > 0, "nothing was acknowledged");
    Ok(())
}

fn options(arguments: &Simulate) -> anyhow::Result<LoadOptions> {
    let over = match arguments.over {
        Transport::Mqtt => {
            let to = arguments.to.clone().map(Broker::try_from).transpose();
            Over::Mqtt(to.map_err(|error| anyhow::anyhow!("--to: {error}"))?)
        }
        Transport::Http => Over::Http {
            url: arguments.to.clone(),
            ca: match &arguments.ca {
                Some(file) => {
                    let pem = std::fs::read(file);
                    Some(pem.with_context(|| format!("--ca {}", file.display()))?)
                }
                None => None,
            },
        },
    };
    Ok(LoadOptions {
        rate: arguments.rate.context("--devices needs --rate")?,
        readings: arguments.readings,
        span: arguments.span,
        over,
    })
}

/// To standard error, because the report is read by programs.
async fn print(tally: Tally) {
    let mut before = 0;
    loop {
        tokio::time::sleep(PROGRESS).await;
        let (acknowledged, failed) = tally.now();
        let rate = (acknowledged - before) / PROGRESS.as_secs();
        before = acknowledged;
        eprintln!("{acknowledged} acknowledged, {rate} a second; {failed} failed");
    }
}
