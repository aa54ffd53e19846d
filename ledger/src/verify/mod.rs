//! Checks a whole ledger from its files alone: no database, no server, no trust in who wrote them.
//!
//! Trust runs downwards. The policy's key vouches for the checkpoint, the checkpoint's root for the
//! tiles at the right edge, each tile for the 256 tiles below it, the lowest tiles for the entries,
//! and each entry for its payload. Whatever does not fit what vouches for it is the thing that was
//! changed, so one changed byte is one finding. Where a tile was changed, its hashes are recomputed
//! from below; where tile and entries were both changed, the entries' `prev` decides between them.
//!
//! Memory is bounded by the number of streams and one bundle of payloads.

mod chain;
mod finding;
mod leaves;
mod payloads;
mod scope;
mod source;
mod tiles;

use serde::Serialize;

pub use finding::{Cause, Finding};
pub use scope::{Scope, ScopeError};
pub use source::{Source, SourceError};

use chain::Chain;
use finding::Findings;
use leaves::{Leaves, readable};
use tiles::Tiles;

use crate::{
    BundleError, Checkpoint, CheckpointError, Hash, LogVerifier, Origin, Policy, PolicyError,
    TILE_WIDTH, TilePath, decode_entries, leaf_hash,
};

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
    /// What does not fit, in the order of the ledger; empty if all is well.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether everything was read and fits.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.findings.is_empty()
    }
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Entries that were checked.
    pub done: u64,
    /// Entries that there are.
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

/// Checks everything that `source` holds against the key that `policy` names.
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
    let verifier = policy.verifier()?;
    let mut findings = Findings::of(verifier.origin());
    compare_policy(source, policy, &mut findings)?;
    let note = source.get("checkpoint")?.ok_or(CannotRun::NoCheckpoint)?;
    match read_checkpoint(&verifier, &note) {
        Err(error) => {
            let message = format!("the checkpoint does not verify, nothing was read on: {error}");
            findings.add(Cause::CheckpointInvalid, None, message);
            Ok(report(&verifier, None, findings))
        }
        Ok(checkpoint) => Run::begin(source, &checkpoint, &verifier, findings)?
            .all(progress)
            .map(|findings| report(&verifier, Some(&checkpoint), findings)),
    }
}

/// Reads the checkpoint and wants its bytes as a log writes them: a note that says the same in
/// other bytes was tampered with too.
fn read_checkpoint(verifier: &LogVerifier, note: &[u8]) -> Result<Checkpoint, CheckpointError> {
    let checkpoint = verifier.verify(note)?;
    let text = format!(
        "{}\n{}\n{}\n\n",
        verifier.origin(),
        checkpoint.size,
        checkpoint.root
    );
    if checkpoint.note.starts_with(&text) {
        Ok(checkpoint)
    } else {
        Err(CheckpointError::Malformed(format!(
            "its text is not {text:?}"
        )))
    }
}

/// The `policy` file of an export is no trust root, but one that says something else than the
/// auditor's own is worth a word.
fn compare_policy(
    source: &dyn Source,
    policy: &Policy,
    findings: &mut Findings,
) -> Result<(), SourceError> {
    let Some(bytes) = source.get("policy")? else {
        return Ok(());
    };
    if bytes != policy.to_string().as_bytes() {
        let message = format!(
            "the file `policy` is not the policy that was asked for, which is {:?}",
            policy.to_string()
        );
        findings.add(Cause::PolicyDiffers, None, message);
    }
    Ok(())
}

fn report(verifier: &LogVerifier, checkpoint: Option<&Checkpoint>, findings: Findings) -> Report {
    Report {
        origin: verifier.origin(),
        size: checkpoint.map_or(0, |checkpoint| checkpoint.size),
        root: checkpoint.map_or_else(String::new, |checkpoint| hex::encode(checkpoint.root.0)),
        findings: findings.into_list(),
    }
}

/// One verification under way.
struct Run<'s> {
    source: &'s dyn Source,
    size: u64,
    tiles: Tiles<'s>,
    chain: Chain,
    findings: Findings,
}

