//! `sealrock projections …`.

use sealrock_projections::{ProjectionStatus, Runner};
use tokio_util::sync::CancellationToken;

use crate::cli::Projections;
use crate::config::Config;
use crate::platform::Platform;

/// Shows or rebuilds read models, beside a server that may be running.
///
/// # Errors
/// If the database is away, there is no such read model, or an entry cannot be folded.
pub async fn run(config: &Config, command: Projections) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let runner = Runner::new(platform.store.clone(), sealrock_projections::all());
    let done = act(&runner, command).await;
    platform.close().await;
    done
}

async fn act(runner: &Runner, command: Projections) -> anyhow::Result<()> {
    runner.prepare().await?;
    match command {
        Projections::Status(json) => {
            let statuses = runner.status().await?;
            if json.json {
                println!("{}", serde_json::to_string_pretty(&statuses)?);
            } else {
                statuses.iter().for_each(print);
            }
        }
        Projections::Rebuild { name } => {
            let rebuilt = runner.rebuild(&name, &CancellationToken::new()).await?;
            println!(
                "{} is rebuilt from {} entries",
                rebuilt.projection, rebuilt.entries
            );
        }
    }
    Ok(())
}

fn print(status: &ProjectionStatus) {
    let ProjectionStatus {
        projection,
        ledger,
        next_index,
        head,
        lag_events,
        lag_seconds,
        ..
    } = status;
    let state = status.reason().unwrap_or_else(|| "running".to_owned());
    println!(
        "{projection:<14} {ledger:<16} {next_index}/{head} entries, {lag_events} behind \
         ({lag_seconds:.1} s): {state}"
    );
}
