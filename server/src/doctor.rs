//! `sealrock doctor`: are the surroundings fit.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use nix::sys::statvfs::statvfs;
use serde::Serialize;
use sqlx::PgPool;

use crate::cli::Json;
use crate::config::Config;
use crate::external;
use crate::platform::Platform;
use crate::publishing;

/// Postgres settings that durability rests on, with the value that they must have.
const DURABLE: [(&str, &str); 3] = [
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
];
/// How far our clock and the database's may be apart, in seconds; above it appending stops.
const CLOCK_TOLERANCE: f64 = 60.0;
/// Free space below which the disk is a finding, in bytes.
const LEAST_FREE: u64 = 1 << 30;

#[derive(Serialize)]
struct Check {
    name: &'static str,
    good: bool,
    found: String,
}

/// Looks at everything; exit 1 if something is wrong.
///
/// # Errors
/// If the answer cannot be printed.
pub async fn run(config: &Config, json: Json) -> anyhow::Result<ExitCode> {
    let mut checks = vec![disk(config)];
    match Platform::open(config).await {
        Ok(platform) => {
            checks.extend(database(platform.store.pool()).await?);
            checks.push(ledgers(&platform).await?);
            checks.push(publication(&platform, config).await?);
            platform.close().await;
        }
        Err(error) => checks.push(check("database", false, format!("{error:#}"))),
    }
    if let Some((good, found)) = external::check(config).await {
        checks.push(check("broker", good, found));
    }
    if json.json {
        println!("{}", serde_json::to_string_pretty(&checks)?);
    } else {
        for Check { name, good, found } in &checks {
            println!("{} {name:<18} {found}", if *good { "ok " } else { "BAD" });
        }
    }
    let all_good = checks.iter().all(|check| check.good);
    Ok(if all_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn check(name: &'static str, good: bool, found: impl Into<String>) -> Check {
    Check {
        name,
        good,
        found: found.into(),
    }
}

async fn publication(platform: &Platform, config: &Config) -> anyhow::Result<Check> {
    let publisher = match publishing::publisher(config, &platform.store) {
        Ok(publisher) => publisher,
        Err(error) => return Ok(check("publication", false, format!("{error:#}"))),
    };
    let ledgers = platform.store.ledgers().await?;
    let faults = publishing::faults(config, &publisher, &ledgers).await?;
    Ok(match faults.as_slice() {
        [] => check("publication", true, "nothing waits for a witness"),
        faults => check("publication", false, faults.join("; ")),
    })
}

async fn database(pool: &PgPool) -> anyhow::Result<Vec<Check>> {
    let version: String = sqlx::query_scalar("SHOW server_version")
        .fetch_one(pool)
        .await?;
    let number: String = sqlx::query_scalar("SHOW server_version_num")
        .fetch_one(pool)
        .await?;
    let major = number.parse::<u32>().unwrap_or_default() / 10_000;
    let mut checks = vec![check("postgres", (15..=18).contains(&major), version)];
    for (setting, wanted) in DURABLE {
        let found: String = sqlx::query_scalar(&format!("SHOW {setting}"))
            .fetch_one(pool)
            .await?;
        // Replication asks for more than `on`, which is as good.
        let good =
            found == wanted || (setting == "synchronous_commit" && found.starts_with("remote"));
        checks.push(check(setting, good, found));
    }
    let theirs: DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(pool)
        .await?;
    let apart = (Utc::now() - theirs).as_seconds_f64();
    checks.push(check(
        "clock",
        apart.abs() < CLOCK_TOLERANCE,
        format!("{apart:+.3} s from Postgres'"),
    ));
    Ok(checks)
}

/// Whether each ledger could be appended to now: history, clock and keys.
async fn ledgers(platform: &Platform) -> anyhow::Result<Check> {
    let ledgers = platform.store.ledgers().await?;
    let mut wrong = Vec::new();
    for ledger in &ledgers {
        if platform.store.successor(ledger.id).await?.is_some() {
            continue; // closed, and another one goes on
        }
        if let Err(error) = platform.store.require_signable(ledger).await {
            wrong.push(format!("{}: {error}", ledger.name));
        }
    }
    let found = if wrong.is_empty() {
        format!("{} ledgers can be signed", ledgers.len())
    } else {
        wrong.join("; ")
    };
    Ok(check("ledgers", wrong.is_empty(), found))
}

fn disk(config: &Config) -> Check {
    let folder = config.data.ancestors().find(|path| path.exists());
    let folder = folder.unwrap_or(std::path::Path::new("."));
    match statvfs(folder) {
        Ok(disk) => {
            let free = disk.blocks_available() * disk.fragment_size();
            check(
                "disk",
                free > LEAST_FREE,
                format!("{} MiB free", free >> 20),
            )
        }
        Err(error) => check("disk", false, format!("{}: {error}", folder.display())),
    }
}
