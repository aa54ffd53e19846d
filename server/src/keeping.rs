//! `sealrock ledger …`: what an operator decides when clocks or databases went wrong.
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use crate::cli::Json;
use crate::config::Config;
use crate::platform::{Platform, operator};

#[derive(Debug, Subcommand)]
pub enum Keeping {
    /// Goes on with a database that was restored, moved or failed over to, if nothing is missing
    Adopt {
        /// Name of the ledger
        ledger: String,
        /// An export's directory or a file with a signed checkpoint, to hold it against; may be
        /// repeated
        #[arg(long, value_name = "DIR|FILE")]
        copy: Vec<PathBuf>,
        #[command(flatten)]
        json: Json,
    },
    /// Goes on at once after a clock that ran ahead recorded the last entry
    CorrectClock {
        /// Name of the ledger
        ledger: String,
        /// Why, in words and without personal data: it is recorded for ever
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        json: Json,
    },
}

/// Runs beside a server that may be running.
///
/// # Errors
/// If it is refused, with what is missing and the way out; if the database is away.
pub async fn run(config: &Config, command: Keeping) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let done = run_in(&platform, command).await;
    platform.close().await;
    done
}

async fn run_in(platform: &Platform, command: Keeping) -> anyhow::Result<()> {
    match command {
        Keeping::Adopt { ledger, copy, json } => {
            let ledger = platform.ledger(&ledger).await?;
            let adopted = platform.store.adopt(&ledger, &copy).await?;
            let held: Vec<_> = adopted
                .held_against
                .iter()
                .map(|(place, size)| json!({ "place": place, "size": size }))
                .collect();
            let places: Vec<_> = adopted
                .held_against
                .iter()
                .map(|(place, size)| format!("{size} entries by {place}"))
                .collect();
            let places = places.join(", ");
            print(
                &json,
                &json!({ "ledger": ledger.origin, "size": adopted.size, "held_against": held }),
                &format!(
                    "ledger {} goes on here with its {} entries; nothing is missing that was \
                     signed ({places})",
                    ledger.name, adopted.size
                ),
            );
        }
        Keeping::CorrectClock {
            ledger,
            reason,
            json,
        } => {
            let ledger = platform.ledger(&ledger).await?;
            let corrected = platform
                .store
                .correct_clock(&ledger, reason, operator())
                .await?;
            let index = corrected.receipt.first;
            print(
                &json,
                &json!({ "ledger": ledger.origin, "index": index.0 }),
                &format!(
                    "entry {index} of ledger {} corrects the clock; entries bear the time of the \
                     one before it until the clock has passed that",
                    ledger.name
                ),
            );
        }
    }
    Ok(())
}

fn print(json: &Json, object: &serde_json::Value, text: &str) {
    if json.json {
        println!("{object}");
    } else {
        println!("{text}");
    }
}
