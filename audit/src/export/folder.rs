//! The directory that an export is written into.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealrock_eventstore::StoreError;
use sealrock_ledger::verify::Scope;
use sealrock_ledger::{Checkpoint, KeyRange, LogVerifier, Policy, TILE_WIDTH, TilePath};

use super::ExportError;
use super::group::{self, NewFile};

/// Held while an export is under way, so that two do not write into one directory.
const LOCK: &str = ".exporting";
/// A file on its way to its place; those of a group have a number after it.
pub(super) const ASIDE: &str = ".writing";
const OURS: [&str; 7] = [
    "checkpoint",
    "policy",
    "scope",
    "timestamp.tsr",
    "tile",
    "payloads",
    LOCK,
];

/// A directory that holds an export of one ledger, whole or begun, and nothing else.
#[derive(Clone)]
pub(super) struct Folder {
    inner: Arc<Inner>,
}

/// What a directory must fit, and what it says when it is new.
pub(super) struct Fitting {
    pub(super) keys: Vec<KeyRange>,
    pub(super) policy: Policy,
    pub(super) scope: Scope,
}

struct Inner {
    root: PathBuf,
    held: Option<Checkpoint>,
    _lock: File,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // What stays behind is an empty file that the next export takes over.
        let _ = fs::remove_file(self.root.join(LOCK));
    }
}

impl Folder {
    /// Takes the directory, made if it is not there.
    pub(super) async fn open(dir: &Path, fitting: Fitting) -> Result<Self, ExportError> {
        let dir = dir.to_owned();
        blocking(move || open(dir, &fitting)).await
    }

    /// The checkpoint of the export that was here before.
    pub(super) fn held(&self) -> Option<&Checkpoint> {
        self.inner.held.as_ref()
    }

    /// Whether a file is there. Files appear whole, so then it need not be written again.
    pub(super) fn has(&self, path: &str) -> bool {
        self.inner.root.join(path).is_file()
    }

    /// Whether a file is there with these bytes.
    pub(super) fn holds(&self, path: &str, bytes: &[u8]) -> bool {
        fs::read(self.inner.root.join(path)).is_ok_and(|found| found == bytes)
    }

    /// Puts a file in its place: written aside, synced, renamed.
    pub(super) async fn write(&self, path: String, bytes: Vec<u8>) -> Result<(), ExportError> {
        let folder = self.clone();
        blocking(move || write(&folder.inner.root, &path, &bytes)).await
    }

    /// Puts a group of files in their places, as [`Folder::write`] does each: none is in its place
    /// before its bytes are on the disk, and when this returns all are.
    pub(super) async fn write_all(&self, files: Vec<NewFile>) -> Result<(), ExportError> {
        let folder = self.clone();
        blocking(move || group::write(&folder.inner.root, &files)).await
    }

    /// Removes a file that may be there.
    pub(super) async fn remove(&self, path: &'static str) -> Result<(), ExportError> {
        let place = self.inner.root.join(path);
        blocking(move || match fs::remove_file(&place) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(failed(&place, e)),
            _ => Ok(()),
        })
        .await
    }

    /// Removes the partial tiles and bundles that a tree of `size` does not have.
    pub(super) async fn remove_stale_partials(&self, size: u64) -> Result<(), ExportError> {
        let folder = self.clone();
        blocking(move || {
            let root = &folder.inner.root;
            let current = partials(size)
                .map(|path| root.join(path.to_string()))
                .collect();
            remove_partials(&root.join("tile"), &current)?;
            remove_partials(&root.join("payloads"), &current)
        })
        .await
    }
}

/// Files are written off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExportError> + Send + 'static,
) -> Result<T, ExportError> {
    let stopped = |e| StoreError::Fatal(format!("a task that writes files stopped: {e}"));
    tokio::task::spawn_blocking(work).await.map_err(stopped)?
}

fn open(root: PathBuf, fitting: &Fitting) -> Result<Folder, ExportError> {
    fs::create_dir_all(&root).map_err(|e| failed(&root, e))?;
    refuse_strangers(&root)?;
    // Once before anything is touched, and again when it is ours alone: of two exports into one
    // empty directory, one begins it.
    is_ours(&root, fitting)?;
    let lock = lock(&root)?;
    remove_asides(&root)?;
    if !is_ours(&root, fitting)? {
        if fitting.scope != Scope::default() {
            write(&root, "scope", &fitting.scope.to_bytes())?;
        }
        write(&root, "policy", fitting.policy.to_string().as_bytes())?;
    }
    let held = held(&root, &fitting.keys)?;
    Ok(Folder {
        inner: Arc::new(Inner {
            root,
            held,
            _lock: lock,
        }),
    })
}

fn refuse_strangers(root: &Path) -> Result<(), ExportError> {
    for item in fs::read_dir(root).map_err(|e| failed(root, e))? {
        let name = item.map_err(|e| failed(root, e))?.file_name();
        let aside = name.to_string_lossy().starts_with(ASIDE);
        if !aside && !OURS.iter().any(|ours| name == *ours) {
            return Err(occupied(root, name.display().to_string()));
        }
    }
    Ok(())
}

