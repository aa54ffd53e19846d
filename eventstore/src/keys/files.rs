//! Keys in files, in the environment, and in programs.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealrock_ledger::{KeyRange, LedgerName, LogKey, Origin};

use super::program::Programs;
use super::{KeyError, KeySource, Signer};

/// Keys, looked for in this order:
///
/// 1. in the environment variable `SEALROCK_LOG_KEY_<LEDGER>`, one or several parted by spaces;
/// 2. in files of the folder, readable by the owner only (0600): `<ledger>.key`, and
///    `<ledger>.<key id>.key` for those that came by rotation;
/// 3. in the programs of [`KeyFiles::with_programs`].
///
/// For a new ledger and for a rotation, a program's key comes first. Where there are programs, no
/// key file is made.
#[derive(Clone)]
pub struct KeyFiles {
    folder: PathBuf,
    programs: Arc<Programs>,
}

impl KeyFiles {
    /// Keys in this folder; it is made (0700) with the first key.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self::with_programs(folder, Vec::new())
    }

    /// As [`KeyFiles::new`], with programs that sign: commands with their arguments, parted by
    /// spaces. `README.md` has what is said to them.
    #[must_use]
    pub fn with_programs(folder: impl Into<PathBuf>, commands: Vec<String>) -> Self {
        Self {
            folder: folder.into(),
            programs: Arc::new(Programs::new(commands)),
        }
    }

    fn first_file(&self, name: &LedgerName) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    /// Where a key belongs: the file that a restore must bring back.
    fn file_of(&self, name: &LedgerName, vkey: &str) -> PathBuf {
        let named = self.folder.join(format!("{name}.{}.key", key_id(vkey)));
        if named.exists() {
            named
        } else {
            self.first_file(name)
        }
    }

    /// The keys that this process can read.
    fn held(&self, name: &LedgerName, origin: &Origin) -> Result<Vec<LogKey>, KeyError> {
        let mut held = Vec::new();
        let variable = variable(name);
        if let Ok(secrets) = std::env::var(&variable) {
            for secret in secrets.split_whitespace() {
                held.push(parse(secret, origin, variable.clone())?);
            }
        }
        for path in self.files(name)? {
            held.push(read(&path, origin)?);
        }
        Ok(held)
    }

    /// `<name>.key` and every `<name>.<key id>.key`, in the order of their names.
    fn files(&self, name: &LedgerName) -> Result<Vec<PathBuf>, KeyError> {
        let failed = |source| KeyError::File {
            path: self.folder.clone(),
            source,
        };
        let listing = match std::fs::read_dir(&self.folder) {
            Ok(listing) => listing,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(failed(source)),
        };
        let mut files = Vec::new();
        for item in listing {
            let item = item.map_err(failed)?;
            // Names of ledgers have no dot.
            let file = item.file_name();
            let stem = file.to_str().and_then(|file| file.strip_suffix(".key"));
            let of = stem.map(|stem| stem.split_once('.').map_or(stem, |(ledger, _)| ledger));
            if of == Some(name.as_str()) {
                files.push(item.path());
            }
        }
        files.sort();
        Ok(files)
    }

    fn make(&self, name: &LedgerName, origin: &Origin, first: bool) -> Result<LogKey, KeyError> {
        let key = LogKey::generate(origin).map_err(|source| KeyError::Unusable {
            from: "the random generator".into(),
            source,
        })?;
        let path = if first {
            self.first_file(name)
        } else {
            self.folder
                .join(format!("{name}.{}.key", key_id(key.vkey())))
        };
        self.create(name, &path, &key)
            .map_err(|source| KeyError::File {
                path: path.clone(),
                source,
            })?;
        read(&path, origin)
    }

    /// Written aside and linked into place, so that a file with the key's name is always whole and
    /// of two processes that make a ledger's first key at once one wins.
    fn create(&self, name: &LedgerName, path: &Path, key: &LogKey) -> Result<(), std::io::Error> {
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
            .and_then(|()| std::fs::hard_link(&aside, path));
        std::fs::remove_file(&aside)?;
        match written {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            other => other?,
        }
        std::fs::File::open(&self.folder)?.sync_all()
    }
}

impl KeySource for KeyFiles {
    fn signer(&self, name: &LedgerName, origin: &Origin, vkey: &str) -> Result<Signer, KeyError> {
        let held = self.held(name, origin)?;
        if let Some(key) = held.into_iter().find(|key| key.vkey() == vkey) {
            return Ok(Signer::held(key));
        }
        for program in self.programs.of(origin) {
            let signer = program?;
            if signer.vkey() == vkey {
                return Ok(signer);
            }
        }
        Err(KeyError::Missing {
            name: name.clone(),
            vkey: vkey.to_owned(),
            path: self.file_of(name, vkey),
            variable: variable(name),
        })
    }

