//! Files in a directory that belong to no export: nothing vouches for them, and nothing reads them.

use std::fs::{self, FileType};
use std::io;
use std::path::Path;

use sealrock_ledger::verify::Note;
use sealrock_ledger::{TILE_WIDTH, TilePath};

/// The files beside tiles and bundles.
const NAMED: [&str; 4] = ["checkpoint", "policy", "scope", "timestamp.tsr"];
/// So many are named, the rest is counted.
const MOST_NAMED: usize = 20;

#[derive(Default)]
struct Strays {
    count: u64,
    named: Vec<String>,
}

/// A note that names the files in `dir` which are not part of an export of `size` entries; none if
/// there are none. It is no finding: they change nothing that was verified.
///
/// # Errors
/// If the directory cannot be listed.
pub(crate) fn stray_files(dir: &Path, size: u64) -> io::Result<Option<Note>> {
    let mut strays = Strays::default();
    walk(dir, "", size, &mut strays)?;
    let Strays { count, named } = strays;
    let named = named.join(", ");
    let more = if count > MOST_NAMED as u64 {
        ", …"
    } else {
        ""
    };
    Ok((count > 0).then(|| Note {
        code: "stray-files",
        index: None,
        message: format!("{count} files belong to no export and were not read: {named}{more}"),
    }))
}

fn walk(dir: &Path, prefix: &str, size: u64, strays: &mut Strays) -> io::Result<()> {
    for item in fs::read_dir(dir)? {
        let item = item?;
        let path = format!("{prefix}{}", item.file_name().to_string_lossy());
        let kind: FileType = item.file_type()?;
        // A link to a directory counts as a file: what is behind it is not the export's.
        if kind.is_dir() {
            walk(&item.path(), &format!("{path}/"), size, strays)?;
        } else if !belongs(&path, size) {
            strays.count += 1;
            if strays.named.len() < MOST_NAMED {
                strays.named.push(path);
            }
        }
    }
    Ok(())
}

fn belongs(path: &str, size: u64) -> bool {
    if NAMED.contains(&path) {
        return true;
    }
    let (items, n, width) = match path.parse() {
        Ok(TilePath::Hashes { level, n, width }) => (
            size.checked_shr(8 * u32::from(level)).unwrap_or(0),
            n,
            width,
        ),
        Ok(TilePath::Entries { n, width } | TilePath::Payloads { n, width }) => (size, n, width),
        Err(_) => return false,
    };
    let before = n.checked_mul(TILE_WIDTH);
    before.is_some_and(|before| before < items && width == (items - before).min(TILE_WIDTH))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn what_no_export_of_that_size_has_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let export = [
            "checkpoint",
            "tile/0/000",
            "tile/0/001.p/44",
            "tile/1/000.p/1",
            "tile/entries/000",
            "payloads/001.p/44",
        ];
        let strays = [
            "README",
            "tile/0/001.p/43",
            "tile/1/001",
            "payloads/x001/000",
            "payloads/1",
        ];
        for path in export.iter().chain(&strays) {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let message = stray_files(dir.path(), 300).unwrap().unwrap().message;
        assert!(message.starts_with("5 files"), "{message}");
        assert!(
            strays.iter().all(|path| message.contains(path)),
            "{message}"
        );
        for path in strays {
            fs::remove_file(dir.path().join(path)).unwrap();
        }
        assert_eq!(stray_files(dir.path(), 300).unwrap(), None);
    }
}
