//! `sealrock ledger …`: what an operator decides when clocks or databases went wrong.
use std::path::PathBuf;

use clap::Subcommand;
use sealrock_domain::Slug;
use sealrock_eventstore::{Continued, LedgerInfo};
use sealrock_ledger::LedgerName;
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
    /// Goes on as a new ledger where a part of the history was lost for good. The organisation's
    /// devices, sites and assets are carried over; the old ledger is closed for good, and none of
    /// its payloads can be erased any more
    Continue {
        /// Name of the ledger that lost something
        ledger: String,
        /// Name of the one that goes on
        #[arg(long = "as", value_name = "NAME")]
        name: LedgerName,
        /// Why, in words and without personal data: it is recorded for ever
        #[arg(long)]
        reason: String,
        /// An export's directory or a file with a signed checkpoint, which shows how far the ledger
        /// had come; may be repeated
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
        Keeping::Continue {
            ledger,
            name,
            reason,
            copy,
            json,
        } => {
            let reserved = name.as_str().parse::<Slug>();
            anyhow::ensure!(
                !reserved.is_ok_and(|name| name.is_reserved_for_organisations()),
                "{name} is the platform's own: choose another name, such as {ledger}-2"
            );
            let parent = platform.ledger(&ledger).await?;
            let continued = platform
                .store
                .continue_ledger(
                    &parent,
                    &name,
                    &sealrock_commands::AGGREGATES,
                    (&copy, reason),
                    operator(),
                )
                .await?;
            print_continued(&json, &parent, &continued);
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

fn print_continued(json: &Json, parent: &LedgerInfo, continued: &Continued) {
    let Continued {
        ledger,
        signed,
        surviving,
        carried,
        ..
    } = continued;
    print(
        json,
        &json!({
            "ledger": ledger.origin, "vkey": ledger.vkey, "parent": parent.origin,
            "signed": signed, "surviving": surviving, "carried": carried,
        }),
        &format!(
            "ledger {0} goes on in the place of {1}, which is closed: of its {signed} entries \
             {surviving} are left and {carried} were carried over.\nGive {2} to the auditors, copy \
             the new key to a safe place, and give devices that sign the new origin {3}.\nPayloads of {1} \
             can never be erased now, because it takes no entry that says so",
            ledger.name, parent.name, ledger.vkey, ledger.origin
        ),
    );
}

fn print(json: &Json, object: &serde_json::Value, text: &str) {
    if json.json {
        println!("{object}");
    } else {
        println!("{text}");
    }
}
