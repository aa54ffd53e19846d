//! An export in a directory, as the verifier reads it.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Component, Path, PathBuf};

use sealrock_ledger::Policy;
use sealrock_ledger::verify::{CannotRun, Progress, Report, Source, SourceError, verify};
use serde::Serialize;

/// Above any file of an honest export (256 payloads of 1 MiB, and their headers).
pub(crate) const MAX_FILE_BYTES: u64 = 512 << 20;

/// The files of an export. Who made it is not trusted: nothing outside the directory is read,
/// wherever its links point, and only regular files of a sane size are.
#[derive(Debug, Clone)]
pub struct DirectorySource {
    root: PathBuf,
}

/// What a verification found, and whose key it trusted.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// What was found.
    #[serde(flatten)]
    pub report: Report,
    /// Where the key came from.
    pub trust: Trust,
}

/// Where the key that everything rests on came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// From a policy that the auditor gave.
    Given,
    /// From the export itself: this shows that the export is whole and fits its own key, not whose
    /// key that is.
    OwnKey,
}

impl Trust {
    /// What an auditor should know about it, in a sentence.
    #[must_use]
    pub fn note(self) -> &'static str {
        match self {
            Self::Given => "checked with the key of the policy that was given",
            Self::OwnKey => {
                "checked with the key in the export's own policy file: get the policy by another \
                 way and give it with --policy to know whose ledger this is"
            }
        }
    }
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
    let source = DirectorySource::open(dir)?;
    let (bytes, trust) = match policy {
        Some(path) => (
            fs::read(path).map_err(|e| unreadable(path, &e))?,
            Trust::Given,
        ),
        None => (own_policy(&source)?, Trust::OwnKey),
    };
    let text = String::from_utf8(bytes).map_err(|e| SourceError {
        path: policy.map_or_else(|| "policy".into(), |path| path.display().to_string()),
        reason: e.to_string(),
    })?;
    let policy: Policy = text.parse()?;
    let report = verify(&source, &policy, progress)?;
    Ok(Verified { report, trust })
}

fn own_policy(source: &DirectorySource) -> Result<Vec<u8>, SourceError> {
    source.get("policy")?.ok_or_else(|| SourceError {
        path: "policy".into(),
        reason: "the export holds no such file; give the auditor's own with --policy".into(),
    })
}

impl DirectorySource {
    /// The export in `dir`.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn open(dir: &Path) -> Result<Self, SourceError> {
        let root = fs::canonicalize(dir).map_err(|e| unreadable(dir, &e))?;
        if !root.is_dir() {
            return Err(unreadable(dir, &Error::from(ErrorKind::NotADirectory)));
        }
        Ok(Self { root })
    }
}

impl Source for DirectorySource {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let plain = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !plain || path.is_empty() {
            return Err(refused(path, "it is no path inside an export"));
        }
        let file = match fs::canonicalize(self.root.join(path)) {
            Ok(file) => file,
            Err(e) if is_absent(&e) => return Ok(None),
            Err(e) => return Err(refused(path, &e.to_string())),
        };
        if !file.starts_with(&self.root) {
            return Err(refused(path, "it is a link that leads out of the export"));
        }
        let about = fs::metadata(&file).map_err(|e| refused(path, &e.to_string()))?;
        if !about.is_file() {
            return Err(refused(path, "it is no regular file"));
        }
        if about.len() > MAX_FILE_BYTES {
            let reason = format!(
                "it has {} bytes; no file of an export has so many",
                about.len()
            );
            return Err(refused(path, &reason));
        }
        fs::read(&file)
            .map(Some)
            .map_err(|e| refused(path, &e.to_string()))
    }
}

fn is_absent(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

pub(crate) fn unreadable(path: &Path, error: &Error) -> SourceError {
    refused(&path.display().to_string(), &error.to_string())
}

pub(crate) fn refused(path: &str, reason: &str) -> SourceError {
    SourceError {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_outside_the_directory_is_read() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("checkpoint"), "inside").unwrap();
        symlink(outside.path(), dir.path().join("tile")).unwrap();
        symlink("checkpoint", dir.path().join("policy")).unwrap();
        fs::create_dir(dir.path().join("payloads")).unwrap();
        let source = DirectorySource::open(dir.path()).unwrap();

        assert_eq!(source.get("checkpoint").unwrap().unwrap(), b"inside");
        assert_eq!(source.get("policy").unwrap().unwrap(), b"inside");
        assert!(source.get("absent").unwrap().is_none());
        assert!(source.get("checkpoint/below").unwrap().is_none());
        for path in [
            "../secret",
            "/etc/passwd",
            "a/../checkpoint",
            "tile/secret",
            "payloads",
            "",
        ] {
            assert!(source.get(path).is_err(), "{path:?}");
        }
    }
}
