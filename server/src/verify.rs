//! `sealrock verify`: an export, an archive, a ledger by its URL, a proof, evidence of a fork.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use sealrock_audit::{
    Extent, FileKind, Finding, Grounds, ProofFailure, SignIn, Stamp, State, Trust, UrlSource,
    Verified, look, read_policy, verify_files, verify_fork, verify_proof,
};
use sealrock_ledger::Policy;
use sealrock_ledger::verify::Class;
use serde_json::json;

use crate::cli::{Remote, Verify};
use crate::ledger::{Bar, exit_code};

/// Checks what was given.
///
/// # Errors
/// If nothing can be said about it: no checkpoint, no usable policy, unreadable files.
pub async fn run(arguments: Verify) -> anyhow::Result<ExitCode> {
    tokio::task::spawn_blocking(move || verify(&arguments)).await?
}

fn verify(arguments: &Verify) -> anyhow::Result<ExitCode> {
    let path = arguments.path.as_path();
    if let Some(url) = path.to_str().filter(|path| is_url(path)) {
        return show(&verify_url(url, arguments)?, arguments.json);
    }
    let kind = if path.is_file() {
        FileKind::of(path)?
    } else {
        Some(FileKind::Archive)
    };
    match kind {
        Some(FileKind::Archive) => {
            let bar = Bar::new("verifying");
            let grounds = grounds(arguments.policy.as_deref(), arguments.tsa_ca.as_deref())?;
            let verified = verify_files(path, &grounds, &mut |p| bar.show(p))?;
            drop(bar);
            show(&verified, arguments.json)
        }
        Some(FileKind::Proof) => proof(path, arguments),
        Some(FileKind::Fork) => fork(path, arguments),
        None => bail!(
            "{} is no export, archive, proof or evidence of a fork",
            path.display()
        ),
    }
}

