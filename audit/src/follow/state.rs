//! What an auditor keeps of a ledger between two looks at it.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SubsecRound, Utc};
use sealrock_ledger::verify::SourceError;
use sealrock_ledger::{Checkpoint, ForkEvidence, LogVerifier, Origin, Policy, leaf_hash};

use serde::Serialize;

use crate::directory::unreadable;

/// What was verified without a finding, with its payloads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Marks {
    /// All entries before this one were read, at one look or another.
    pub entries: u64,
    /// The last look that read everything; `None` if there was none.
    pub whole: Option<WholeLook>,
}

/// A look that read a ledger from its first entry to its last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WholeLook {
    /// Its number of entries then.
    pub entries: u64,
    /// When, by the auditor's clock.
    pub time: DateTime<Utc>,
}

/// The folder of one ledger:
///
/// ```text
/// checkpoint         the newest signed checkpoint that was found to continue the ones before
/// policy             the policy of the first contact, where the auditor gave none
/// verified           number of entries that were read without a finding, with their payloads
/// verified-whole     the same of the last look that read everything, and when that was
/// fork-<hash>        evidence that the log signed two histories
/// ```
///
/// **Crash**: files appear whole or not at all.
#[derive(Debug, Clone)]
pub struct State {
    folder: PathBuf,
}

impl State {
    /// Where states are kept by default: `$XDG_STATE_HOME/sealrock`, else `~/.local/state/sealrock`.
    #[must_use]
    pub fn default_folder() -> Option<PathBuf> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        set("XDG_STATE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(Path::new(&set("HOME")?).join(".local/state")))
            .map(|state| state.join("sealrock"))
    }

    /// The state of a ledger below `folder`, made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(folder: &Path, origin: &Origin) -> Result<Self, SourceError> {
        let folder = folder.join(name_of(origin));
        fs::create_dir_all(&folder).map_err(|e| unreadable(&folder, &e))?;
        Ok(Self { folder })
    }

    /// The checkpoint that was kept last.
    ///
    /// # Errors
    /// If the file cannot be read, or is not of the ledger with these keys.
    pub fn checkpoint(&self, keys: &LogVerifier) -> Result<Option<Checkpoint>, SourceError> {
        let Some(note) = self.read("checkpoint")? else {
            return Ok(None);
        };
        let checkpoint = keys.verify(&note).map_err(|e| {
            let hint = "it was kept for another key: if the ledger is meant to have a new one, give \
                        another folder with --state";
            self.refused("checkpoint", &format!("{e}; {hint}"))
        })?;
        Ok(Some(checkpoint))
    }

    /// Keeps a checkpoint.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), SourceError> {
        self.write("checkpoint", checkpoint.note.as_bytes())
    }

    /// The policy of the first contact.
    ///
    /// # Errors
    /// If the file cannot be read or is none.
    pub fn policy(&self) -> Result<Option<Policy>, SourceError> {
        let Some(text) = self.read("policy")? else {
            return Ok(None);
        };
        let parsed = String::from_utf8_lossy(&text).parse::<Policy>();
        parsed
            .map(Some)
            .map_err(|e| self.refused("policy", &e.to_string()))
    }

    /// Keeps the policy of the first contact.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_policy(&self, policy: &Policy) -> Result<(), SourceError> {
        self.write("policy", policy.to_string().as_bytes())
    }

    /// What was verified without a finding.
    ///
    /// # Errors
    /// If the files cannot be read or hold something else.
    pub fn marks(&self) -> Result<Marks, SourceError> {
        Ok(Marks {
            entries: self
                .mark("verified", |text| text.parse().ok())?
                .unwrap_or(0),
            whole: self.mark("verified-whole", |text| {
                let (entries, time) = text.split_once(' ')?;
                Some(WholeLook {
                    entries: entries.parse().ok()?,
                    time: time.parse().ok()?,
                })
            })?,
        })
    }

    /// Keeps that all of so many entries are verified without a finding: now, if the look was a
    /// whole one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_verified(&self, entries: u64, whole: bool) -> Result<(), SourceError> {
        if whole {
            let time = Utc::now().trunc_subsecs(0).to_rfc3339();
            self.write("verified-whole", format!("{entries} {time}\n").as_bytes())?;
        }
        self.write("verified", format!("{entries}\n").as_bytes())
    }

    /// A whole look had findings: the next one is to be whole too.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn forget_whole(&self) -> Result<(), SourceError> {
        let place = self.folder.join("verified-whole");
        match fs::remove_file(&place) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(unreadable(&place, &e)),
            _ => Ok(()),
        }
    }

    fn mark<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, SourceError> {
        let Some(text) = self.read(name)? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&text);
        let hint = "it is no mark of a verification; remove it, and the next look reads everything";
        let parsed = parse(text.trim()).ok_or_else(|| self.refused(name, hint));
        parsed.map(Some)
    }

    /// Keeps evidence of a fork, for ever; answers its place. The same evidence has the same place.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_evidence(&self, evidence: &ForkEvidence) -> Result<PathBuf, SourceError> {
        let text = evidence.to_string();
        let name = format!("fork-{}", &hex::encode(leaf_hash(text.as_bytes()).0)[..16]);
        self.write(&name, text.as_bytes())?;
        Ok(self.folder.join(name))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(unreadable(&path, &e)),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), SourceError> {
        let place = self.folder.join(name);
        // Two watchers of one ledger do not write into one file.
        let aside = self.folder.join(format!(".{name}-{}", std::process::id()));
        File::create(&aside)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&aside, &place))
            .and_then(|()| File::open(&self.folder)?.sync_all())
            .map_err(|e| unreadable(&place, &e))
    }

    fn refused(&self, name: &str, reason: &str) -> SourceError {
        unreadable(&self.folder.join(name), &Error::other(reason.to_owned()))
    }
}

/// A folder's name for a ledger. An origin may come from a server that is not trusted, so what is
/// no plain letter becomes `_`, and a hash keeps two apart that look the same then.
fn name_of(origin: &Origin) -> String {
    let plain = |c: char| match c {
        'a'..='z' | '0'..='9' | '-' => c,
        '.' => '.',
        _ => '_',
    };
    let name: String = origin.as_str().chars().take(100).map(plain).collect();
    let hash = hex::encode(leaf_hash(origin.as_str().as_bytes()).0);
    format!("{}-{}", name.trim_start_matches('.'), &hash[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledgers_folder_stays_where_it_belongs() {
        let name = |origin: &str| name_of(&Origin::from_stored(origin.into()));
        assert!(
            name("sealrock.example/ledger/northsea")
                .starts_with("sealrock.example_ledger_northsea-")
        );
        for strange in ["../../etc", "..", "/", "a\0b", ".hidden", &"é".repeat(300)] {
            let name = name(strange);
            let safe = !name.contains(['/', '\0']) && !name.starts_with('.') && name.len() < 128;
            assert!(safe, "{strange:?} is {name:?}");
        }
        assert_ne!(name("a/b"), name("a_b"));
    }
}
