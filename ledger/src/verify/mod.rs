//! Checks a whole ledger from its files alone: no database, no server, no trust in who wrote them.
//!
//! Trust runs downwards. The policy's key vouches for the checkpoint, the checkpoint's root for the
//! tiles at the right edge, each tile for the 256 tiles below it, the lowest tiles for the entries,
//! and each entry for its payload. Whatever does not fit what vouches for it is the thing that was
//! changed, so one changed byte is one finding. Where a tile was changed, its hashes are recomputed
//! from below; where tile and entries were both changed, the entries' `prev` decides between them.
//!
//! Bundles are read, decoded and hashed on all cores, and folded into findings in the order of the
//! ledger. Stored bytes are hashed first, as they are; what they say is looked at afterwards. So a
//! finding is of one of two classes: [`Class::Integrity`], where what is there is not what was
//! signed or contradicts itself, and [`Class::Form`], where it is what was signed but not as the
//! format asks.
//!
//! A package may hold less than a ledger, see [`Scope`]. Then what it promises is checked, and
//! [`Report::shown`] says what that was.
//!
//! Memory is bounded by the number of streams, [`AHEAD`] bytes of entries, and for each core one
//! bundle of payloads; what is erased is kept as runs of indexes.

mod cause;
mod chain;
mod erasures;
mod finding;
mod keys;
mod leaves;
mod observe;
mod ordered;
mod own;
mod payloads;
mod read;
mod run;
mod runs;
mod scope;
mod source;
mod tiles;

use serde::Serialize;

pub use cause::{Cause, Class};
pub use finding::{Finding, Findings, Note};
pub use observe::{Judge, PayloadState, Reader, Seen};
pub use ordered::in_order;
pub use own::is_known_record;
pub use read::readable;
pub use run::Shown;
pub use runs::Runs;
pub use scope::{Scope, ScopeError};
pub use source::{Source, SourceError};

use observe::Nobody;
use read::Reading;
use run::Run;

use crate::{
    CheckError, Checkpoint, CheckpointError, LogVerifier, Origin, Policy, PolicyError, TILE_WIDTH,
};

/// Entries that are read and not judged yet, in bytes: at most about so many.
pub const AHEAD: usize = 64 << 20;

/// What a verification found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The ledger that the policy names.
    pub origin: Origin,
    /// Number of entries that the checkpoint signs; 0 if the checkpoint does not verify, since then
    /// nothing else was read.
    pub size: u64,
    /// The Merkle root that the checkpoint signs, in hex; empty if it does not verify.
    pub root: String,
    /// The witnesses that cosigned the checkpoint, by their names in the policy.
    pub cosigned_by: Vec<String>,
    /// What was there to be checked.
    pub shown: Shown,
    /// What does not fit, in the order of the ledger; empty if all is well.
    pub findings: Vec<Finding>,
    /// Findings beyond the 10,000 that are listed.
    pub further_findings: u64,
    /// What an auditor should know and is no fault.
    pub notes: Vec<Note>,
}

impl Report {
    /// Whether everything that was there fits, and is in the form that the format asks for.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings of one class.
    pub fn of_class(&self, class: Class) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.class == class)
    }
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Entries that were checked.
    pub done: u64,
    /// Entries that there are to check.
    pub total: u64,
}

