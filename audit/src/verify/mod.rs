//! Checks a whole ledger from its files alone, its facts included.
//!
//! `sealrock_ledger::verify` checks the structure: bytes, tree, signatures of the log, chain,
//! payloads, erasures. Here is what an auditor wants to know of what was recorded:
//!
//! - **Devices**: each batch is of a device that an entry before it registers; it is signed by a key
//!   that was the device's at that entry, or the device never had one.
//! - **Seqs**: no seq of a (device, boot) occurs twice; below a seq that is sealed none is missing
//!   that no `GapDetected` names.
//! - **Seals**: count, entries, root and figures are those of the batches; no batch before a seal's
//!   last one is left out; a superseding seal holds all of the one before.
//! - **Retention** erases only what a seal before it holds.
//! - **Form**: payloads whose type and schema we know are that type. Unknown types are a note, no
//!   finding: a newer version may have written them.
//!
//! Where something is not shown (a range, withheld payloads, what was erased) or is damaged, what
//! would rest on it is not guessed at: [`Facts`] and the report's notes say how much was checked.
//!
//! Payloads are decoded and signatures verified on all cores. Seals are checked by reading their
//! batches a second time, many seals at once, so memory does not grow with the number of batches but
//! for those that no seal holds.

mod judge;
mod reader;
mod recheck;
mod seqs;
mod stray;
mod windows;

use sealrock_ledger::Policy;
use sealrock_ledger::verify::{CannotRun, Progress, Report, Source, verify_with};
use serde::Serialize;

pub use judge::Facts;
pub(crate) use stray::stray_files;

use judge::FactJudge;
use reader::FactReader;

/// What a verification found, and how much of what was recorded it could check.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// What was found.
    #[serde(flatten)]
    pub report: Report,
    /// How much was checked.
    pub facts: Facts,
}

/// Checks everything that `source` holds, facts included, against the keys that `policy` names.
///
/// `progress` is called once per 256 entries.
///
/// # Errors
/// [`CannotRun`] if nothing can be said about the ledger.
pub fn verify(
    source: &dyn Source,
    policy: &Policy,
    progress: &mut dyn FnMut(Progress),
) -> Result<Checked, CannotRun> {
    let reader = FactReader::of(policy.verifier()?.origin());
    let mut judge = FactJudge::of(source, &reader);
    let report = verify_with(source, policy, &reader, &mut judge, progress)?;
    let facts = judge.into_facts();
    Ok(Checked { report, facts })
}
