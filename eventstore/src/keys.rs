//! Where log keys come from.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use sealrock_ledger::{CheckpointError, LedgerName, LogKey, Origin};

/// Gives the private key of a ledger. The key is asked for once per process and ledger.
pub trait KeySource: Send + Sync {
    /// The key of an existing ledger.
    ///
    /// # Errors
    /// If it cannot be found or read, or is another ledger's.
    fn key(&self, name: &LedgerName, origin: &Origin) -> Result<LogKey, KeyError>;

    /// The key for a new ledger, made where there is none. After this has returned, the key is
    /// durable: a crash before the ledger is made leaves a key that the next attempt finds.
    ///
    /// # Errors
    /// As [`KeySource::key`], and if a new key cannot be kept.
    fn key_for_new(&self, name: &LedgerName, origin: &Origin) -> Result<LogKey, KeyError>;
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The ledger exists and its key does not.
    #[error(
        "the log key of ledger {name} is missing: put it back at {} or into {variable}; \
         without it nothing can be appended to this ledger", path.display()
    )]
    Missing {
        /// The ledger.
        name: LedgerName,
        /// Where its file should be.
        path: PathBuf,
        /// The environment variable that would do as well.
        variable: String,
    },
    /// The file cannot be read or written.
    #[error("the log key file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What was found is not a key of this ledger.
    #[error("the log key from {from}: {source}")]
    Unusable {
        /// File or variable.
        from: String,
        /// What is wrong.
        source: CheckpointError,
    },
}

/// Keys in files `<folder>/<ledger>.key`, readable by the owner only (0600); the environment
/// variable `SEALROCK_LOG_KEY_<LEDGER>` wins over the file.
#[derive(Debug, Clone)]
pub struct KeyFiles {
    folder: PathBuf,
}

impl KeyFiles {
    /// Keys in this folder; it is made (0700) with the first key.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    fn path(&self, name: &LedgerName) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    fn find(&self, name: &LedgerName, origin: &Origin) -> Result<Option<LogKey>, KeyError> {
        let variable = variable(name);
        if let Ok(secret) = std::env::var(&variable) {
            return parse(&secret, origin, variable).map(Some);
        }
        let path = self.path(name);
        match std::fs::read_to_string(&path) {
            Ok(secret) => parse(&secret, origin, path.display().to_string()).map(Some),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(KeyError::File { path, source }),
        }
    }

    /// Written aside and linked into place, so that a file with the key's name is always whole and
    /// of two processes that make a key at once one wins.
    fn create(&self, name: &LedgerName, key: &LogKey) -> Result<(), std::io::Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let aside = self
            .folder
            .join(format!(".{name}.{}", uuid::Uuid::new_v4()));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&aside)?;
        let written = writeln!(file, "{}", key.to_secret())
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::hard_link(&aside, self.path(name)));
        std::fs::remove_file(&aside)?;
        match written {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            other => other?,
        }
        std::fs::File::open(&self.folder)?.sync_all()
    }
}

impl KeySource for KeyFiles {
    fn key(&self, name: &LedgerName, origin: &Origin) -> Result<LogKey, KeyError> {
        self.find(name, origin)?.ok_or_else(|| KeyError::Missing {
            name: name.clone(),
            path: self.path(name),
            variable: variable(name),
        })
    }

    fn key_for_new(&self, name: &LedgerName, origin: &Origin) -> Result<LogKey, KeyError> {
        if let Some(key) = self.find(name, origin)? {
            return Ok(key);
        }
        let path = self.path(name);
        let key = LogKey::generate(origin).map_err(|source| KeyError::Unusable {
            from: "the random generator".into(),
            source,
        })?;
        self.create(name, &key)
            .map_err(|source| KeyError::File { path, source })?;
        self.key(name, origin)
    }
}

fn variable(name: &LedgerName) -> String {
    format!(
        "SEALROCK_LOG_KEY_{}",
        name.as_str().to_uppercase().replace('-', "_")
    )
}

fn parse(secret: &str, origin: &Origin, from: String) -> Result<LogKey, KeyError> {
    LogKey::from_secret(secret, origin).map_err(|source| KeyError::Unusable { from, source })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_key_is_kept_for_the_owner_only_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFiles::new(folder.path().join("keys"));
        let name: LedgerName = "northsea".parse().unwrap();
        let origin = Origin::new("sealrock.example", &name);

        assert!(matches!(
            keys.key(&name, &origin),
            Err(KeyError::Missing { .. })
        ));
        let made = keys.key_for_new(&name, &origin).unwrap();
        assert_eq!(keys.key(&name, &origin).unwrap().vkey(), made.vkey());
        assert_eq!(
            keys.key_for_new(&name, &origin).unwrap().vkey(),
            made.vkey()
        );
        let permissions = std::fs::metadata(keys.path(&name)).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600);
        assert_eq!(
            std::fs::read_dir(folder.path().join("keys"))
                .unwrap()
                .count(),
            1
        );
    }

    #[test]
    fn a_key_of_another_ledger_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFiles::new(folder.path());
        let name: LedgerName = "northsea".parse().unwrap();
        keys.key_for_new(&name, &Origin::new("sealrock.example", &name))
            .unwrap();
        let elsewhere = Origin::new("other.example", &name);
        assert!(matches!(
            keys.key(&name, &elsewhere),
            Err(KeyError::Unusable { .. })
        ));
    }
}
