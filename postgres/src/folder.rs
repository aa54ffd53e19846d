//! The data folder: what lies where, and the lock on it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::geteuid;
use rand::Rng;
use rand::distributions::Alphanumeric;

use crate::StartError;

/// How long a held lock is tried again: [`attach`](crate::attach) holds it for an instant.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

const UNFINISHED: &str = "pgdata.new-";

/// The paths in a data folder. Only the database itself belongs to the user Postgres runs as.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Opens the folder, which is made if it is missing: passable for the user that Postgres runs
    /// as when we are root, otherwise private.
    pub(crate) fn create(root: &Path) -> Result<Self, StartError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .map_err(StartError::io("create", root))?;
        if geteuid().is_root() {
            let mode = fs::metadata(root)
                .map_err(StartError::io("look at", root))?
                .mode();
            fs::set_permissions(root, fs::Permissions::from_mode(mode | 0o011))
                .map_err(StartError::io("change the mode of", root))?;
        }
        Self::open(root).map_err(StartError::io("open", root))
    }

    pub(crate) fn open(root: &Path) -> std::io::Result<Self> {
        Ok(Self {
            root: root.canonicalize()?,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.root.join("pgdata")
    }
    /// A place to make a database in, to be renamed to [`Self::database`] when it is complete. Each
    /// attempt has its own: the `initdb` of a killed attempt may still be clearing up in its.
    pub(crate) fn unfinished(&self) -> PathBuf {
        self.root
            .join(format!("{UNFINISHED}{:08x}", rand::random::<u32>()))
    }
    /// What killed attempts have left.
    pub(crate) fn all_unfinished(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED))
            .map(|entry| entry.path())
            .collect()
    }
    /// The superuser's password.
    pub(crate) fn password_file(&self) -> PathBuf {
        self.root.join("password")
    }
    /// Postgres' log since its last start.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }
    /// Where the socket is.
    pub(crate) fn socket_note(&self) -> PathBuf {
        self.root.join("socket.json")
    }
    /// How to reach the Postgres that runs here.
    pub(crate) fn running_note(&self) -> PathBuf {
        self.root.join("running.json")
    }
    fn lock_file(&self) -> PathBuf {
        self.root.join("sealrock.lock")
    }

    /// The password, made up (and stored, mode 0600) if there is none yet.
    pub(crate) fn password(&self) -> Result<String, StartError> {
        let path = self.password_file();
        if path.exists() {
            return fs::read_to_string(&path).map_err(StartError::io("read", &path));
        }
        let password: String = rand::rngs::OsRng
            .sample_iter(Alphanumeric)
            .take(32)
            .map(char::from)
            .collect();
        write_private(&path, &password)?;
        Ok(password)
    }

    /// Takes the folder for this process, until the lock is dropped or the process ends however it ends.
    pub(crate) fn lock(&self) -> Result<Lock, StartError> {
        let path = self.lock_file();
        let mut file = open_lock(&path).map_err(StartError::io("open", &path))?;
        let deadline = Instant::now() + LOCK_PATIENCE;
        while let Err(error) = file.try_lock() {
            match error {
                TryLockError::Error(error) => return Err(StartError::io("lock", &path)(error)),
                TryLockError::WouldBlock if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                TryLockError::WouldBlock => return Err(self.held_by(&mut file)),
            }
        }
        let said = file.set_len(0).and_then(|()| file.rewind());
        said.and_then(|()| write!(file, "{}", std::process::id()))
            .map_err(StartError::io("write", &path))?;
        Ok(Lock { _file: file })
    }

    /// Whether a living process holds the folder.
    pub(crate) fn is_locked(&self) -> bool {
        let file = OpenOptions::new().read(true).open(self.lock_file());
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn held_by(&self, file: &mut File) -> StartError {
        let mut pid = String::new();
        if file.read_to_string(&mut pid).is_err() || pid.is_empty() {
            "unknown".clone_into(&mut pid);
        }
        StartError::Locked {
            folder: self.root.clone(),
            pid,
        }
    }
}

/// The held lock. The kernel lets go of it when the process ends, even by `kill -9`.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Writes a file only its owner may read, in one step: it is there with its whole text or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), StartError> {
    let draft = path.with_extension("draft");
    let write = || -> std::io::Result<()> {
        let _ = fs::remove_file(&draft);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(StartError::io("write", path))
}
