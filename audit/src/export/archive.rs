//! An export in one file: `.tar.zst`.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::ExportError;
use super::folder::{blocking, failed};

/// What the name of such a file ends in.
const EXTENSION: &str = ".tar.zst";
/// Of speed and size: what zstd itself takes.
const LEVEL: i32 = 3;

type Tar = tar::Builder<zstd::Encoder<'static, BufWriter<File>>>;

/// An archive under way. It is written beside its place and renamed when it is whole.
#[derive(Clone)]
pub(super) struct Archive {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    place: PathBuf,
    aside: PathBuf,
    /// `None` once it is finished.
    tar: Option<Tar>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.tar.take().is_some() {
            // Half of an archive is of no use, and a killed run's is overwritten by the next.
            let _ = fs::remove_file(&self.aside);
        }
    }
}

/// Whether a path names an archive rather than a directory.
pub(super) fn is_archive(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().ends_with(EXTENSION))
}

impl Archive {
    pub(super) async fn begin(place: &Path) -> Result<Self, ExportError> {
        let place = place.to_owned();
        blocking(move || begin(place)).await
    }

    /// Adds a file. The same files in the same order give the same archive, byte for byte.
    pub(super) async fn write(&self, path: String, bytes: Vec<u8>) -> Result<(), ExportError> {
        let archive = self.clone();
        blocking(move || {
            let mut inner = archive.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let Inner { aside, tar, .. } = &mut *inner;
            let tar = tar.as_mut().expect("nothing is added after the end");
            append(tar, &path, &bytes).map_err(|e| failed(aside, e))
        })
        .await
    }

    /// Puts the archive in its place.
    pub(super) async fn finish(&self) -> Result<(), ExportError> {
        let archive = self.clone();
        blocking(move || {
            let mut inner = archive.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(tar) = inner.tar.take() else {
                return Ok(());
            };
            publish(tar, &inner.aside, &inner.place).map_err(|e| failed(&inner.place, e))
        })
        .await
    }
}

fn begin(place: PathBuf) -> Result<Archive, ExportError> {
    if place.exists() {
        return Err(ExportError::Exists(place));
    }
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".exporting");
    let aside = place.with_file_name(name);
    // Not truncated before it is ours alone: another export may be writing it.
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&aside)
        .map_err(|e| failed(&aside, e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Err(ExportError::Busy(place)),
        Err(fs::TryLockError::Error(e)) => return Err(failed(&aside, e)),
    }
    let tar = file
        .set_len(0)
        .and_then(|()| zstd::Encoder::new(BufWriter::new(file), LEVEL))
        .and_then(|mut encoder| {
            encoder.include_checksum(true)?;
            Ok(tar::Builder::new(encoder))
        })
        .map_err(|e| failed(&aside, e))?;
    let inner = Inner {
        place,
        aside,
        tar: Some(tar),
    };
    Ok(Archive {
        inner: Arc::new(Mutex::new(inner)),
    })
}

fn append(tar: &mut Tar, path: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_cksum();
    tar.append_data(&mut header, path, bytes)
}

fn publish(tar: Tar, aside: &Path, place: &Path) -> std::io::Result<()> {
    let mut buffered = tar.into_inner()?.finish()?;
    buffered.flush()?;
    buffered.get_ref().sync_all()?;
    fs::rename(aside, place)?;
    let folder = place.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