    fn unused(
        &self,
        name: &LedgerName,
        origin: &Origin,
        known: &[KeyRange],
    ) -> Result<Signer, KeyError> {
        let is_new = |vkey: &str| known.iter().all(|range| range.vkey != vkey);
        for program in self.programs.of(origin) {
            let signer = program?;
            if is_new(signer.vkey()) {
                return Ok(signer);
            }
        }
        let held = self.held(name, origin)?;
        if let Some(key) = held.into_iter().find(|key| is_new(key.vkey())) {
            return Ok(Signer::held(key));
        }
        if !self.programs.is_empty() {
            // Who keeps keys in a program does not want the next one in a file.
            return Err(KeyError::NoneUnused(name.clone()));
        }
        self.make(name, origin, known.is_empty()).map(Signer::held)
    }

    fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The eight hexadecimal digits in `<origin>+<key id>+<base64>`.
fn key_id(vkey: &str) -> &str {
    vkey.split('+').nth(1).unwrap_or_default()
}

fn variable(name: &LedgerName) -> String {
    format!(
        "SEALROCK_LOG_KEY_{}",
        name.as_str().to_uppercase().replace('-', "_")
    )
}

fn read(path: &Path, origin: &Origin) -> Result<LogKey, KeyError> {
    let failed = |source| KeyError::File {
        path: path.to_owned(),
        source,
    };
    let mode = std::fs::metadata(path)
        .map_err(failed)?
        .permissions()
        .mode()
        & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let secret = std::fs::read_to_string(path).map_err(failed)?;
    parse(&secret, origin, path.display().to_string())
}

fn parse(secret: &str, origin: &Origin, from: String) -> Result<LogKey, KeyError> {
    LogKey::from_secret(secret, origin).map_err(|source| KeyError::Unusable { from, source })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::*;

    fn northsea() -> (LedgerName, Origin) {
        let name: LedgerName = "northsea".parse().unwrap();
        let origin = Origin::new("sealrock.example", &name);
        (name, origin)
    }

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_new_key_is_kept_for_the_owner_only_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFiles::new(folder.path().join("keys"));
        let (name, origin) = northsea();

        let made = keys.unused(&name, &origin, &[]).unwrap();
        let found = keys.signer(&name, &origin, made.vkey()).unwrap();
        assert_eq!(found.vkey(), made.vkey());
        // A crash before the ledger names it: the next attempt takes the same.
        let again = keys.unused(&name, &origin, &[]).unwrap();
        assert_eq!(again.vkey(), made.vkey());
        let permissions = std::fs::metadata(keys.first_file(&name))
            .unwrap()
            .permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600);
        let files = std::fs::read_dir(keys.folder()).unwrap();
        assert_eq!(files.count(), 1);
    }

    #[test]
    fn the_key_of_a_rotation_stands_beside_the_first_and_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFiles::new(folder.path());
        let (name, origin) = northsea();
        let first = keys.unused(&name, &origin, &[]).unwrap();
        let known = [KeyRange::only(first.vkey())];
        let next = keys.unused(&name, &origin, &known).unwrap();
        assert_ne!(next.vkey(), first.vkey());
        let again = keys.unused(&name, &origin, &known).unwrap();
        assert_eq!(again.vkey(), next.vkey());
        for key in [&first, &next] {
            let found = keys.signer(&name, &origin, key.vkey()).unwrap();
            assert_eq!(found.vkey(), key.vkey());
        }
        // Ledgers whose names begin alike have nothing to do with each other.
        let other: LedgerName = "northsea-2".parse().unwrap();
        let theirs = Origin::new("sealrock.example", &other);
        let made = keys.unused(&other, &theirs, &[]).unwrap();
        assert!(made.vkey().starts_with(theirs.as_str()));
    }

    #[test]
    fn a_missing_key_is_named_with_the_place_where_it_should_be() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFiles::new(folder.path());
        let (name, origin) = northsea();
        let lost = keys.unused(&name, &origin, &[]).unwrap();
        std::fs::remove_file(keys.first_file(&name)).unwrap();
        let missing = keys.signer(&name, &origin, lost.vkey()).err().unwrap();
        let text = missing.to_string();
        for named in ["northsea.key", "SEALROCK_LOG_KEY_NORTHSEA", lost.vkey()] {
            assert!(text.contains(named), "{text}");
        }
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFiles::new(folder.path());
        let (name, origin) = northsea();
        let key = keys.unused(&name, &origin, &[]).unwrap();
        let path = keys.first_file(&name);
        for mode in [0o640, 0o604, 0o660] {
            chmod(&path, mode);
            let refused = keys.signer(&name, &origin, key.vkey()).err().unwrap();
            assert!(matches!(refused, KeyError::Exposed { mode: found, .. } if found == mode));
            let mend = format!("chmod 600 {}", path.display());
            assert!(refused.to_string().contains(&mend), "{refused}");
        }
        chmod(&path, 0o400);
        assert!(keys.signer(&name, &origin, key.vkey()).is_ok());
    }

    #[test]
    fn a_key_of_another_ledger_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFiles::new(folder.path());
        let (name, origin) = northsea();
        let key = keys.unused(&name, &origin, &[]).unwrap();
        let elsewhere = Origin::new("other.example", &name);
        assert!(matches!(
            keys.signer(&name, &elsewhere, key.vkey()),
            Err(KeyError::Unusable { .. })
        ));
    }
}
