//! The keys of tokens in a folder that several nodes share: the one that signs, the next one, and
//! for a while the one before.
//!
//! The next key is published long before it signs, so that a change signs nobody out: whoever has
//! read the keys at any time since the change before knows the key that signs after it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
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
        "tokens of the key before are still in use: rotate again in {} s. If somebody may have the keys, \
         do not wait: `sealrock key rotate-tokens --compromised`", .0.as_secs() + 1
    )]
    TooSoon(Duration),
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
    ///
    /// A rotation may come between two files: then the key that signs would be none of those that were
    /// read. It puts that key in its place last, so all were of one time if it is still there.
    pub(crate) fn read(&self) -> Result<KeyRing, KeyFileError> {
        let mut current = TokenKey::open(&self.file(CURRENT))?;
        loop {
            let ring = self.read_beside(current)?;
            current = TokenKey::open(&self.file(CURRENT))?;
            if current.id == ring.current.id {
                return Ok(ring);
            }
        }
    }

    fn read_beside(&self, current: TokenKey) -> Result<KeyRing, KeyFileError> {
        let mut others = vec![TokenKey::open(&self.file(NEXT))?];
        if self.previous_holds_for()?.is_some() {
            match key_file::read(&self.file(PREVIOUS)) {
                Ok(seed) => others.push(TokenKey::from_seed(&seed)),
                // Dropped since.
                Err(KeyFileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
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
            return Err(RotateError::TooSoon(left));
        }
        let (current, next) = (self.file(CURRENT), self.file(NEXT));
        // Copied, not moved: there is a current key at any time.
        let draft = self.file("token.previous.draft");
        copy(&current, &draft)?;
        rename(&draft, &self.file(PREVIOUS))?;
        rename(&next, &current)?;
        Ok(self.read()?.current.id)
    }

    /// Forgets all keys, because somebody else may have them: the next one too, and the one before. A
    /// new key signs from now on, whose id is answered. What was signed before is nobody's proof on
    /// servers that run within [`LOOK`](crate::LOOK). If this is cut short, do it again.
    ///
    /// # Errors
    /// [`RotateError`], but never that it is too soon.
    pub fn replace(&self) -> Result<String, RotateError> {
        let _lock = self.lock()?;
        let previous = self.file(PREVIOUS);
        match fs::remove_file(&previous) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(KeyFileError::io(&previous)(error).into());
            }
            _ => {}
        }
        key_file::replace(&self.file(NEXT))?;
        key_file::replace(&self.file(CURRENT))?;
        Ok(self.read()?.current.id)
    }

    /// How long tokens of the key before may still be in use; `None` if none are.
    fn previous_holds_for(&self) -> Result<Option<Duration>, KeyFileError> {
        let path = self.file(PREVIOUS);
        let rotated = match fs::metadata(&path).and_then(|file| file.modified()) {
            Ok(rotated) => rotated,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
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
