//! An export in a directory, as the verifier reads it.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Component, Path, PathBuf};

use sealrock_ledger::verify::{Source, SourceError};

/// Above any file of an honest export (256 payloads of 1 MiB, and their headers).
pub(crate) const MAX_FILE_BYTES: u64 = 512 << 20;

/// The files of an export. Who made it is not trusted: nothing outside the directory is read,
/// wherever its links point, and only regular files of a sane size are.
#[derive(Debug, Clone)]
pub struct DirectorySource {
    root: PathBuf,
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