/// Why there is no report: nothing can be said about the ledger, good or bad.
#[derive(Debug, thiserror::Error)]
pub enum CannotRun {
    /// There is no checkpoint.
    #[error(
        "there is no file `checkpoint`: this is no export of a ledger, or one that was interrupted; \
         run the export again"
    )]
    NoCheckpoint,
    /// The policy cannot be used.
    #[error("the policy cannot be used: {0}")]
    Policy(#[from] PolicyError),
    /// The files cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Checks everything that `source` holds against the keys that `policy` names.
///
/// `progress` is called once per 256 entries.
///
/// # Errors
/// [`CannotRun`] if nothing can be said about the ledger.
pub fn verify(
    source: &dyn Source,
    policy: &Policy,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, CannotRun> {
    verify_with(source, policy, &Nobody, &mut Nobody, progress)
}

/// The same, with others who look on: `reader` makes facts of payloads, on all cores, and `judge`
/// gets each entry that was signed with its fact, in order, and may add findings.
///
/// # Errors
/// [`CannotRun`] if nothing can be said about the ledger.
pub fn verify_with<R: Reader, J: Judge<R::Fact>>(
    source: &dyn Source,
    policy: &Policy,
    reader: &R,
    judge: &mut J,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, CannotRun> {
    let verifier = policy.verifier()?;
    let mut findings = Findings::of(verifier.origin());
    compare_policy(source, policy, &mut findings)?;
    let note = source.get("checkpoint")?.ok_or(CannotRun::NoCheckpoint)?;
    let mut report = Report {
        origin: verifier.origin(),
        size: 0,
        root: String::new(),
        cosigned_by: Vec::new(),
        shown: Shown::default(),
        findings: Vec::new(),
        further_findings: 0,
        notes: Vec::new(),
    };
    match read_checkpoint(policy, &verifier, &note, &mut report, &mut findings)? {
        Err(error) => {
            let message = format!("the checkpoint does not verify, nothing was read on: {error}");
            findings.add(Cause::CheckpointInvalid, None, message);
        }
        Ok(checkpoint) => {
            report.size = checkpoint.size;
            report.root = hex::encode(checkpoint.root.0);
            let scope = read_scope(source, checkpoint.size, &mut findings)?;
            let first = scope
                .as_ref()
                .map_or(0, |scope| scope.bundles(checkpoint.size).start);
            judge.begin(first * TILE_WIDTH, checkpoint.size);
            let about = (verifier.origin(), scope);
            let run = Run::begin(source, &checkpoint, about, judge, findings)?;
            let reading = Reading::of(source, &report.origin, checkpoint.size, reader);
            let run = all(run, &reading, progress)?;
            (findings, report.shown) = run.end(policy.keys(), &checkpoint)?;
        }
    }
    (report.findings, report.further_findings, report.notes) = findings.into_parts();
    Ok(report)
}

/// After so many consecutive bundles of which there is nothing (4,194,304 entries), the rest is
/// taken for missing: otherwise a checkpoint that claims 2^62 entries would keep an auditor busy for
/// ever.
const MOST_MISSING: u64 = 16_384;

/// Why bundles are read no further.
enum Stop {
    Source(SourceError),
    /// Nothing of the last [`MOST_MISSING`] bundles was there.
    NothingThere,
}

/// All bundles of the run, read on all cores, judged in order.
fn all<'s, R: Reader, J: Judge<R::Fact>>(
    mut run: Run<'s, J>,
    reading: &Reading<'_, R>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Run<'s, J>, SourceError> {
    let bundles = run.bundles();
    let total = run.done(bundles.end);
    let weight = |bundle: &Result<read::Bundle<R::Fact>, SourceError>| {
        bundle.as_ref().map_or(0, |bundle| bundle.weight)
    };
    let (mut missing, mut next) = (0, bundles.start);
    let read = in_order(
        bundles,
        AHEAD,
        |n| reading.bundle(n),
        weight,
        |bundle| {
            let bundle = bundle.map_err(Stop::Source)?;
            missing = if bundle.is_nothing() { missing + 1 } else { 0 };
            next = bundle.n + 1;
            let done = run.done(next);
            run.bundle(bundle).map_err(Stop::Source)?;
            progress(Progress { done, total });
            if missing < MOST_MISSING {
                Ok(())
            } else {
                Err(Stop::NothingThere)
            }
        },
    );
    match read {
        Ok(()) => {}
        Err(Stop::Source(error)) => return Err(error),
        Err(Stop::NothingThere) => run.rest_missing(next),
    }
    Ok(run)
}

/// Reads the checkpoint and wants its text as a log writes it: one that says the same in other
/// bytes was tampered with too.
fn read_checkpoint(
    policy: &Policy,
    verifier: &LogVerifier,
    note: &[u8],
    report: &mut Report,
    findings: &mut Findings,
) -> Result<Result<Checkpoint, CheckpointError>, PolicyError> {
    let checkpoint = match policy.check(note) {
        Ok(checked) => {
            let names = checked.cosigned_by.into_iter().map(|by| by.witness);
            report.cosigned_by.extend(names);
            for key in checked.unknown {
                let message =
                    format!("{key} signed the checkpoint too; the policy does not name it");
                findings.note("unknown-signature", None, message);
            }
            checked.checkpoint
        }
        Err(CheckError::Policy(error)) => return Err(error),
        Err(CheckError::Log(error)) => return Ok(Err(error)),
        Err(wrong @ CheckError::Cosignature(_)) => {
            return Ok(Err(CheckpointError::Signature(wrong.to_string())));
        }
        Err(quorum @ CheckError::Quorum { .. }) => {
            findings.add(Cause::QuorumMissing, None, quorum.to_string());
            match verifier.verify(note) {
                Ok(checkpoint) => checkpoint,
                Err(error) => return Ok(Err(error)),
            }
        }
    };
    let text = Checkpoint::text(&verifier.origin(), checkpoint.size, checkpoint.root);
    Ok(if checkpoint.note.starts_with(&format!("{text}\n")) {
        Ok(checkpoint)
    } else {
        Err(CheckpointError::Malformed(format!(
            "its text is not {text:?}"
        )))
    })
}

/// What the package promises; `None` for the whole ledger.
fn read_scope(
    source: &dyn Source,
    size: u64,
    findings: &mut Findings,
) -> Result<Option<Scope>, SourceError> {
    let Some(bytes) = source.get("scope")? else {
        return Ok(None);
    };
    let fault = match Scope::from_bytes(&bytes) {
        Err(error) => error.to_string(),
        Ok(scope) => match scope.range {
            Some(range) if range.last.0 >= size => {
                format!(
                    "it ends with entry {}, the checkpoint with {size}",
                    range.last
                )
            }
            _ => return Ok(Some(scope)),
        },
    };
    let message = format!("{fault}; the whole ledger was expected");
    findings.add(Cause::ScopeInvalid, None, message);
    Ok(None)
}

/// The `policy` file of an export is no trust root. It may have become more than the auditor's own,
/// because keys rotate and witnesses come and go; that is worth a word. Anything else is a fault.
fn compare_policy(
    source: &dyn Source,
    policy: &Policy,
    findings: &mut Findings,
) -> Result<(), SourceError> {
    let Some(bytes) = source.get("policy")? else {
        return Ok(());
    };
    let (text, asked_for) = (String::from_utf8_lossy(&bytes), policy.to_string());
    if text == asked_for {
        return Ok(());
    }
    let theirs = text.parse::<Policy>();
    if theirs.is_ok_and(|theirs| theirs.to_string() == text && theirs.extends(policy)) {
        let message = "the file `policy` says more than the policy that was asked for: if you know \
                       of the rotation or the witnesses, make it yours";
        findings.note("policy-newer", None, message.to_owned());
        return Ok(());
    }
    let message = format!(
        "the file `policy` is not the policy that was asked for, which is {asked_for:?}, nor what \
         could have become of it"
    );
    findings.add(Cause::PolicyDiffers, None, message);
    Ok(())
}

/// A number of items of one bundle, at most 256.
fn count(width: u64) -> usize {
    usize::try_from(width).expect("a bundle holds at most 256 items")
}
