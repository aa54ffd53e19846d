//! `sealrock redact`.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::Args;
use sealrock_commands::Redaction;
use sealrock_eventstore::LedgerInfo;
use sealrock_ledger::Index;
use sealrock_ledger::record::IndexRange;
use serde_json::json;

use super::{Eraser, Outcome, PATIENCE, waits_for, with_read_models};
use crate::config::Config;
use crate::platform::{Platform, cli_context};

/// Which payloads, and why.
#[derive(Debug, Args)]
pub struct Redact {
    /// Name of the ledger: its organisation's
    pub ledger: String,
    /// An entry's index, or the first and last of a range; may be given several times
    #[arg(long = "index", value_name = "N|A..B", required = true, value_parser = range)]
    pub indexes: Vec<IndexRange>,
    /// Why: stays in the ledger for ever, so without personal data
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A redaction that is in the ledger.
struct Recorded {
    ledger: LedgerInfo,
    entry: Index,
    at: DateTime<Utc>,
    outcome: Outcome,
}

/// Erases payloads of telemetry, by an entry of the ledger.
///
/// # Errors
/// If one of them may not be erased (nothing is then), or the database is away.
pub async fn redact(config: &Config, arguments: Redact) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let done = with_read_models(&platform, async |eraser| {
        record(&platform, eraser, &arguments).await
    })
    .await;
    platform.close().await;
    let done = done?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&as_json(&done))?);
    } else {
        print(&done);
    }
    Ok(())
}

async fn record(
    platform: &Platform,
    eraser: &Eraser,
    arguments: &Redact,
) -> anyhow::Result<Recorded> {
    let ledger = platform.ledger(&arguments.ledger).await?;
    let organisation = ledger.name.as_str().parse().context("the ledger's name")?;
    let redaction = Redaction {
        payloads: arguments.indexes.clone(),
        reason: arguments.reason.clone(),
    };
    let context = cli_context();
    let done = platform
        .commands
        .redact(&context, &organisation, redaction)
        .await?;
    let entry = done.receipt.first;
    Ok(Recorded {
        at: context.received_at,
        outcome: eraser.erase_when_folded(&ledger, entry, PATIENCE).await?,
        ledger,
        entry,
    })
}

fn print(done: &Recorded) {
    let (name, entry) = (&done.ledger.name, done.entry);
    match &done.outcome {
        Outcome::Erased(payloads) => {
            println!("{name}: payloads and salts erased: {payloads}, by entry {entry}");
        }
        Outcome::Waiting(behind) => println!(
            "{name}: recorded as entry {entry}, NOT YET ERASED: the rows are deleted when every read \
             model has folded the entry. The server does that by itself. Waiting for: {}",
            waits_for(behind)
        ),
    }
    println!(
        "Entries, checkpoints and all proofs are as they were. Still held, and for you to see to:"
    );
    for held in still_held(done.at) {
        println!("- {held}");
    }
}

fn as_json(done: &Recorded) -> serde_json::Value {
    let (erased, waiting) = match &done.outcome {
        Outcome::Erased(payloads) => (Some(payloads), None),
        Outcome::Waiting(behind) => (None, Some(behind)),
    };
    json!({
        "ledger": done.ledger.origin,
        "entry": done.entry,
        "erased": erased,
        "waiting": waiting,
        "still_held": still_held(done.at),
    })
}

/// What a redaction here does not reach.
fn still_held(at: DateTime<Utc>) -> Vec<String> {
    let at = at.format("%Y-%m-%d %H:%M UTC");
    [
        format!("backups, WAL archives and replicas' snapshots from before {at}: until they expire or \
                 you delete them. A restored backup that holds the entry is erased again by the \
                 server; one from before it has lost the entry, too, and must be redacted again"),
        "exports and answers that were handed out: ask their holders to delete them. Your own export \
         directories: export again into them, or delete them".to_owned(),
        "this machine's disk: Postgres frees the space by VACUUM and overwrites it in time"
            .to_owned(),
        "seals: an hour that was sealed before keeps its sums, least and greatest values".to_owned(),
        "the device, and whoever received the readings by subscription or at the broker".to_owned(),
        "witnesses and time stamps hold hashes only: nothing to do there".to_owned(),
    ]
    .into()
}

/// `7` or `7..9`, both ends included.
fn range(text: &str) -> Result<IndexRange, String> {
    let index = |text: &str| text.parse().map(Index);
    let ends = match text.split_once("..") {
        Some((first, last)) => index(first).and_then(|first| Ok((first, index(last)?))),
        None => index(text).map(|one| (one, one)),
    };
    ends.map(IndexRange::from)
        .map_err(|_| format!("{text:?} is no index and no range: write 7, or 7..9 for 7 to 9"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_both_its_ends() {
        let of = |first, last| Ok(IndexRange::from((Index(first), Index(last))));
        assert_eq!(range("7"), of(7, 7));
        assert_eq!(range("7..9"), of(7, 9));
        for bad in ["", "..", "7..", "..9", "7-9", "-7", "7..=9"] {
            assert!(range(bad).is_err(), "{bad:?}");
        }
    }
}
