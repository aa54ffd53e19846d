//! Secret keys in files: 32 bytes in base64url, for the owner only.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The text is not a key.
    #[error(
        "{} is no key: it should be 32 bytes in base64url (43 characters); put back the file that was there, or delete it, and a new key is made", path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the file.
    #[error("{} may be read by others (mode {mode:o}): run `chmod 600 {}`; if others did read it, delete it, and a new key is made", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file could not be read or written.
    #[error("could not read or write the key {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl KeyFileError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// The key in this file, which is made (mode 0600) if it is not there. Of several processes that do
/// so at once all get the same key. After a crash the file holds a whole key or is not there.
pub(crate) fn open(path: &Path) -> Result<[u8; 32], KeyFileError> {
    loop {
        match read(path) {
            // It may be taken away again before it is read, as a next key is that becomes the current.
            Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                make(path).map_err(KeyFileError::io(path))?;
            }
            outcome => return outcome,
        }
    }
}

/// The key in this file.
pub(crate) fn read(path: &Path) -> Result<[u8; 32], KeyFileError> {
    let mode = fs::metadata(path).map_err(KeyFileError::io(path))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let text = fs::read_to_string(path).map_err(KeyFileError::io(path))?;
    let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| KeyFileError::Malformed {
            path: path.to_owned(),
        })
}

/// Puts a new key in the place of whatever is there. Who reads the file finds the one or the other.
pub(crate) fn replace(path: &Path) -> Result<(), KeyFileError> {
    let replaced = draft(path).and_then(|draft| fs::rename(draft, path));
    replaced.map_err(KeyFileError::io(path))
}

/// Linked into place, which fails if another process was first: then its key holds.
fn make(path: &Path) -> io::Result<()> {
    let draft = draft(path)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A new key in a file beside.
fn draft(path: &Path) -> io::Result<PathBuf> {
    let mut seed = [0; 32];
    rand::rngs::OsRng.fill_bytes(&mut seed);
    let draft = path.with_extension(format!("draft-{:08x}", rand::random::<u32>()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = file
        .write_all(format!("{}\n", URL_SAFE_NO_PAD.encode(seed)).as_bytes())
        .and_then(|()| file.sync_all());
    match written {
        Ok(()) => Ok(draft),
        Err(error) => {
            let _ = fs::remove_file(&draft);
            Err(error)
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_file_is_made_once_private_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.key");
        let first = open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(open(&path).unwrap(), first);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn processes_that_make_the_key_at_once_get_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.key");
        let keys: std::collections::HashSet<[u8; 32]> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| open(&path).unwrap()))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.key");
        open(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_text_that_is_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.key");
        open(&path).unwrap();
        for bad in ["", "short", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2Axx"] {
            fs::write(&path, bad).unwrap();
            let refused = open(&path);
            assert!(
                matches!(refused, Err(KeyFileError::Malformed { .. })),
                "{bad}"
            );
        }
    }
}
