//! One look at a ledger that may grow.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chrono::Utc;
use sealrock_ledger::verify::{CannotRun, Note, Progress, Source};
use sealrock_ledger::{Checkpoint, Index, Origin, Policy};

use super::{Continuity, Marks, Pinned, State, continuity};
use crate::verified::{Grounds, Trust, Verified, own_policy, stamp};
use crate::verify::{Checked, verify};

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The whole ledger.
    Whole,
    /// Only what an earlier look has not verified, with the whole of its bundles, unless the last
    /// look that read everything without a finding is longer ago than this. What reaches back (the
    /// versions of streams, devices' keys, seals, gaps, erasures) is judged by whole looks alone.
    New {
        /// A whole look is due after so long.
        whole_every: Duration,
    },
}

/// Looks at the ledger that `source` shows now: does it continue what was seen before, and is it
/// what its log signed? What is found is kept below `folder` for the next look.
///
/// A ledger is expected, not a part of one: what a server does not show is a finding, whatever its
/// own file `scope` says.
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
    let marks = state.marks()?;
    let from = match &signed {
        Some(signed) if good => first_to_read(extent, &marks, signed),
        _ => 0,
    };
    let size = signed.map_or(0, |signed| signed.size);
    let pinned = pinned.from(from, size);
    let Checked { mut report, facts } = verify(&pinned, &policy, progress)?;
    match (good, report.is_verified()) {
        (true, true) => state.keep_verified(report.size, from == 0)?,
        (true, false) if from == 0 => state.forget_whole()?,
        _ => {}
    }
    let marks = state.marks()?;
    report.notes.extend(not_read(from, &marks));
    report.notes.extend(partial(source)?);
    let timestamp = stamp(&pinned, &report.origin, grounds.timestamp_roots.as_deref())?;
    Ok(Verified {
        report,
        facts,
        trust,
        timestamp,
        continuity,
        marks: Some(marks),
    })
}

/// The first entry that is to be read. The newest is read again even if nothing is new: that it is
/// still there is worth a look.
fn first_to_read(extent: Extent, marks: &Marks, signed: &Checkpoint) -> u64 {
    let Extent::New { whole_every } = extent else {
        return 0;
    };
    // A clock that was set back says nothing about how long ago it was.
    let ago = marks
        .whole
        .as_ref()
        .and_then(|whole| (Utc::now() - whole.time).to_std().ok());
    if ago.is_none_or(|ago| ago >= whole_every) {
        return 0;
    }
    marks.entries.min(signed.size.saturating_sub(1))
}

/// What a look at what is new leaves out.
fn not_read(from: u64, marks: &Marks) -> Option<Note> {
    let whole = marks.whole.as_ref().filter(|_| from > 0)?;
    let message = format!(
        "read was what is new, from entry {from} on; what reaches back before it (versions of \
         streams, keys of devices, seals, gaps, erasures) was checked by the last whole look, of \
         {} entries at {}",
        whole.entries,
        whole.time.to_rfc3339()
    );
    Some(Note {
        code: "only-new-read",
        index: Some(Index(from)),
        message,
    })
}

/// A server may hold an export of a part. That is worth a word, as it explains what is missing.
fn partial(source: &dyn Source) -> Result<Option<Note>, CannotRun> {
    let Some(scope) = source.get("scope")? else {
        return Ok(None);
    };
    let scope: String = String::from_utf8_lossy(&scope).chars().take(1000).collect();
    let message = format!(
        "the server says that it holds only a part, {scope:?}: nobody signs that, so the whole ledger \
         was expected. To check a part, take its files and verify them as a directory or archive"
    );
    Ok(Some(Note {
        code: "part-of-a-ledger",
        index: None,
        message,
    }))
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