/// What an export that was interrupted left on its way.
fn remove_asides(root: &Path) -> Result<(), ExportError> {
    for item in fs::read_dir(root).map_err(|e| failed(root, e))? {
        let item = item.map_err(|e| failed(root, e))?;
        if item.file_name().to_string_lossy().starts_with(ASIDE) {
            fs::remove_file(item.path()).map_err(|e| failed(&item.path(), e))?;
        }
    }
    Ok(())
}

/// Whether an export of this ledger, that this one can extend, was begun here. Of every export
/// `policy` is the first file, or the one after `scope`.
fn is_ours(root: &Path, fitting: &Fitting) -> Result<bool, ExportError> {
    match read(&root.join("policy"))? {
        Some(found) if extends(&fitting.policy, &found) => {
            scope_grows(root, &fitting.scope).map(|()| true)
        }
        Some(_) => Err(occupied(root, "the policy of another ledger".into())),
        None => {
            let stranger = ["checkpoint", "tile", "payloads"]
                .into_iter()
                .find(|n| root.join(n).exists());
            stranger.map_or(Ok(false), |name| {
                Err(occupied(root, format!("{name} without a policy")))
            })
        }
    }
}

/// Whether `old` is a policy of the same ledger, and `new` what became of it.
fn extends(new: &Policy, old: &[u8]) -> bool {
    let old = String::from_utf8_lossy(old).parse();
    old.is_ok_and(|old| new.extends(&old))
}

/// An export may hold more of a ledger than the one before it, never less, and shows the same
/// payloads.
fn scope_grows(root: &Path, wanted: &Scope) -> Result<(), ExportError> {
    let found = match read(&root.join("scope"))? {
        Some(bytes) => {
            Scope::from_bytes(&bytes).map_err(|e| occupied(root, format!("a broken scope: {e}")))?
        }
        None => Scope::default(),
    };
    let grows = match (found.range, wanted.range) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(held), Some(wanted)) => wanted.contains(held.first) && wanted.contains(held.last),
    };
    if found.only == wanted.only && grows {
        return Ok(());
    }
    Err(ExportError::OtherScope {
        dir: root.to_owned(),
        found: said(&found),
        wanted: said(wanted),
    })
}

fn said(scope: &Scope) -> String {
    if *scope == Scope::default() {
        return "the whole ledger".into();
    }
    String::from_utf8_lossy(&scope.to_bytes()).into_owned()
}

fn lock(root: &Path) -> Result<File, ExportError> {
    let path = root.join(LOCK);
    let file = File::create(&path).map_err(|e| failed(&path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(ExportError::Busy(root.to_owned())),
        Err(fs::TryLockError::Error(e)) => Err(failed(&path, e)),
    }
}

fn held(root: &Path, keys: &[KeyRange]) -> Result<Option<Checkpoint>, ExportError> {
    let Some(note) = read(&root.join("checkpoint"))? else {
        return Ok(None);
    };
    LogVerifier::of(keys)
        .and_then(|verifier| verifier.verify(&note))
        .map(Some)
        .map_err(|e| occupied(root, format!("a checkpoint that is not this ledger's: {e}")))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, ExportError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(path, e)),
    }
}

fn write(root: &Path, path: &str, bytes: &[u8]) -> Result<(), ExportError> {
    let (aside, place) = (root.join(ASIDE), root.join(path));
    let folder = place.parent().unwrap_or(root);
    fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
    File::create(&aside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&aside, &place))
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|e| failed(&place, e))
}

/// The partial tiles and bundles of a tree.
fn partials(size: u64) -> impl Iterator<Item = TilePath> {
    let bundle = (size / TILE_WIDTH, size % TILE_WIDTH);
    let of_bundle = |(n, width)| {
        [
            TilePath::Entries { n, width },
            TilePath::Payloads { n, width },
        ]
    };
    let is_partial =
        |tile: &TilePath| matches!(tile, TilePath::Hashes { width, .. } if *width < TILE_WIDTH);
    TilePath::of_tree(size).filter(is_partial).chain(
        [bundle]
            .into_iter()
            .filter(|(_, width)| *width > 0)
            .flat_map(of_bundle),
    )
}

/// Partial tiles are the files in folders `….p`.
fn remove_partials(folder: &Path, current: &HashSet<PathBuf>) -> Result<(), ExportError> {
    let partial = folder.extension().is_some_and(|extension| extension == "p");
    for item in fs::read_dir(folder).map_err(|e| failed(folder, e))? {
        let path = item.map_err(|e| failed(folder, e))?.path();
        if path.is_dir() {
            remove_partials(&path, current)?;
        } else if partial && !current.contains(&path) {
            fs::remove_file(&path).map_err(|e| failed(&path, e))?;
        }
    }
    let left = fs::read_dir(folder)
        .map_err(|e| failed(folder, e))?
        .next()
        .is_some();
    if partial && !left {
        fs::remove_dir(folder).map_err(|e| failed(folder, e))?;
    }
    Ok(())
}

fn occupied(root: &Path, what: String) -> ExportError {
    ExportError::Occupied {
        dir: root.to_owned(),
        what,
    }
}

pub(super) fn failed(path: &Path, source: std::io::Error) -> ExportError {
    ExportError::File {
        path: path.to_owned(),
        source,
    }
}
