//! One look at a ledger that may grow.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use sealrock_ledger::verify::{CannotRun, Progress, Source};
use sealrock_ledger::{Checkpoint, Origin, Policy};

use super::{Continuity, Pinned, State, continuity};
use crate::verified::{Grounds, Trust, Verified, own_policy, stamp};
use crate::verify::{Checked, verify};

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The whole ledger.
    Whole,
    /// Only what an earlier look has not verified, with the whole of its bundles. The streams'
    /// versions and the devices' sequences before are taken as found then.
    New,
}

/// Looks at the ledger that `source` shows now: does it continue what was seen before, and is it
/// what its log signed? What is found is kept below `folder` for the next look.
///
/// `stop`, once it is set, ends the look as soon as a file is asked for.
///
/// # Errors
/// [`CannotRun`] if nothing can be said, or the state cannot be kept.
pub fn look(
    source: &dyn Source,
    grounds: &Grounds,
    folder: &Path,
    extent: Extent,
    stop: &Arc<AtomicBool>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verified, CannotRun> {
    let note = source.get("checkpoint")?.ok_or(CannotRun::NoCheckpoint)?;
    let state = State::open(folder, &origin_of(&note))?;
    let (policy, trust) = choose(source, grounds, &state)?;
    let pinned = Pinned::new(source, note.clone()).until(stop);
    let keys = policy.verifier()?;
    // What the log did not sign continues nothing; the report says so.
    let signed = keys.verify(&note).ok();
    let kept = state.checkpoint(&keys)?;
    let continuity = signed
        .as_ref()
        .map(|signed| continuity(&pinned, &state, kept.as_ref(), signed))
        .transpose()?;
    let good = continuity.as_ref().is_some_and(Continuity::is_good);
    if let Some(signed) = signed.as_ref().filter(|_| good) {
        state.keep_checkpoint(signed)?;
        if trust == Trust::OwnKey {
            state.keep_policy(&policy)?;
        }
    }
    let from = match (extent, &signed) {
        (Extent::New, Some(signed)) if good => verified_before(&state, signed)?,
        _ => 0,
    };
    let pinned = match &signed {
        Some(signed) => pinned.from(from, signed.size)?,
        None => pinned,
    };
    let Checked { report, facts } = verify(&pinned, &policy, progress)?;
    if good && report.is_verified() {
        state.keep_verified(report.size)?;
    }
    let timestamp = stamp(&pinned, &report.origin, grounds.timestamp_roots.as_deref())?;
    Ok(Verified {
        report,
        facts,
        trust,
        timestamp,
        continuity,
    })
}

/// The first entry that is to be read. The newest is read again even if nothing is new: that it is
/// still there is worth a look.
fn verified_before(state: &State, signed: &Checkpoint) -> Result<u64, CannotRun> {
    Ok(state.verified()?.min(signed.size.saturating_sub(1)))
}

/// The auditor's policy, or that of the first contact, or at the first contact the ledger's own.
fn choose(
    source: &dyn Source,
    grounds: &Grounds,
    state: &State,
) -> Result<(Policy, Trust), CannotRun> {
    if let Some(policy) = &grounds.policy {
        return Ok((policy.clone(), Trust::Given));
    }
    match state.policy()? {
        Some(policy) => Ok((policy, Trust::FirstContact)),
        None => Ok((own_policy(source)?, Trust::OwnKey)),
    }
}

/// The ledger that a checkpoint says it is of; nothing vouches for it yet.
fn origin_of(note: &[u8]) -> Origin {
    let text = String::from_utf8_lossy(note);
    Origin::from_stored(text.lines().next().unwrap_or_default().to_owned())
}
