//! `sealrock seal`.

use std::process::ExitCode;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use sealrock_projections::Runner;
use sealrock_projections::windows::WindowsProjection;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Sealer, Tally};
use crate::cli::Seal;
use crate::config::Config;
use crate::platform::{Platform, cli_context};

/// Seals what is due at this moment, beside a server that may be running. Exit code 1 if some of it
/// could not be sealed.
///
/// # Errors
/// If there is no such ledger, the database is away, or the read model cannot be folded.
pub async fn seal(config: &Config, arguments: Seal) -> anyhow::Result<ExitCode> {
    let platform = Platform::open(config).await?;
    let done = seal_in(&platform, &arguments).await;
    platform.close().await;
    let tally = done?;
    print(&arguments, &tally)?;
    Ok(ExitCode::from(u8::from(!tally.failed.is_empty())))
}

async fn seal_in(platform: &Platform, arguments: &Seal) -> anyhow::Result<Tally> {
    let ledger = platform.ledger(&arguments.ledger).await?;
    // The server's runner folds it too, if there is one: they take turns.
    let runner = Runner::new(platform.store.clone(), vec![Arc::new(WindowsProjection)]);
    runner.prepare().await?;
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (runner, stop) = (runner.clone(), stop.clone());
        async move { runner.run(stop).await }
    });
    let sealer = Sealer::new(
        platform.store.clone(),
        platform.commands.clone(),
        runner.positions().clone(),
        cli_context,
    );
    let running_hour = if arguments.all {
        TimeDelta::hours(1)
    } else {
        TimeDelta::zero()
    };
    let by = Utc::now() + running_hour;
    let tally = sealer.seal_due(&ledger, by, u64::MAX, &stop).await;
    stop.cancel();
    running.await?;
    tally
}

fn print(arguments: &Seal, tally: &Tally) -> anyhow::Result<()> {
    if arguments.json {
        let failed = tally.failed.iter().map(|(window, reason)| {
            json!({"device": window.device, "hour": window.hour, "reason": reason})
        });
        let failed: Vec<_> = failed.collect();
        let shown = json!({"sealed": tally.sealed, "failed": failed});
        println!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(());
    }
    for (window, reason) in &tally.failed {
        println!("{} {} is not sealed: {reason}", window.device, window.hour);
    }
    println!("seals recorded in {}: {}", arguments.ledger, tally.sealed);
    Ok(())
}
