//! Many files at once.
//!
//! To sync one file after the other costs a turn of the disk each, twice with its folder's. The
//! files of a group are written aside, synced side by side, renamed, and then their folders synced,
//! so the disk is waited for a few times a group.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;

use super::ExportError;
use super::folder::{ASIDE, failed};

/// Files that are synced side by side; the file system makes one commit of many of them.
const SYNCERS: usize = 16;

/// A file that is to be written.
pub(super) struct NewFile {
    /// Where, in the directory.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

/// Writes all of them. **Crash**: each is in its place whole, or not at all.
pub(super) fn write(root: &Path, files: &[NewFile]) -> Result<(), ExportError> {
    let moves: Vec<(PathBuf, PathBuf)> = (0..)
        .zip(files)
        .map(|(number, file): (usize, _)| {
            let aside = root.join(format!("{ASIDE}-{number}"));
            (aside, root.join(&file.path))
        })
        .collect();
    let jobs: Vec<(&NewFile, &Path)> = files
        .iter()
        .zip(&moves)
        .map(|(file, (aside, _))| (file, aside.as_path()))
        .collect();
    side_by_side(&jobs, |(file, aside)| {
        File::create(aside)
            .and_then(|mut new| new.write_all(&file.bytes).and_then(|()| new.sync_all()))
            .map_err(|e| failed(aside, e))
    })?;
    // A folder may be new itself: then its name has to reach the disk too.
    let folders: BTreeSet<&Path> = moves
        .iter()
        .flat_map(|(_, place)| place.ancestors().skip(1))
        .filter(|folder| folder.starts_with(root))
        .collect();
    for folder in &folders {
        fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
    }
    for (aside, place) in &moves {
        fs::rename(aside, place).map_err(|e| failed(place, e))?;
    }
    let folders: Vec<&Path> = folders.into_iter().collect();
    side_by_side(&folders, |folder| {
        File::open(folder)
            .and_then(|open| open.sync_all())
            .map_err(|e| failed(folder, e))
    })
}

/// Does `work` for each item, some at a time.
fn side_by_side<T: Sync>(
    items: &[T],
    work: impl Fn(&T) -> Result<(), ExportError> + Sync,
) -> Result<(), ExportError> {
    let share = items.len().div_ceil(SYNCERS).max(1);
    let work = &work;
    thread::scope(|scope| {
        let workers: Vec<_> = items
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().try_for_each(work)))
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn all_files_of_a_group_are_in_their_places_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let files: Vec<NewFile> = (0..100)
            .map(|n| NewFile {
                path: format!("tile/{}/{n:03}", n % 3),
                bytes: vec![n; usize::from(n)],
            })
            .collect();
        write(dir.path(), &files).unwrap();
        for file in &files {
            assert_eq!(fs::read(dir.path().join(&file.path)).unwrap(), file.bytes);
        }
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_and_none_of_its_group_is_in_place() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(format!("{ASIDE}-1"))).unwrap();
        let files = ["a", "b", "c"].map(|path| NewFile {
            path: path.to_owned(),
            bytes: b"x".to_vec(),
        });
        let error = write(dir.path(), &files).unwrap_err().to_string();
        assert!(error.contains(&format!("{ASIDE}-1")), "{error}");
        assert!(
            ["a", "b", "c"]
                .iter()
                .all(|path| !dir.path().join(path).exists())
        );
    }
}
