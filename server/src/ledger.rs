//! `sealrock export` and `fsck`.

use std::process::ExitCode;

use chrono::Utc;
use indicatif::{ProgressBar, ProgressStyle};
use sealrock_audit::{Exported, FsckReport, Pace, Progress, Selection};
use sealrock_eventstore::LedgerKind;
use sealrock_ledger::Index;

use crate::cli::{Export, Fsck};
use crate::config::Config;
use crate::platform::{Platform, cli_context};
use crate::publishing;

/// Something was found.
const FINDINGS: u8 = 1;

/// Writes the auditor's package of a ledger.
///
/// # Errors
/// If there is no such ledger, the directory holds something else, or the database is away.
pub async fn export(config: &Config, arguments: Export) -> anyhow::Result<()> {
    let platform = Platform::open(config).await?;
    let exported = export_from(config, &platform, &arguments).await;
    if let Ok(exported) = &exported
        && let Err(error) = note(&platform, &arguments.ledger, exported.size).await
    {
        eprintln!("the package is written, and no entry says so: {error:#}");
    }
    platform.close().await;
    let exported = exported?;
    if arguments.json {
        println!("{}", serde_json::to_string(&exported)?);
    } else {
        print_exported(&exported, &arguments);
    }
    Ok(())
}

/// An entry of the organisation says that its ledger was taken here, once a UTC day. It comes behind the
/// package, which is written of a ledger that takes no entries, too.
async fn note(platform: &Platform, ledger: &str, entries: u64) -> anyhow::Result<()> {
    let ledgers = platform.store.ledgers().await?;
    let mut own = platform.ledger(ledger).await?;
    while let Some(before) = ledgers.iter().find(|one| own.continues == Some(one.id)) {
        own = before.clone();
    }
    // A registry's is for everybody.
    if own.kind == LedgerKind::Operational {
        let organisation = own.name.as_str().parse()?;
        let (by, day) = (cli_context().principal, Utc::now().date_naive());
        let noted = platform
            .commands
            .note_export(&by, &organisation, day, entries);
        noted.await?;
    }
    Ok(())
}

fn print_exported(exported: &Exported, arguments: &Export) {
    let Exported {
        origin,
        size,
        size_before,
        scope,
        files_written,
    } = exported;
    let path = arguments.path.display();
    let holds = match scope.range {
        None => format!("{size} entries of {origin}"),
        Some(range) => format!("the entries {range} of {origin}, which has {size}"),
    };
    let new = size - size_before;
    println!("{path} holds {holds} ({new} new, {files_written} files written)");
    if let Some(only) = &scope.only {
        let streams: Vec<&str> = only.iter().map(String::as_str).collect();
        println!("it shows the payloads of {} alone", streams.join(", "));
    }
}

async fn export_from(
    config: &Config,
    platform: &Platform,
    arguments: &Export,
) -> anyhow::Result<Exported> {
    let publisher = publishing::publisher(config, &platform.store)?;
    let ledger = platform.ledger(&arguments.ledger).await?;
    let bar = Bar::new("exporting");
    let selection = Selection {
        from: arguments.from.map(Index),
        through: arguments.through.map(Index),
        only: arguments.only.clone(),
    };
    let exported = sealrock_audit::export_published(
        &publisher,
        &ledger,
        &arguments.path,
        &selection,
        &mut |progress| bar.show(progress),
    )
    .await?;
    Ok(exported)
}

/// Recomputes a ledger inside the database.
///
/// # Errors
/// If there is no such ledger or the database is away.
pub async fn fsck(config: &Config, arguments: Fsck) -> anyhow::Result<ExitCode> {
    let platform = Platform::open(config).await?;
    let checked = fsck_in(&platform, &arguments).await;
    platform.close().await;
    let report = checked?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        report
            .findings
            .iter()
            .for_each(|finding| println!("{finding}"));
        println!(
            "entries checked: {}, findings: {}",
            report.size,
            report.findings.len()
        );
    }
    Ok(exit_code(report.findings.is_empty()))
}

async fn fsck_in(platform: &Platform, arguments: &Fsck) -> anyhow::Result<FsckReport> {
    let ledger = platform.ledger(&arguments.ledger).await?;
    let bar = Bar::new("checking");
    let pace = if arguments.gentle {
        Pace::Gentle
    } else {
        Pace::Full
    };
    Ok(sealrock_audit::fsck(&platform.store, &ledger, pace, &mut |p| bar.show(p)).await?)
}

pub(crate) fn exit_code(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FINDINGS)
    }
}

/// A progress bar on a terminal, nothing elsewhere.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(doing: &'static str) -> Self {
        let style = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} entries, {eta} left");
        let bar = ProgressBar::new(0).with_message(doing);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    pub(crate) fn show(&self, progress: Progress) {
        self.0.set_length(progress.total);
        self.0.set_position(progress.done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
