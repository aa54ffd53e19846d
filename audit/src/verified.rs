//! What a verification rests on, and what it answers.

use std::path::Path;

use chrono::{DateTime, Utc};
use sealrock_ledger::verify::{CannotRun, Progress, Report, Source, SourceError};
use sealrock_ledger::{Origin, Policy};
use serde::Serialize;

use crate::archive::ArchiveSource;
use crate::directory::DirectorySource;
use crate::follow::{Continuity, Marks};
use crate::timestamp;
use crate::verify::{Checked, Facts, stray_files, verify};

/// What the auditor brings: what he trusts, by another way than from whom he checks.
#[derive(Debug, Clone, Default)]
pub struct Grounds {
    /// The ledger's keys and witnesses. Without one, that of what is verified is used, which shows
    /// that it is whole and fits its own key.
    pub policy: Option<Policy>,
    /// Certificates in PEM of the authorities whose time stamps count.
    pub timestamp_roots: Option<String>,
}

/// What a verification found, and what it rests on.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// What was found.
    #[serde(flatten)]
    pub report: Report,
    /// How much of what the payloads say was checked.
    pub facts: Facts,
    /// Where the key came from.
    pub trust: Trust,
    /// When an authority stamped the checkpoint; `None` if none did.
    pub timestamp: Option<Stamp>,
    /// How it stands to what was seen before; `None` for files, of which nothing is kept.
    pub continuity: Option<Continuity>,
    /// What was verified of it by now, this look and others; `None` for files.
    pub marks: Option<Marks>,
}

impl Verified {
    /// Whether everything that there is was checked and fits.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.report.is_verified()
            && self.continuity.as_ref().is_none_or(Continuity::is_good)
            && !matches!(self.timestamp, Some(Stamp::Invalid { .. }))
    }
}

/// Where the key that everything rests on came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// From a policy that the auditor gave.
    Given,
    /// From the policy that was served at the first contact, and kept since.
    FirstContact,
    /// From what was verified itself: this shows that it is whole and fits its own key, not whose
    /// key that is.
    OwnKey,
}

impl Trust {
    /// What an auditor should know about it, in a sentence.
    #[must_use]
    pub fn note(self) -> &'static str {
        match self {
            Self::Given => "checked with the key of the policy that was given",
            Self::FirstContact => {
                "checked with the key that was served at the first contact: it is still the same \
                 ledger; give the policy with --policy to know whose it is"
            }
            Self::OwnKey => {
                "checked with the key in the export's own policy file: get the policy by another \
                 way and give it with --policy to know whose ledger this is"
            }
        }
    }
}

/// What became of the time stamp beside a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Stamp {
    /// An authority that the auditor trusts says that the checkpoint existed then.
    Trusted {
        /// By the authority's clock.
        time: DateTime<Utc>,
    },
    /// There is one, and no certificate to hold it against.
    Unchecked,
    /// It does not verify.
    Invalid {
        /// Why not.
        reason: String,
    },
}

/// Verifies the export in `dir`, offline. Without a policy file it trusts the export's own, and
/// says so.
///
/// # Errors
/// [`CannotRun`] if nothing can be said: no checkpoint, no usable policy, unreadable files.
pub fn verify_directory(
    dir: &Path,
    policy: Option<&Path>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verified, CannotRun> {
    let grounds = Grounds {
        policy: policy.map(read_policy).transpose()?,
        timestamp_roots: None,
    };
    verify_files(dir, &grounds, progress)
}

/// Verifies an export offline: a directory, or a `.tar.zst`, which is unpacked into a temporary
/// directory first.
///
/// # Errors
/// [`CannotRun`] if nothing can be said: no checkpoint, no usable policy, unreadable files.
pub fn verify_files(
    path: &Path,
    grounds: &Grounds,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verified, CannotRun> {
    if path.is_file() {
        let archive = ArchiveSource::open(path)?;
        let verified = verify_source(&archive, grounds, progress)?;
        return with_strays(verified, archive.path());
    }
    let verified = verify_source(&DirectorySource::open(path)?, grounds, progress)?;
    with_strays(verified, path)
}

/// Names the files that belong to no export. If the checkpoint did not verify, nothing is known of
/// what should be there.
fn with_strays(mut verified: Verified, dir: &Path) -> Result<Verified, CannotRun> {
    if !verified.report.root.is_empty() {
        let note = stray_files(dir, verified.report.size).map_err(|e| SourceError {
            path: dir.display().to_string(),
            reason: e.to_string(),
        })?;
        verified.report.notes.extend(note);
    }
    Ok(verified)
}

/// Verifies what a source holds.
///
/// # Errors
/// [`CannotRun`] if nothing can be said: no checkpoint, no usable policy, unreadable files.
pub fn verify_source(
    source: &dyn Source,
    grounds: &Grounds,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verified, CannotRun> {
    let (policy, trust) = match &grounds.policy {
        Some(policy) => (policy.clone(), Trust::Given),
        None => (own_policy(source)?, Trust::OwnKey),
    };
    let Checked { report, facts } = verify(source, &policy, progress)?;
    let timestamp = stamp(source, &report.origin, grounds.timestamp_roots.as_deref())?;
    Ok(Verified {
        report,
        facts,
        trust,
        timestamp,
        continuity: None,
        marks: None,
    })
}

/// Reads a policy of the auditor's own.
///
/// # Errors
/// If the file cannot be read or is no policy.
pub fn read_policy(path: &Path) -> Result<Policy, CannotRun> {
    let failed = |e: std::io::Error| SourceError {
        path: path.display().to_string(),
        reason: e.to_string(),
    };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    Ok(text.parse()?)
}

/// The policy that a source brings itself.
pub(crate) fn own_policy(source: &dyn Source) -> Result<Policy, CannotRun> {
    let refused = |reason: String| SourceError {
        path: "policy".into(),
        reason,
    };
    let bytes = source.get("policy")?.ok_or_else(|| {
        refused("there is no such file; give the auditor's own with --policy".into())
    })?;
    let text = String::from_utf8(bytes).map_err(|e| refused(e.to_string()))?;
    Ok(text.parse()?)
}

/// Looks at the time stamp beside the checkpoint.
pub(crate) fn stamp(
    source: &dyn Source,
    origin: &Origin,
    roots: Option<&str>,
) -> Result<Option<Stamp>, SourceError> {
    let Some(response) = source.get("timestamp.tsr")? else {
        return Ok(None);
    };
    let Some(roots) = roots else {
        return Ok(Some(Stamp::Unchecked));
    };
    let note = source.get("checkpoint")?.unwrap_or_default();
    let note = String::from_utf8_lossy(&note);
    let verified = timestamp::stamped_bytes(&note, origin)
        .ok_or_else(|| "the checkpoint is no signed note".to_owned())
        .and_then(|bytes| timestamp::verify(&response, &bytes, roots).map_err(|e| e.to_string()));
    Ok(Some(match verified {
        Ok(time) => Stamp::Trusted { time },
        Err(reason) => Stamp::Invalid { reason },
    }))
}
