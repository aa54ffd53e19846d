//! An export of a large ledger, verified offline: entries and signatures a second, and memory.
//!
//! The ledgers are recorded through the write side, as devices' batches are, and exported as a user
//! does it. Two baselines run over the same files in the same call: to read every byte and hash it
//! by SHA-256 on one thread, which no verifier can do without; and what one writes in an afternoon,
//! every entry and payload hashed as the format says and parsed by `serde_json`, with nothing
//! compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sealrock_audit::DirectorySource;
use sealrock_ledger::{Policy, TILE_WIDTH, TilePath, decode_entries, decode_payloads, leaf_hash};
use sha2::{Digest, Sha256};

use crate::harness::{
    Chart, CpuMeter, Line, Options, Plant, Report, Signing, Target, alternate, median, rate,
};

/// Entries of the ledger of unsigned batches, and of the one whose devices sign.
const ENTRIES: u64 = 1_000_000;
const SIGNED: u64 = 200_000;
/// The plot's points: the ledger after an eighth of its entries, a quarter, …
const STEPS: [u64; 4] = [8, 4, 2, 1];

pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new(
        "verify",
        "how fast is an export verified offline, and in what memory?",
    );
    let temporary = tempfile::tempdir()?;
    let dir = options.dir.as_deref().unwrap_or(temporary.path());
    let unsigned = Ledger::of(dir, Signing::No, options.scaled(ENTRIES));
    let signed = Ledger::of(dir, Signing::All, options.scaled(SIGNED));
    let sizes = unsigned.record(&mut report).await?;
    structure(&unsigned, options, &mut report)?;
    everything(&unsigned, options, &mut report).await?;
    signatures(&signed, options, &mut report).await?;
    if let Some(folder) = &options.plots {
        plot(&sizes, folder)?;
    }
    report.print(options.json)
}

/// A ledger and its export.
struct Ledger {
    dir: PathBuf,
    signing: Signing,
    entries: u64,
}

/// What a ledger of some size took.
struct Size {
    entries: u64,
    rate: f64,
    peak: f64,
}

impl Ledger {
    fn of(dir: &Path, signing: Signing, entries: u64) -> Self {
        let dir = dir.join(match signing {
            Signing::No => "unsigned",
            Signing::All => "signed",
        });
        Self {
            dir,
            signing,
            entries,
        }
    }

    fn export(&self) -> PathBuf {
        self.dir.join("export")
    }

    /// Records and exports it in growing steps, and verifies it after each in a process of its own.
    async fn record(&self, report: &mut Report) -> anyhow::Result<Vec<Size>> {
        fs::create_dir_all(&self.dir)?;
        let plant = Plant::start(&self.dir, self.signing).await?;
        let (mut recorded, mut sizes) = (0, Vec::new());
        let (mut recording, mut exporting) = (Vec::new(), Vec::new());
        for part in STEPS {
            let more = self.entries / part - recorded;
            let started = Instant::now();
            plant.record(recorded, more).await?;
            recording.push(rate(more, started));
            recorded += more;
            let started = Instant::now();
            plant.export(&self.export()).await?;
            exporting.push(rate(more, started));
            let own = own_process(&self.export()).await?;
            sizes.push(Size {
                entries: recorded,
                rate: rate_of(recorded, own.seconds),
                peak: own.peak,
            });
        }
        plant.stop().await;
        let kind = match self.signing {
            Signing::No => "unsigned",
            Signing::All => "signed",
        };
        report.figure(format!("recorded, {kind}"), "entries/s", &recording);
        report.figure(format!("exported, {kind}"), "entries/s", &exporting);
        for size in &sizes {
            report.note(format!(
                "{kind}: `sealrock verify` of {} entries: {:.0}/s, at most {:.1} MB resident",
                size.entries, size.rate, size.peak
            ));
        }
        Ok(sizes)
    }
}

/// Target 7, first half: bytes, hashes, chain, tree, checkpoint, payloads' commitments; what
/// payloads say is not looked at.
fn structure(ledger: &Ledger, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (export, entries) = (ledger.export(), ledger.entries);
    let policy: Policy = fs::read_to_string(export.join("policy"))?.parse()?;
    let cpu = CpuMeter::own("verifier");
    let mut rates = Vec::new();
    let before = cpu.read();
    for _ in 0..options.pairs {
        let source = DirectorySource::open(&export)?;
        let started = Instant::now();
        let found = sealrock_ledger::verify::verify(&source, &policy, &mut |_| {})?;
        rates.push(rate(entries, started));
        anyhow::ensure!(found.is_verified(), "{:?}", found.findings);
    }
    let mut spent = cpu.since(&before);
    for (_, seconds) in &mut spent.0 {
        *seconds /= rate_of(options.pairs as u64, 1.0);
    }
    report.cpu("hashes, chain, tree, checkpoint", spent);
    report.target(
        "hashes, chain, tree, checkpoint",
        "entries/s",
        &rates,
        Target::AtLeast(400_000.0),
    );
    Ok(())
}

