//! A ledger as files, for those who trust nobody.

mod folder;
mod rows;

use std::path::{Path, PathBuf};

use sealrock_eventstore::{EventStore, LedgerInfo, StoreError};
use sealrock_ledger::verify::Progress;
use sealrock_ledger::{
    Checkpoint, LedgerName, Origin, TILE_WIDTH, TilePath, encode_entries, encode_payloads,
};
use serde::Serialize;

use crate::edge::to_bytes;
use folder::Folder;
use rows::Rows;

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The ledger.
    pub origin: Origin,
    /// Entries that the directory now holds.
    pub size: u64,
    /// Entries that it held before; 0 for a new one.
    pub size_before: u64,
    /// Files that were written; the others were there.
    pub files_written: u64,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger holds no entry and so no checkpoint.
    #[error("ledger {0} holds no entries yet: there is nothing to export")]
    Empty(LedgerName),
    /// The directory holds something else.
    #[error("{} holds something else ({what}): name an empty directory", dir.display())]
    Occupied {
        /// The directory.
        dir: PathBuf,
        /// What is in the way.
        what: String,
    },
    /// Another export into the directory is under way.
    #[error("another export into {} is under way: wait for it", .0.display())]
    Busy(PathBuf),
    /// The directory holds entries that the ledger does not: the database lost some, or they are of
    /// another history.
    #[error(
        "{} holds a signed export of {held} entries that the ledger does not have ({reason}): if \
         the database was restored from a backup, entries are lost; keep this directory as evidence \
         and export into another", dir.display()
    )]
    OtherHistory {
        /// The directory.
        dir: PathBuf,
        /// Size of the export in it.
        held: u64,
        /// What does not fit.
        reason: String,
    },
    /// What is stored contradicts itself.
    #[error("the ledger is damaged: {0}; run `sealrock fsck`")]
    Damaged(String),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database is away or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes the ledger, at the size of its newest checkpoint, into `dir`. Appends may go on
/// meanwhile: entries, tiles and checkpoints never change once they are written.
///
/// An older export of the same ledger is brought up to date: full tiles and bundles are kept, only
/// what is new is written. **Crash**: files appear whole or not at all and `checkpoint` last, so a
/// new export that was interrupted has none, and an older one stays valid; doing it again goes on
/// from there. Memory is bounded by one bundle of payloads.
///
/// # Errors
/// See [`ExportError`]. What was in a directory that is refused is not touched.
pub async fn export(
    store: &EventStore,
    ledger: &LedgerInfo,
    dir: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Exported, ExportError> {
    let checkpoint = store.last_checkpoint(ledger).await?;
    let checkpoint = checkpoint.ok_or_else(|| ExportError::Empty(ledger.name.clone()))?;
    let folder = Folder::open(dir, ledger, store.keys(ledger.id).await?).await?;
    let rows = Rows { store, ledger };
    if let Some(held) = folder.held() {
        same_history(&rows, dir, held, &checkpoint).await?;
    }
    let size_before = folder.held().map_or(0, |held| held.size);
    let mut job = Job {
        rows,
        folder,
        size: checkpoint.size,
        files_written: 0,
    };
    job.bundles(progress).await?;
    job.full_tiles().await?;
    job.partial_tiles(&checkpoint).await?;
    job.write("checkpoint".into(), checkpoint.note.into_bytes())
        .await?;
    job.folder.remove_stale_partials(job.size).await?;
    Ok(Exported {
        origin: ledger.origin.clone(),
        size: job.size,
        size_before,
        files_written: job.files_written,
    })
}

/// What the directory holds must be the beginning of what the ledger holds.
async fn same_history(
    rows: &Rows<'_>,
    dir: &Path,
    held: &Checkpoint,
    newest: &Checkpoint,
) -> Result<(), ExportError> {
    let reason = match rows.checkpoint_at(held.size).await? {
        Some(ours) if ours.root == held.root => return Ok(()),
        Some(_) => "at that size it has another root".to_owned(),
        None => format!("it has {} and signed none of that size", newest.size),
    };
    Err(ExportError::OtherHistory {
        dir: dir.to_owned(),
        held: held.size,
        reason,
    })
}

struct Job<'a> {
    rows: Rows<'a>,
    folder: Folder,
    size: u64,
    files_written: u64,
}

impl Job<'_> {
    async fn bundles(
        &mut self,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), ExportError> {
        for (n, width) in TilePath::bundles(self.size) {
            let entries = TilePath::Entries { n, width }.to_string();
            let payloads = TilePath::Payloads { n, width }.to_string();
            if !self.folder.has(&entries) || !self.folder.has(&payloads) {
                let recorded = self.rows.bundle(n, width).await?;
                let bytes = encode_entries(recorded.iter().map(|r| r.entry_bytes.as_slice()));
                self.write(entries, bytes).await?;
                let bytes = encode_payloads(recorded.iter().map(|r| r.payload.as_ref()));
                self.write(payloads, bytes).await?;
            }
            progress(Progress {
                done: n * TILE_WIDTH + width,
                total: self.size,
            });
        }
        Ok(())
    }

    async fn full_tiles(&mut self) -> Result<(), ExportError> {
        for tile in TilePath::of_tree(self.size) {
            let path = tile.to_string();
            let TilePath::Hashes {
                level,
                n,
                width: TILE_WIDTH,
            } = tile
            else {
                continue;
            };
            if !self.folder.has(&path) {
                let hashes = self.rows.tile(level, n).await?;
                self.write(path, hashes).await?;
            }
        }
        Ok(())
    }

    /// Derives the partial tiles and holds them against the checkpoint.
    async fn partial_tiles(&mut self, checkpoint: &Checkpoint) -> Result<(), ExportError> {
        let edge = self.rows.edge(self.size).await?;
        if edge.frontier().map(|frontier| frontier.root()) != Some(checkpoint.root) {
            let reason = "entries and tiles do not give the root that its checkpoint signs";
            return Err(ExportError::Damaged(reason.into()));
        }
        for (level, hashes) in (0u8..)
            .zip(&edge.rows)
            .filter(|(_, hashes)| !hashes.is_empty())
        {
            let n = (self.size >> (8 * u32::from(level))) / TILE_WIDTH;
            let path = TilePath::Hashes {
                level,
                n,
                width: hashes.len() as u64,
            }
            .to_string();
            if !self.folder.has(&path) {
                self.write(path, to_bytes(hashes)).await?;
            }
        }
        Ok(())
    }

    async fn write(&mut self, path: String, bytes: Vec<u8>) -> Result<(), ExportError> {
        self.folder.write(path, bytes).await?;
        self.files_written += 1;
        Ok(())
    }
}