fn is_url(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

/// What the auditor brings.
pub(crate) fn grounds(policy: Option<&Path>, tsa_ca: Option<&Path>) -> anyhow::Result<Grounds> {
    let read =
        |path: &Path| std::fs::read_to_string(path).with_context(|| path.display().to_string());
    Ok(Grounds {
        policy: policy.map(read_policy).transpose()?,
        timestamp_roots: tsa_ca.map(read).transpose()?,
    })
}

/// Where states are kept.
pub(crate) fn state_folder(remote: &Remote) -> anyhow::Result<PathBuf> {
    let given = remote.state.clone().or_else(State::default_folder);
    given.context(
        "neither XDG_STATE_HOME nor HOME is set: say with --state where to keep checkpoints",
    )
}

/// A ledger by its URL, and how it is signed in to.
pub(crate) fn source(url: &str, remote: &Remote) -> anyhow::Result<UrlSource> {
    let sign_in = match (&remote.token, &remote.user) {
        (Some(token), _) => Some(SignIn::Token(token.clone())),
        (None, Some(user)) => Some(SignIn::Account {
            username: user.clone(),
            password: password(remote)?,
        }),
        (None, None) => None,
    };
    Ok(UrlSource::open(url, sign_in)?)
}

fn password(remote: &Remote) -> anyhow::Result<String> {
    if let Some(file) = &remote.password_file {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    std::env::var("SEALROCK_PASSWORD")
        .context("no password: set SEALROCK_PASSWORD, or name a file with --password-file")
}

fn verify_url(url: &str, arguments: &Verify) -> anyhow::Result<Verified> {
    let source = source(url, &arguments.remote)?;
    let grounds = grounds(arguments.policy.as_deref(), arguments.tsa_ca.as_deref())?;
    let folder = state_folder(&arguments.remote)?;
    let bar = Bar::new("verifying");
    let never = Arc::default();
    Ok(look(
        &source,
        &grounds,
        &folder,
        Extent::Whole,
        &never,
        &mut |p| bar.show(p),
    )?)
}

fn show(verified: &Verified, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        println!("{}", serde_json::to_string_pretty(verified)?);
    } else {
        print_verified(verified);
    }
    Ok(exit_code(verified.is_verified()))
}

fn print_verified(verified: &Verified) {
    let report = &verified.report;
    report.of_class(Class::Integrity).for_each(print_finding);
    if report.of_class(Class::Form).next().is_some() {
        println!("signed as they are, but not in the form that the format asks for:");
        report.of_class(Class::Form).for_each(print_finding);
    }
    if report.further_findings > 0 {
        println!("and {} findings more", report.further_findings);
    }
    for note in &report.notes {
        println!("note: {} [{}]", note.message, note.code);
    }
    if verified.is_verified() {
        println!(
            "verified: {} entries of {}, root {}",
            report.size, report.origin, report.root
        );
    } else {
        let count = report.findings.len() as u64 + report.further_findings;
        println!("not verified: findings in {}: {count}", report.origin);
    }
    print_extent(verified);
    print_trust(verified);
}

fn print_finding(finding: &Finding) {
    let at = match (finding.index, finding.through) {
        (None, _) => String::new(),
        (Some(first), Some(last)) if first != last => format!("entries {first} to {last}: "),
        (Some(index), _) => format!("entry {index}: "),
    };
    println!(
        "{} {at}{} [{}]",
        finding.ledger,
        finding.message,
        finding.cause.code()
    );
}

/// What was there to be checked, where that is not everything.
fn print_extent(Verified { report, .. }: &Verified) {
    let shown = &report.shown;
    if let Some(range) = shown.scope.as_ref().and_then(|scope| scope.range) {
        println!("of these, the entries {range} were there to be checked");
    }
    if let Some(only) = shown.scope.as_ref().and_then(|scope| scope.only.as_ref()) {
        let streams: Vec<&str> = only.iter().map(String::as_str).collect();
        println!("it shows the payloads of {} alone", streams.join(", "));
    }
    if shown.erased > 0 {
        println!(
            "payloads that entries of the ledger erase: {}",
            shown.erased
        );
    }
}

fn print_trust(verified: &Verified) {
    if !verified.report.cosigned_by.is_empty() {
        println!("cosigned by {}", verified.report.cosigned_by.join(", "));
    }
    match &verified.timestamp {
        Some(Stamp::Trusted { time }) => {
            println!("stamped at {time} by an authority that you trust");
        }
        Some(Stamp::Unchecked) => {
            println!("there is a time stamp, which was not checked: give --tsa-ca");
        }
        Some(Stamp::Invalid { reason }) => println!("its time stamp does not verify: {reason}"),
        None => {}
    }
    if let Some(continuity) = &verified.continuity {
        println!("{}", continuity.note());
    }
    println!("{}", verified.trust.note());
    if verified.trust == Trust::OwnKey && verified.continuity.is_some() {
        println!("the policy is kept: the next look shows whether it is still the same ledger");
    }
}

/// The policy, which a single file does not bring.
fn policy(arguments: &Verify) -> anyhow::Result<Policy> {
    let path = arguments.policy.as_deref();
    let path =
        path.context("whose key is to be trusted? Give the ledger's policy with --policy")?;
    Ok(read_policy(path)?)
}

fn proof(path: &Path, arguments: &Verify) -> anyhow::Result<ExitCode> {
    let policy = policy(arguments)?;
    let beside = path.with_extension("entry");
    let entry = arguments
        .entry
        .clone()
        .or_else(|| beside.is_file().then_some(beside))
        .context("a proof proves the bytes of an entry, and holds none: give them with --entry")?;
    match verify_proof(path, &entry, &policy) {
        Ok((proof, checked)) => {
            let (index, size) = (proof.index, checked.checkpoint.size);
            let origin = policy.verifier()?.origin();
            let entry = entry.display();
            if arguments.json {
                let witnesses: Vec<&str> = checked
                    .cosigned_by
                    .iter()
                    .map(|one| one.witness.as_str())
                    .collect();
                let told = json!({
                    "ledger": origin, "index": index, "size": size, "entry": entry.to_string(),
                    "cosigned_by": witnesses,
                });
                println!("{told}");
            } else {
                println!("verified: {entry} is entry {index} of {origin} with {size} entries");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => refuted(failure, arguments.json),
    }
}

fn fork(path: &Path, arguments: &Verify) -> anyhow::Result<ExitCode> {
    let policy = policy(arguments)?;
    match verify_fork(path, &policy) {
        Ok(fork) => {
            if arguments.json {
                let told = json!({
                    "ledger": policy.verifier()?.origin(), "fork": true,
                    "older": fork.older.note, "newer": fork.newer.note,
                });
                println!("{told}");
            } else {
                println!("{}: {fork}", policy.verifier()?.origin());
                println!("{}\n{}", fork.older.note, fork.newer.note);
            }
            // What is proved is that the ledger is not sound.
            Ok(exit_code(false))
        }
        Err(failure) => refuted(failure, arguments.json),
    }
}

/// A file that does not prove what it should is a finding; one that cannot be read is not.
fn refuted(failure: ProofFailure, json: bool) -> anyhow::Result<ExitCode> {
    if let ProofFailure::File(error) = failure {
        return Err(error.into());
    }
    let message = failure.to_string();
    if json {
        println!("{}", json!({ "proved": false, "message": message }));
    } else {
        println!("not verified: {message}");
    }
    Ok(exit_code(false))
}