/// All that `sealrock verify` checks, beside both baselines.
async fn everything(ledger: &Ledger, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (export, entries) = (ledger.export(), ledger.entries);
    let hashed = alternate(
        options.pairs,
        async |_| timed(entries, || hash_all(&export)),
        async |_| timed(entries, || verify(&export)),
    )
    .await?;
    let sides = (
        "read and hash every byte, one thread",
        "all that `sealrock verify` checks",
    );
    report.pairs(sides, "entries/s", &hashed, None);
    let mut parsed = Vec::new();
    for _ in 0..options.pairs {
        parsed.push(timed(entries, || parse_all(&export, entries))?);
    }
    report.figure(
        "baseline: leaf hashes, commitments, serde_json; one thread",
        "entries/s",
        &parsed,
    );
    let ours: Vec<f64> = hashed.iter().map(|pair| pair.1).collect();
    let ratio = median(&ours) / median(&parsed);
    report.note(format!("verified ÷ hashed and parsed: {ratio:.2}"));
    Ok(())
}

/// Target 7, second half.
async fn signatures(ledger: &Ledger, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    ledger.record(report).await?;
    let mut rates = Vec::new();
    for _ in 0..options.pairs {
        rates.push(timed(ledger.entries, || verify(&ledger.export()))?);
    }
    report.target(
        "all, with every device's signature",
        "signatures/s",
        &rates,
        Target::AtLeast(80_000.0),
    );
    Ok(())
}

/// Verifies one export, and nothing else.
pub fn export(options: &Options) -> anyhow::Result<()> {
    verify(
        options
            .dir
            .as_deref()
            .context("which export? name it by --dir")?,
    )
}

/// The whole verifier, on both cores.
fn verify(export: &Path) -> anyhow::Result<()> {
    let verified = sealrock_audit::verify_directory(export, None, &mut |_| {})?;
    let findings = &verified.report.findings;
    anyhow::ensure!(findings.is_empty(), "{findings:?}");
    Ok(())
}

/// Reads and hashes all files below.
fn hash_all(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        for item in fs::read_dir(path)? {
            hash_all(&item?.path())?;
        }
        return Ok(());
    }
    std::hint::black_box(Sha256::digest(fs::read(path)?));
    Ok(())
}

/// Hashes every entry and payload as the format says, and parses both as JSON.
fn parse_all(export: &Path, entries: u64) -> anyhow::Result<()> {
    for n in 0..entries / TILE_WIDTH {
        let (width, count) = (TILE_WIDTH, usize::try_from(TILE_WIDTH)?);
        let bundle = fs::read(export.join(TilePath::Entries { n, width }.to_string()))?;
        for entry in decode_entries(&bundle, count)? {
            std::hint::black_box(leaf_hash(entry));
            let parsed: serde_json::Value = serde_json::from_slice(entry)?;
            std::hint::black_box(parsed);
        }
        let bundle = fs::read(export.join(TilePath::Payloads { n, width }.to_string()))?;
        for slot in decode_payloads(&bundle, count)? {
            let payload = slot.shown().context("nothing was erased")?;
            std::hint::black_box(payload.commitment());
            let parsed: serde_json::Value = serde_json::from_slice(&payload.bytes)?;
            std::hint::black_box(parsed);
        }
    }
    Ok(())
}

/// What a process of its own took.
struct Own {
    seconds: f64,
    /// The most memory that was resident, in megabytes.
    peak: f64,
}

/// Verifies in a process that does nothing else, as `sealrock verify` does.
async fn own_process(export: &Path) -> anyhow::Result<Own> {
    let started = Instant::now();
    let mut child = std::process::Command::new(std::env::current_exe()?)
        .args(["verify-export", "--dir"])
        .arg(export)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut peak = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak = resident(child.id()).unwrap_or(peak);
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    let seconds = started.elapsed().as_secs_f64();
    anyhow::ensure!(status.success(), "the verifier ended with {status}");
    Ok(Own { seconds, peak })
}

/// The most memory that a process had resident so far, in megabytes.
fn resident(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}

fn timed(entries: u64, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(rate(entries, started))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn rate_of(entries: u64, seconds: f64) -> f64 {
    entries as f64 / seconds
}

fn plot(sizes: &[Size], folder: &Path) -> anyhow::Result<()> {
    let points = |of: fn(&Size) -> f64| {
        let point = |size: &Size| (rate_of(size.entries, 1000.0), of(size));
        sizes.iter().map(point).collect()
    };
    let chart = Chart {
        title: "sealrock verify, against the size of the ledger",
        x: "thousand entries",
        y: "thousand entries/s; MB",
        logarithmic: true,
        lines: vec![
            Line {
                label: "thousand entries/s".into(),
                points: points(|size| size.rate / 1000.0),
            },
            Line {
                label: "peak memory, MB".into(),
                points: points(|size| size.peak),
            },
        ],
    };
    chart.write(folder, "verify")
}
