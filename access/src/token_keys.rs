//! The keys of tokens in a folder that several nodes share: the one that signs, the next one, and
//! for a while the one before.
//!
//! The next key is published long before it signs, so that a change signs nobody out: whoever has
//! read the keys at any time since the change before knows the key that signs after it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::TokenKey;
use crate::key_file::{self, KeyFileError};
use crate::tokens::{LEEWAY, LIFETIME};

/// What signs now.
const CURRENT: &str = "token.key";
/// What signs after the next rotation.
const NEXT: &str = "token.next.key";
/// What signed before the last rotation.
const PREVIOUS: &str = "token.previous.key";
/// Held by whoever changes them.
const LOCK: &str = "token.lock";

/// The keys of tokens at one time.
#[derive(Clone, Debug)]
pub(crate) struct KeyRing {
    pub(crate) current: TokenKey,
    /// Accepted and published, as the current one is: the next, then the one before.
    pub(crate) others: Vec<TokenKey>,
}

/// A folder with the keys of tokens. Its files are changed as a whole, so that who reads them at any
/// time, or after a crash, finds a key that signs.
#[derive(Clone, Debug)]
pub struct TokenKeys(PathBuf);

/// Why the keys were not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The last rotation was a moment ago.
    #[error(
        "tokens of the key before are still in use: rotate again in {} s. To sign everybody out at \
         once instead, stop the servers, delete {}/token*.key, and start them", .0.as_secs() + 1, .1.display()
    )]
    TooSoon(Duration, PathBuf),
    /// Another command rotates them.
    #[error("another command is rotating these keys: look again in a moment")]
    Busy,
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] KeyFileError),
}

impl KeyRing {
    /// Of one key.
    pub(crate) fn of(current: TokenKey) -> Self {
        Self {
            current,
            others: Vec::new(),
        }
    }

    /// The key of this id.
    pub(crate) fn find(&self, id: &str) -> Option<&TokenKey> {
        self.all().find(|key| key.id == id)
    }

    /// All of them, the one that signs first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &TokenKey> {
        std::iter::once(&self.current).chain(&self.others)
    }
}

impl TokenKeys {
    /// The keys in this folder, which must be there.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// Reads the keys; makes what is missing of the current and the next one.
    pub(crate) fn read(&self) -> Result<KeyRing, KeyFileError> {
        let current = TokenKey::open(&self.file(CURRENT))?;
        let mut others = vec![TokenKey::open(&self.file(NEXT))?];
        if self.previous_holds_for()?.is_some() {
            others.push(TokenKey::from_seed(&key_file::read(&self.file(PREVIOUS))?));
        }
        // Between two steps of a rotation the same key is in two files.
        others.retain(|key| key.id != current.id);
        Ok(KeyRing { current, others })
    }

    /// Lets the next key sign from now on; answers its id. Servers that run take it up by
    /// themselves; tokens of the key before hold until they expire.
    ///
    /// # Errors
    /// [`RotateError`]; tokens go on as they did, whatever the error.
    pub fn rotate(&self) -> Result<String, RotateError> {
        let _lock = self.lock()?;
        self.read()?;
        if let Some(left) = self.previous_holds_for()? {
            return Err(RotateError::TooSoon(left, self.0.clone()));
        }
        let (current, next) = (self.file(CURRENT), self.file(NEXT));
        // Copied, not moved: there is a current key at any time.
        let draft = self.file("token.previous.draft");
        copy(&current, &draft)?;
        rename(&draft, &self.file(PREVIOUS))?;
        rename(&next, &current)?;
        Ok(self.read()?.current.id)
    }

    /// How long tokens of the key before may still be in use; `None` if none are.
    fn previous_holds_for(&self) -> Result<Option<Duration>, KeyFileError> {
        let path = self.file(PREVIOUS);
        let rotated = match fs::metadata(&path).and_then(|file| file.modified()) {
            Ok(rotated) => rotated,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(KeyFileError::io(&path)(error)),
        };
        let age = SystemTime::now()
            .duration_since(rotated)
            .unwrap_or_default();
        Ok((LIFETIME + 2 * LEEWAY)
            .checked_sub(age)
            .filter(|left| !left.is_zero()))
    }

    fn lock(&self) -> Result<File, RotateError> {
        let path = self.file(LOCK);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(KeyFileError::io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(RotateError::Busy),
            Err(TryLockError::Error(error)) => Err(KeyFileError::io(&path)(error).into()),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// With the time of now, which is when the rotation is.
fn copy(from: &Path, to: &Path) -> Result<(), KeyFileError> {
    let copied = fs::read(from).and_then(|bytes| {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(to)?;
        std::io::Write::write_all(&mut file, &bytes)?;
        file.sync_all()
    });
    copied.map_err(KeyFileError::io(to))
}

fn rename(from: &Path, to: &Path) -> Result<(), KeyFileError> {
    fs::rename(from, to).map_err(KeyFileError::io(to))
}
