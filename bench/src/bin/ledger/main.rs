//! A large ledger, recorded, exported and verified: entries a second and memory.
//!
//! `cargo run --release -p sealrock-bench --bin ledger -- --entries 1000000`
//!
//! Recording goes through the write side as devices' batches do, without the broker. The baseline
//! of verification, run in the same call over the same files, reads every byte of the export and
//! hashes it by SHA-256 on one thread: no verifier can do less.

mod plant;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use sha2::{Digest, Sha256};

use plant::Plant;

#[derive(Parser)]
struct Cli {
    /// Batches to record.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Where database and export lie; a temporary directory otherwise
    #[arg(long)]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What runs in a process of its own, so that its memory is its own.
#[derive(Subcommand)]
enum Part {
    /// Verifies an export
    Verify { export: PathBuf },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Cli { entries, dir, part } = Cli::parse();
    match part {
        Some(Part::Verify { export }) => verify(&export),
        None => all(entries, dir).await,
    }
}

async fn all(entries: u64, dir: Option<PathBuf>) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let dir = dir.unwrap_or_else(|| temporary.path().to_owned());
    let export = dir.join("export");
    record_and_export(entries, &dir, &export).await?;
    let baseline = timed("read and hash every byte, one thread", entries, || {
        hash_all(&export)
    })?;
    let started = Instant::now();
    let status = Command::new(std::env::current_exe()?)
        .arg("verify")
        .arg(&export)
        .status()?;
    let verified = started.elapsed();
    anyhow::ensure!(status.success(), "the export does not verify");
    print_rate("verify", entries, verified);
    let ratio = verified.as_secs_f64() / baseline.as_secs_f64();
    println!("verify takes {ratio:.1} times as long as the baseline");
    Ok(())
}

async fn record_and_export(entries: u64, dir: &Path, export: &Path) -> anyhow::Result<()> {
    let plant = Plant::start(dir).await?;
    let started = Instant::now();
    plant.record(entries).await?;
    print_rate("record", entries, started.elapsed());
    let started = Instant::now();
    plant.export(export).await?;
    print_rate("export", entries, started.elapsed());
    plant.stop().await;
    Ok(())
}

/// Verifies, and prints the process' own peak of resident memory.
fn verify(export: &Path) -> anyhow::Result<()> {
    let verified = sealrock_audit::verify_directory(export, None, &mut |_| {})?;
    let findings = &verified.report.findings;
    anyhow::ensure!(findings.is_empty(), "{findings:?}");
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!("verify: {}", peak.context("no VmHWM")?);
    Ok(())
}

fn timed(
    what: &str,
    entries: u64,
    work: impl FnOnce() -> anyhow::Result<u64>,
) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let bytes = work()?;
    let took = started.elapsed();
    print_rate(what, entries, took);
    println!("export: {} MB", bytes / 1_000_000);
    Ok(took)
}

fn print_rate(what: &str, entries: u64, took: Duration) {
    let seconds = took.as_secs_f64();
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate is printed without decimals"
    )]
    let rate = entries as f64 / seconds;
    println!("{what}: {entries} entries in {seconds:.1} s, {rate:.0} entries/s");
}

/// Reads and hashes all files below; answers their bytes.
fn hash_all(path: &Path) -> anyhow::Result<u64> {
    if path.is_dir() {
        let mut bytes = 0;
        for item in fs::read_dir(path)? {
            bytes += hash_all(&item?.path())?;
        }
        return Ok(bytes);
    }
    let content = fs::read(path)?;
    std::hint::black_box(Sha256::digest(&content));
    Ok(content.len() as u64)
}