impl<'s> Run<'s> {
    /// Authenticates the right edge of the tree.
    fn begin(
        source: &'s dyn Source,
        checkpoint: &Checkpoint,
        verifier: &LogVerifier,
        mut findings: Findings,
    ) -> Result<Self, SourceError> {
        let size = checkpoint.size;
        let last = (size / TILE_WIDTH, size % TILE_WIDTH);
        let bundle = if last.1 == 0 {
            None
        } else {
            source.get(&entries_path(last))?
        };
        let leaves = Leaves::of_bundle(bundle.as_deref(), last.1);
        let tiles = Tiles::of_edge(source, checkpoint, &leaves, &mut findings)?;
        Ok(Self {
            source,
            size,
            tiles,
            chain: Chain::of(verifier.origin()),
            findings,
        })
    }

    fn all(mut self, progress: &mut dyn FnMut(Progress)) -> Result<Findings, CannotRun> {
        for bundle in TilePath::bundles(self.size) {
            let commitments = self.entries(bundle)?;
            self.payloads(bundle, &commitments)?;
            let done = bundle.0 * TILE_WIDTH + bundle.1;
            progress(Progress {
                done,
                total: self.size,
            });
        }
        Ok(self.findings)
    }

    /// Checks one bundle of entries; answers, for each that can be trusted, what it says of its
    /// payload.
    fn entries(&mut self, bundle: (u64, u64)) -> Result<Vec<Option<[u8; 32]>>, SourceError> {
        let path = entries_path(bundle);
        let first = bundle.0 * TILE_WIDTH;
        let bytes = self.source.get(&path)?;
        let leaves = Leaves::of_bundle(bytes.as_deref(), bundle.1);
        let trusted = self.tiles.leaves(bundle.0, &leaves, &mut self.findings)?;
        let width = count(bundle.1);
        let (items, error) = if let Some(bytes) = &bytes {
            readable(bytes, width, decode_entries)
        } else {
            let place = Some((first, first + bundle.1 - 1));
            self.findings
                .add(Cause::BundleMissing, place, format!("{path} is missing"));
            (Vec::new(), None)
        };
        let usable = match &error {
            Some(error) => {
                self.broken_bundle(&path, first, width, &items, trusted.as_deref(), error)
            }
            None => items.len(),
        };
        let mut commitments = Vec::with_capacity(width);
        for (at, index) in (first..first + bundle.1).enumerate() {
            let expected = trusted.as_ref().map(|hashes| hashes[at]);
            commitments.push(match items[..usable].get(at) {
                Some(bytes) => self.chain.check(index, bytes, expected, &mut self.findings),
                None => self.chain.skip(index, expected),
            });
        }
        Ok(commitments)
    }

    /// Names the first entry of a bundle whose framing is broken; answers how many before it can
    /// be used. The first that does not fit is where the bytes were changed: a changed length lets
    /// the decoder stumble later.
    fn broken_bundle(
        &mut self,
        path: &str,
        first: u64,
        width: usize,
        items: &[&[u8]],
        trusted: Option<&[Hash]>,
        error: &BundleError,
    ) -> usize {
        let fits = |at: usize| match trusted {
            Some(hashes) => leaf_hash(items[at]) == hashes[at],
            None => chain::reads_as(items[at], first + at as u64),
        };
        let usable = (0..items.len())
            .find(|at| !fits(*at))
            .unwrap_or(items.len());
        let index = first + usable.min(width - 1) as u64;
        let message = format!("{path} cannot be read from entry {index} on: {error}");
        self.findings
            .add(Cause::BundleUnreadable, Some((index, index)), message);
        usable
    }

    fn payloads(
        &mut self,
        bundle: (u64, u64),
        commitments: &[Option<[u8; 32]>],
    ) -> Result<(), SourceError> {
        let path = TilePath::Payloads {
            n: bundle.0,
            width: bundle.1,
        }
        .to_string();
        let bytes = self.source.get(&path)?;
        let first = bundle.0 * TILE_WIDTH;
        payloads::check(
            &path,
            first,
            bytes.as_deref(),
            commitments,
            &mut self.findings,
        );
        Ok(())
    }
}

fn entries_path((n, width): (u64, u64)) -> String {
    TilePath::Entries { n, width }.to_string()
}

/// A number of items of one bundle, at most 256.
fn count(width: u64) -> usize {
    usize::try_from(width).expect("a bundle holds at most 256 items")
}
