//! An export in one file, as the verifier reads it.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use sealrock_ledger::verify::{Source, SourceError};
use tempfile::TempDir;

use crate::directory::{DirectorySource, MAX_FILE_BYTES, refused, unreadable};

/// An archive of an export shrinks to a tenth or so. One that becomes so many times larger wants to
/// fill the auditor's disk.
const MOST_TIMES_LARGER: u64 = 200;
/// This much is nothing to a disk, however small the archive.
const HARMLESS: u64 = 1 << 30;
/// What a file takes of a disk beside its bytes: a block, and its place in a directory.
const PER_FILE: u64 = 4096;
/// Zeros that may follow the end of an archive: `tar` fills a record, of 10 KiB unless told.
const MOST_TAIL: u64 = 1 << 20;

/// The files of a `.tar.zst`, unpacked into a private temporary directory that goes with this value.
///
/// Who made the archive is not trusted: it may hold regular files under the names of the format,
/// each once, and nothing else. Memory does not grow with it.
#[derive(Debug)]
pub struct ArchiveSource {
    files: DirectorySource,
    /// Removed with this value.
    unpacked: TempDir,
}

impl ArchiveSource {
    /// Unpacks the archive below `$TMPDIR`, or `/tmp`.
    ///
    /// # Errors
    /// If it cannot be read, holds something that no export holds, or there is no room.
    pub fn open(archive: &Path) -> Result<Self, SourceError> {
        let file = File::open(archive).map_err(|e| unreadable(archive, &e))?;
        let packed = file.metadata().map_err(|e| unreadable(archive, &e))?.len();
        let most = HARMLESS.max(packed.saturating_mul(MOST_TIMES_LARGER));
        let unpacked = TempDir::with_prefix("sealrock-").map_err(|e| unreadable(archive, &e))?;
        zstd::Decoder::new(BufReader::new(file))
            .map_err(|e| Refusal::Broken(e.to_string()))
            .and_then(|tar| unpack(tar, unpacked.path(), most))
            .map_err(|refusal| refused(&archive.display().to_string(), &refusal.to_string()))?;
        Ok(Self {
            files: DirectorySource::open(unpacked.path())?,
            unpacked,
        })
    }
}

impl ArchiveSource {
    /// Where the files are as long as this value is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.unpacked.path()
    }
}

impl Source for ArchiveSource {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        self.files.get(path)
    }
}

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("it is no whole archive: {0}")]
    Broken(String),
    #[error("it holds {0:?}, which is no file of an export")]
    Stranger(PathBuf),
    #[error("it holds {0:?} twice")]
    Twice(PathBuf),
    #[error("{path:?} has {bytes} bytes; no file of an export has so many")]
    Large { path: PathBuf, bytes: u64 },
    #[error(
        "unpacked it has more than {0} bytes, far more than an export of its size; if you trust \
         whoever made it, unpack it yourself (tar -xf) and verify the directory"
    )]
    Bomb(u64),
    #[error("more than {MOST_TAIL} bytes follow its end")]
    Tail,
    #[error("it cannot be unpacked to {}: {source}", place.display())]
    Room { place: PathBuf, source: io::Error },
}

fn unpack(tar: impl Read, into: &Path, most: u64) -> Result<(), Refusal> {
    let broken = |e: io::Error| Refusal::Broken(e.to_string());
    let mut archive = tar::Archive::new(tar);
    let (mut seen, mut unpacked) = (HashSet::new(), 0u64);
    // Raw: what extends a name could be of any length, and no export needs it.
    for item in archive.entries().map_err(broken)?.raw(true) {
        let mut item = item.map_err(broken)?;
        let path = item.path().map_err(broken)?.into_owned();
        let bytes = item.size();
        if !item.header().entry_type().is_file() || !is_of_an_export(&path) {
            return Err(Refusal::Stranger(path));
        }
        if bytes > MAX_FILE_BYTES {
            return Err(Refusal::Large { path, bytes });
        }
        unpacked = unpacked.saturating_add(bytes).saturating_add(PER_FILE);
        if unpacked > most {
            return Err(Refusal::Bomb(most));
        }
        write(&mut item, &into.join(&path), bytes)?;
        if !seen.insert(path.clone()) {
            return Err(Refusal::Twice(path));
        }
    }
    // What follows the end of the archive is no part of it, but a checksum that fails is.
    let mut tail = archive.into_inner().take(MOST_TAIL + 1);
    if io::copy(&mut tail, &mut io::sink()).map_err(broken)? > MOST_TAIL {
        return Err(Refusal::Tail);
    }
    Ok(())
}

