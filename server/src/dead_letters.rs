//! `sealrock dead-letters`.

use sealrock_ingest::{KeptLetter, PostgresDeadLetters};

use crate::cli::DeadLetters;
use crate::config::Config;
use crate::platform::Platform;

/// Shows what devices sent and the platform could not take.
///
/// # Errors
/// If there is no such organisation or the database is away.
pub async fn run(config: &Config, arguments: DeadLetters) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let letters = letters(&platform, &arguments).await;
    platform.close().await;
    let letters = letters?;
    if arguments.json.json {
        println!("{}", serde_json::to_string_pretty(&letters)?);
    } else {
        letters.iter().for_each(print);
        println!("{} shown", letters.len());
    }
    Ok(())
}

async fn letters(platform: &Platform, arguments: &DeadLetters) -> anyhow::Result<Vec<KeptLetter>> {
    platform.ledger(arguments.org.as_str()).await?;
    let letters = PostgresDeadLetters::new(platform.store.pool().clone());
    Ok(letters.list(&arguments.org, None, arguments.most).await?)
}

fn print(letter: &KeptLetter) {
    let KeptLetter {
        received_at,
        device,
        via,
        reason,
        message,
        full_length,
        ..
    } = letter;
    println!("{received_at} {device} {via} {reason}: {message} ({full_length} bytes)");
}
