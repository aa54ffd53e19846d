//! `sealrock key …`: the keys that sign ledgers, and those that sign access tokens.
#![expect(
    clippy::doc_markdown,
    reason = "the comments of arguments are the help text, where backticks would show"
)]

use clap::Subcommand;
use sealrock_access::{LOOK, TokenKeys};
use sealrock_domain::access::AccessNote;
use sealrock_eventstore::{Appended, LedgerInfo};
use sealrock_ledger::KeyRange;
use serde_json::json;

use crate::cli::Json;
use crate::config::Config;
use crate::platform::{Platform, cli_context, operator};

#[derive(Debug, Subcommand)]
pub enum Key {
    /// The keys that a ledger has had, and the trees that each signs
    List {
        /// Name of the ledger
        ledger: String,
        #[command(flatten)]
        json: Json,
    },
    /// Lets a second key sign too, made or taken from SEALROCK_LOG_KEY_… or log_signer_next. From
    /// this entry on both sign, until the old one is retired
    Rotate {
        /// Name of the ledger
        ledger: String,
        #[command(flatten)]
        json: Json,
    },
    /// Lets the next key sign access tokens; nobody is signed out. Servers that run take it up by
    /// themselves
    RotateTokens {
        /// Somebody else may have the keys: forget them all at once. Every access token is void
        /// within seconds; whoever is signed in goes on by a new one, which his client fetches or he
        /// signs in for
        #[arg(long)]
        compromised: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Ends a rotation: from this entry on only the new key signs
    Retire {
        /// Name of the ledger
        ledger: String,
        #[command(flatten)]
        json: Json,
    },
}

/// Shows or changes a ledger's keys, beside a server that may be running.
///
/// # Errors
/// If there is no such ledger, a key is not here, or the database is away.
pub async fn run(config: &Config, command: Key) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let done = run_in(config, &platform, command).await;
    platform.close().await;
    done
}

/// By the keys folder alone, which servers look at every few seconds: a ledger that takes no entry must
/// not keep a key in use that somebody else has. The entry comes after it.
async fn rotate_tokens(
    config: &Config,
    platform: &Platform,
    compromised: bool,
    json: &Json,
) -> anyhow::Result<()> {
    let keys = TokenKeys::new(config.keys_folder());
    let key = if compromised {
        keys.replace()?
    } else {
        keys.rotate()?
    };
    let note = AccessNote::TokenKeysRotated { compromised };
    let noted = platform.commands.note_platform(&cli_context(), note).await;
    if let Err(error) = noted {
        // Not an error: who repeats it would rotate again.
        eprintln!("no entry says that keys were rotated: make a note of your own ({error})");
    }
    if json.json {
        println!("{}", json!({ "kid": key }));
    } else if compromised {
        println!(
            "tokens are signed by {key} from now on; all that were signed before are void in {} s on every \
             node. Clients refresh their sessions, or sign in again",
            LOOK.as_secs()
        );
    } else {
        println!(
            "tokens are signed by {key} from now on; those of the key before hold until they expire"
        );
    }
    Ok(())
}

async fn run_in(config: &Config, platform: &Platform, command: Key) -> anyhow::Result<()> {
    let store = &platform.store;
    match command {
        Key::RotateTokens { compromised, json } => {
            rotate_tokens(config, platform, compromised, &json).await
        }
        Key::List { ledger, json } => {
            let ledger = platform.ledger(&ledger).await?;
            list(platform, &ledger, &json).await
        }
        Key::Rotate { ledger, json } => {
            let ledger = platform.ledger(&ledger).await?;
            let rotated = store.rotate_key(&ledger, operator()).await?;
            let keys = store.keys(ledger.id).await?;
            let key = keys.last().map_or("", |key| key.vkey.as_str());
            let next = format!(
                "Copy the new key to a safe place and to every node, give {key} to the auditors, \
                 then run `sealrock key retire {}`",
                ledger.name
            );
            changed(&json, &rotated, key, &format!("{key} signs too. {next}"));
            Ok(())
        }
        Key::Retire { ledger, json } => {
            let ledger = platform.ledger(&ledger).await?;
            let before = store.keys(ledger.id).await?;
            let retired = store.retire_key(&ledger, operator()).await?;
            let in_use = |key: &&KeyRange| key.through.is_none();
            let old = before.iter().find(in_use);
            let old = old.map_or("", |key| key.vkey.as_str());
            let text = format!(
                "{old} signs no more. Its private key can be destroyed; the public one stays \
                 listed, because it signed what was recorded before"
            );
            changed(&json, &retired, old, &text);
            Ok(())
        }
    }
}

async fn list(platform: &Platform, ledger: &LedgerInfo, json: &Json) -> anyhow::Result<()> {
    let keys = platform.store.keys(ledger.id).await?;
    if json.json {
        let of =
            |key: &KeyRange| json!({ "vkey": key.vkey, "from": key.from, "through": key.through });
        let listed: Vec<_> = keys.iter().map(of).collect();
        println!("{}", serde_json::to_string_pretty(&listed)?);
        return Ok(());
    }
    for KeyRange {
        vkey,
        from,
        through,
    } in keys
    {
        let through = through.map_or("now".to_owned(), |through| through.to_string());
        println!("{vkey}  signs trees of {from} to {through} entries");
    }
    Ok(())
}

fn changed(json: &Json, appended: &Appended, vkey: &str, text: &str) {
    let receipt = &appended.receipt;
    if json.json {
        let (ledger, index) = (receipt.ledger.as_str(), receipt.first.0);
        println!(
            "{}",
            json!({ "ledger": ledger, "index": index, "vkey": vkey })
        );
    } else {
        println!("entry {}: {text}", receipt.first);
    }
}