fn write(item: &mut impl Read, place: &Path, bytes: u64) -> Result<(), Refusal> {
    let room = |source| Refusal::Room {
        place: place.to_owned(),
        source,
    };
    fs::create_dir_all(place.parent().unwrap_or(place)).map_err(room)?;
    let mut file = File::create(place).map_err(room)?;
    let written = io::copy(item, &mut file).map_err(room)?;
    if written == bytes {
        Ok(())
    } else {
        Err(Refusal::Broken(format!(
            "{} ends after {written} of {bytes} bytes",
            place.display()
        )))
    }
}

/// `checkpoint`, `policy`, `scope`, `timestamp.tsr`, and what lies below `tile` and `payloads` under
/// names of letters, digits and a dot.
fn is_of_an_export(path: &Path) -> bool {
    let Some(path) = path.to_str() else {
        return false;
    };
    let mut parts = path.split('/');
    let plain = |part: &str| {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.';
        part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(known)
    };
    match parts.next() {
        Some("checkpoint" | "policy" | "scope" | "timestamp.tsr") => parts.next().is_none(),
        Some("tile" | "payloads") => path.contains('/') && parts.all(plain),
        _ => false,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::*;

    /// An archive of these files; `link` names one that is a link instead.
    fn archive(files: &[(&str, &[u8])], link: Option<&str>) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, bytes) in files {
            let mut header = tar::Header::new_ustar();
            // As bytes: the builder would not write some of these names.
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_mode(0o644);
            if link == Some(path) {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_link_name("/etc/passwd").unwrap();
            }
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            tar.append(&header, *bytes).unwrap();
        }
        zstd::encode_all(&tar.into_inner().unwrap()[..], 1).unwrap()
    }

    fn open(bytes: &[u8]) -> Result<ArchiveSource, SourceError> {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("export.tar.zst");
        fs::write(&place, bytes).unwrap();
        ArchiveSource::open(&place)
    }

    #[test]
    fn an_archive_is_read_by_the_paths_of_the_format_and_leaves_nothing_behind() {
        let files: [(&str, &[u8]); 2] = [("checkpoint", b"note"), ("tile/0/000.p/3", b"hashes")];
        let source = open(&archive(&files, None)).unwrap();
        assert_eq!(source.get("checkpoint").unwrap().unwrap(), b"note");
        assert_eq!(source.get("tile/0/000.p/3").unwrap().unwrap(), b"hashes");
        assert!(source.get("policy").unwrap().is_none());
        let place = source.path().to_owned();
        drop(source);
        assert!(!place.exists());
    }

    #[test]
    fn links_strange_names_and_doubles_are_refused() {
        for path in [
            "../checkpoint",
            "/etc/passwd",
            "tile/../../x",
            "tile/./0",
            "tile",
            "notes.txt",
            "checkpoint/x",
            "tile//0",
        ] {
            let refusal = open(&archive(&[(path, b"x")], None)).unwrap_err();
            assert!(
                refusal.reason.contains("no file of an export"),
                "{path}: {refusal}"
            );
        }
        let link = open(&archive(&[("policy", b"")], Some("policy"))).unwrap_err();
        assert!(link.reason.contains("no file of an export"), "{link}");
        let twice = open(&archive(&[("policy", b"a"), ("policy", b"b")], None)).unwrap_err();
        assert!(twice.reason.contains("twice"), "{twice}");
    }

    #[test]
    fn a_cut_or_changed_archive_and_one_that_would_fill_the_disk_are_refused() {
        let whole = archive(&[("tile/entries/000", &[7; 5000])], None);
        assert!(open(&whole[..whole.len() - 3]).is_err());
        assert!(open(b"no archive at all").is_err());
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(2000);
        header.set_cksum();
        tar.append_data(&mut header, "tile/0/000", &[0; 2000][..])
            .unwrap();
        let into = tempfile::tempdir().unwrap();
        let bytes = tar.into_inner().unwrap();
        let bomb = unpack(&bytes[..], into.path(), 1000).unwrap_err();
        assert!(matches!(bomb, Refusal::Bomb(1000)), "{bomb}");
        // A file takes a block of the disk, however small it is.
        let small = unpack(&bytes[..], into.path(), 2000 + PER_FILE - 1).unwrap_err();
        assert!(matches!(small, Refusal::Bomb(_)), "{small}");
        unpack(&bytes[..], into.path(), 2000 + PER_FILE).unwrap();
        let mut endless = (&bytes[..]).chain(io::repeat(0));
        let tail = unpack(&mut endless, into.path(), 10_000).unwrap_err();
        assert!(matches!(tail, Refusal::Tail), "{tail}");
        let cut = unpack(&bytes[..1500], into.path(), 10_000).unwrap_err();
        assert!(matches!(cut, Refusal::Broken(_)), "{cut}");
    }
}
