//! What the outside is shown: who must cosign a checkpoint and who stamps it, by the settings.

use std::time::Duration;

use anyhow::Context as _;
use sealrock_audit::timestamp::Authority;
use sealrock_audit::{Lag, Publisher, Publishing, Witnesses};
use sealrock_eventstore::{EventStore, LedgerInfo};

use crate::config::Config;

/// Checkpoints are published no more often.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// How long an entry may wait for the witnesses before `doctor` finds it.
const MOST_LAG: chrono::TimeDelta = chrono::TimeDelta::minutes(2);

/// The publisher that the settings ask for.
///
/// # Errors
/// If the file of witnesses cannot be read or used, or the authority's URL is none.
pub fn publisher(config: &Config, store: &EventStore) -> anyhow::Result<Publisher> {
    let client = reqwest::Client::builder()
        .user_agent(concat!("sealrock/", env!("CARGO_PKG_VERSION")))
        .build()?;
    let authority = match &config.timestamp_authority {
        Some(url) => {
            let url = url
                .parse()
                .with_context(|| format!("the setting timestamp_authority, {url:?}"))?;
            Some(Authority::new(url, client.clone()))
        }
        None => None,
    };
    let publishing = Publishing {
        witnesses: witnesses(config)?,
        authority,
        every: config.publish_every.0.max(LEAST_PAUSE),
        evidence: config.evidence_folder(),
    };
    Ok(Publisher::new(store.clone(), publishing, client))
}

fn witnesses(config: &Config) -> anyhow::Result<Option<Witnesses>> {
    let Some(path) = &config.witnesses else {
        return Ok(None);
    };
    let file = || format!("the file of witnesses, {}", path.display());
    let lines = std::fs::read_to_string(path).with_context(file)?;
    Ok(Some(Witnesses::parse(&lines).with_context(file)?))
}

/// What is wrong with how these ledgers are published; nothing if it is as it should be.
///
/// # Errors
/// If the database is away.
pub async fn faults(
    config: &Config,
    publisher: &Publisher,
    ledgers: &[LedgerInfo],
) -> anyhow::Result<Vec<String>> {
    let mut faults = evidence(config)?;
    for ledger in ledgers {
        let Lag { entries, since } = publisher.lag(ledger).await?;
        if since.is_some_and(|since| chrono::Utc::now() - since > MOST_LAG) {
            faults.push(format!(
                "{}: {entries} entries wait for a published checkpoint; the server's log says which \
                 witness does not answer",
                ledger.name
            ));
        }
    }
    Ok(faults)
}

/// What witnesses have said against ledgers stays a finding until somebody has looked and moved it.
fn evidence(config: &Config) -> anyhow::Result<Vec<String>> {
    let folder = config.evidence_folder();
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        found.push(format!(
            "a witness has seen another history: read {}, keep it elsewhere when it is settled, and \
             restart the server",
            path.display()
        ));
    }
    Ok(found)
}
