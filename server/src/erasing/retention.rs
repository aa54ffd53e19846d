//! `sealrock retention`, and what the server does once a day.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::Args;
use sealrock_access::Principal;
use sealrock_commands::{Commands, Context, RetentionPlan};
use sealrock_domain::Slug;
use sealrock_eventstore::LedgerInfo;
use sealrock_ledger::Index;
use serde_json::json;
use uuid::Uuid;

use super::{Age, Eraser, Outcome, PATIENCE, waits_for, with_read_models};
use crate::config::Config;
use crate::platform::{Platform, cli_context};

/// How old, and whether to do it.
#[derive(Debug, Args)]
pub struct Retention {
    /// Name of the ledger: its organisation's
    pub ledger: String,
    /// Batches that were recorded longer ago than this
    #[arg(long, value_name = "400d")]
    pub older_than: Age,
    /// Only say what would be erased, and what is kept and why
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What was done.
struct Applied {
    plan: RetentionPlan,
    entries: Vec<Index>,
    erased: u64,
    days: usize,
    waiting: Option<String>,
}

/// Erases batches whose evidence period is over.
///
/// # Errors
/// If there is no such ledger, or the database is away.
pub async fn retention(config: &Config, arguments: Retention) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let done = run(&platform, &arguments).await;
    platform.close().await;
    let done = done?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&as_json(&done))?);
    } else {
        print(&done, &arguments);
    }
    Ok(())
}

/// Decides what the retention erases, and records it: an entry each. Nothing is deleted here.
///
/// # Errors
/// If the ledger cannot be read or written; what was recorded until then stands.
pub async fn decide(
    commands: &Commands,
    ledger: &LedgerInfo,
    before: DateTime<Utc>,
) -> anyhow::Result<RetentionPlan> {
    let organisation = organisation(ledger)?;
    let plan = commands.plan_retention(&organisation, before).await?;
    for payloads in &plan.erase {
        commands
            .apply_retention(&process_context(), &organisation, before, payloads)
            .await?;
    }
    Ok(plan)
}

fn process_context() -> Context {
    let name = "retention".parse().expect("retention is a slug");
    Context {
        principal: Principal::Service { name },
        command: Uuid::now_v7(),
        via: "process:retention".to_owned(),
        received_at: Utc::now(),
    }
}

async fn run(platform: &Platform, arguments: &Retention) -> anyhow::Result<Applied> {
    let ledger = platform.ledger(&arguments.ledger).await?;
    let before = arguments.older_than.before(Utc::now());
    let plan = platform
        .commands
        .plan_retention(&organisation(&ledger)?, before)
        .await?;
    let mut applied = Applied {
        plan,
        entries: Vec::new(),
        erased: 0,
        days: 0,
        waiting: None,
    };
    if !arguments.dry_run {
        with_read_models(platform, async |eraser| {
            apply(platform, eraser, &ledger, before, &mut applied).await
        })
        .await?;
    }
    Ok(applied)
}

async fn apply(
    platform: &Platform,
    eraser: &Eraser,
    ledger: &LedgerInfo,
    before: DateTime<Utc>,
    applied: &mut Applied,
) -> anyhow::Result<()> {
    for payloads in &applied.plan.erase {
        let done = platform
            .commands
            .apply_retention(&cli_context(), &organisation(ledger)?, before, payloads)
            .await?;
        applied.entries.push(done.receipt.first);
    }
    // First all entries, so that days are dropped that several of them empty.
    let whole = eraser.drop_days_when_folded(ledger, &applied.entries, PATIENCE);
    applied.erased += whole.await?;
    for entry in applied.entries.clone() {
        match eraser.erase_when_folded(ledger, entry, PATIENCE).await? {
            Outcome::Erased(payloads) => applied.erased += payloads,
            Outcome::Waiting(behind) => applied.waiting = Some(waits_for(&behind)),
        }
    }
    applied.days = platform.store.drop_empty_days().await?.len();
    Ok(())
}

fn organisation(ledger: &LedgerInfo) -> anyhow::Result<Slug> {
    ledger.name.as_str().parse().context("the ledger's name")
}

fn print(done: &Applied, arguments: &Retention) {
    let (plan, age) = (&done.plan, arguments.older_than);
    let verb = if arguments.dry_run {
        "would be erased"
    } else {
        "erased"
    };
    println!(
        "{}: batches older than {age} {verb}: {}, of {} sealed windows",
        arguments.ledger, plan.batches, plan.windows
    );
    for (why, batches) in &plan.kept {
        println!("kept: {batches}, {}", why.reason());
    }
    for entry in &done.entries {
        println!("recorded as entry {entry}");
    }
    if let Some(waiting) = &done.waiting {
        println!(
            "NOT YET all erased: the server deletes the rest when every read model has folded the \
             entries. Waiting for: {waiting}"
        );
    }
    if done.days > 0 {
        println!("days without any payload dropped: {}", done.days);
    }
}

fn as_json(done: &Applied) -> serde_json::Value {
    let plan = &done.plan;
    json!({
        "windows": plan.windows,
        "batches": plan.batches,
        "kept": plan.kept,
        "entries": done.entries,
        "erased": done.erased,
        "days_dropped": done.days,
        "waiting": done.waiting,
    })
}
