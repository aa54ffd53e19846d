//! A large ledger, recorded, exported and verified: entries a second and memory.
//!
//! Recording goes through the write side as devices' batches do, without the broker. The baseline
//! of verification, run in the same call over the same files, reads every byte of the export and
//! hashes it by SHA-256 on one thread: no verifier can do less.

use std::fs;
use std::path::Path;
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::harness::{Options, Plant, Report, alternate};

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new(
        "ledger",
        "how fast is a large ledger recorded, exported, verified?",
    );
    let temporary = tempfile::tempdir()?;
    let dir = options
        .dir
        .clone()
        .unwrap_or_else(|| temporary.path().to_owned());
    let entries = options.scaled(1_000_000);
    let export = dir.join("export");
    let plant = Plant::start(&dir).await?;
    report.setting("batches", entries);
    let started = Instant::now();
    plant.record(entries).await?;
    report.figure("recorded", "entries/s", &[rate(entries, started)]);
    let started = Instant::now();
    plant.export(&export).await?;
    report.figure("exported", "entries/s", &[rate(entries, started)]);
    plant.stop().await;
    let samples = alternate(
        options.pairs,
        async |_| {
            let started = Instant::now();
            hash_all(&export)?;
            anyhow::Ok(rate(entries, started))
        },
        async |_| {
            let started = Instant::now();
            let verified = sealrock_audit::verify_directory(&export, None, &mut |_| {})?;
            let findings = &verified.report.findings;
            anyhow::ensure!(findings.is_empty(), "{findings:?}");
            Ok(rate(entries, started))
        },
    )
    .await?;
    let sides = ("read and hash every byte, one thread", "verified");
    report.pairs(sides, "entries/s", &samples, None);
    report.print(options.json)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn rate(entries: u64, since: Instant) -> f64 {
    entries as f64 / since.elapsed().as_secs_f64()
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
