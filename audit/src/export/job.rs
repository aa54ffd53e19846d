//! One export under way, file by file.

use sealrock_eventstore::{Recorded, StoreError};
use sealrock_ledger::verify::{Progress, Scope};
use sealrock_ledger::{
    Checkpoint, Index, Payload, Policy, Slot, TILE_WIDTH, TilePath, encode_entries, encode_payloads,
};

use tokio::task::JoinHandle;

use super::ExportError;
use super::archive::Archive;
use super::erased::Erased;
use super::folder::Folder;
use super::group::NewFile;
use super::rows::Rows;
use crate::edge::to_bytes;

/// Where the files go.
pub(super) enum Place {
    Folder(Folder),
    Archive(Archive),
}

/// The files that say what an export is, beside its tiles and bundles.
pub(super) struct Head {
    pub(super) checkpoint: Checkpoint,
    pub(super) policy: Policy,
    pub(super) scope: Scope,
    /// The authority's answer over the checkpoint's note.
    pub(super) timestamp: Option<Vec<u8>>,
}

pub(super) struct Job<'a> {
    pub(super) rows: Rows<'a>,
    pub(super) place: Place,
    pub(super) head: Head,
    pub(super) erased: Erased,
    pub(super) files_written: u64,
    /// Whether a payload is gone though no entry of the tree erases it.
    pub(super) vanished: bool,
    /// Files that are to be written together.
    pub(super) group: Vec<NewFile>,
    /// The group before, on its way to the disk while this one is read from the database.
    pub(super) writing: Option<JoinHandle<Result<(), ExportError>>>,
}

/// A group is written when it has so many files, or bytes.
const GROUP_FILES: usize = 256;
const GROUP_BYTES: usize = 16 << 20;

impl Job<'_> {
    /// Writes what is not there. In a directory `checkpoint` comes last, so that an export which
    /// was interrupted is recognised; an archive is there whole or not at all, and begins with it.
    pub(super) async fn write_all(
        &mut self,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), ExportError> {
        if let Place::Archive(_) = self.place {
            self.head_files().await?;
        }
        self.partial_tiles().await?;
        self.full_tiles().await?;
        self.bundles(progress).await
    }

    /// Makes what was written an export.
    pub(super) async fn finish(&mut self) -> Result<(), ExportError> {
        match &self.place {
            Place::Archive(archive) => archive.finish().await,
            Place::Folder(folder) => {
                let folder = folder.clone();
                self.head_files().await?;
                let size = self.head.checkpoint.size;
                folder.remove_stale_partials(size).await
            }
        }
    }

    /// The policy first: it vouches for the older checkpoint too. A scope that grew comes last, so
    /// that at no moment more is promised than is there.
    async fn head_files(&mut self) -> Result<(), ExportError> {
        let policy = self.head.policy.to_string().into_bytes();
        if !self.holds("policy", &policy) {
            self.write_head("policy", policy).await?;
        }
        if let Place::Folder(folder) = &self.place {
            // It may be of the checkpoint before.
            folder.remove("timestamp.tsr").await?;
        }
        let note = self.head.checkpoint.note.clone().into_bytes();
        self.write_head("checkpoint", note).await?;
        if let Some(timestamp) = self.head.timestamp.clone() {
            self.write_head("timestamp.tsr", timestamp).await?;
        }
        match &self.place {
            Place::Folder(folder) if self.head.scope == Scope::default() => {
                folder.remove("scope").await
            }
            _ if self.head.scope == Scope::default() => Ok(()),
            _ => {
                let scope = self.head.scope.to_bytes();
                if self.holds("scope", &scope) {
                    return Ok(());
                }
                self.write_head("scope", scope).await
            }
        }
    }

    async fn bundles(
        &mut self,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), ExportError> {
        let size = self.head.checkpoint.size;
        let bundles = self.head.scope.bundles(size);
        let first = bundles.start * TILE_WIDTH;
        let total = size.min(bundles.end * TILE_WIDTH) - first;
        for n in bundles {
            let width = TILE_WIDTH.min(size - n * TILE_WIDTH);
            self.bundle(n, width).await?;
            let done = n * TILE_WIDTH + width - first;
            progress(Progress { done, total });
        }
        Ok(())
    }

    async fn bundle(&mut self, n: u64, width: u64) -> Result<(), ExportError> {
        let entries = TilePath::Entries { n, width }.to_string();
        let payloads = TilePath::Payloads { n, width }.to_string();
        let has_payloads = self.has(&payloads) && !self.erased.concerns_bundle(n);
        if self.has(&entries) && has_payloads {
            return Ok(());
        }
        let recorded = self.rows.bundle(n, width).await?;
        if !self.has(&entries) {
            let bytes = encode_entries(recorded.iter().map(|r| r.entry_bytes.as_slice()));
            self.write(entries, bytes).await?;
        }
        let mut slots = Vec::with_capacity(recorded.len());
        for one in &recorded {
            slots.push(self.slot(one));
        }
        let bytes = encode_payloads(slots);
        self.write(payloads, bytes).await
    }

    /// What stands for a payload: of an erased one nothing is handed out, though its bytes may
    /// still be there.
    fn slot<'p>(&mut self, one: &'p Recorded) -> Slot<&'p Payload> {
        let Index(index) = one.entry.index;
        if self.erased.holds(index) {
            return Slot::Erased;
        }
        if !self.head.scope.shows(one.entry.index, &one.entry.stream) {
            return Slot::Withheld;
        }
        self.vanished |= one.payload.is_none();
        one.payload.as_ref().into()
    }

    /// The full tiles over the bundles that are exported, at every level.
    async fn full_tiles(&mut self) -> Result<(), ExportError> {
        let size = self.head.checkpoint.size;
        let bundles = self.head.scope.bundles(size);
        for level in 0u8..8 {
            let shift = 8 * u32::from(level);
            let full = size >> shift >> 8;
            let (first, last) = (bundles.start >> shift, (bundles.end - 1) >> shift);
            for n in (first..=last).take_while(|n| *n < full) {
                let width = TILE_WIDTH;
                let path = TilePath::Hashes { level, n, width }.to_string();
                if !self.has(&path) {
                    let hashes = self.rows.tiles().tile(level, n, TILE_WIDTH).await?;
                    self.write(path, hashes).await?;
                }
            }
        }
        Ok(())
    }

    /// Derives the partial tiles and holds them against the checkpoint.
    async fn partial_tiles(&mut self) -> Result<(), ExportError> {
        let Checkpoint { size, root, .. } = self.head.checkpoint;
        let edge = self.rows.tiles().edge(size).await?;
        if edge.frontier().map(|frontier| frontier.root()) != Some(root) {
            let reason = "entries and tiles do not give the root that its checkpoint signs";
            return Err(ExportError::Damaged(reason.into()));
        }
        for (level, hashes) in (0u8..)
            .zip(&edge.rows)
            .filter(|(_, hashes)| !hashes.is_empty())
        {
            let n = (size >> (8 * u32::from(level))) / TILE_WIDTH;
            let width = hashes.len() as u64;
            let path = TilePath::Hashes { level, n, width }.to_string();
            if !self.has(&path) {
                self.write(path, to_bytes(hashes)).await?;
            }
        }
        Ok(())
    }

    fn has(&self, path: &str) -> bool {
        match &self.place {
            Place::Folder(folder) => folder.has(path),
            Place::Archive(_) => false,
        }
    }

    fn holds(&self, path: &str, bytes: &[u8]) -> bool {
        match &self.place {
            Place::Folder(folder) => folder.holds(path, bytes),
            Place::Archive(_) => false,
        }
    }

    /// Writes a file, in a directory together with others.
    async fn write(&mut self, path: String, bytes: Vec<u8>) -> Result<(), ExportError> {
        self.files_written += 1;
        if let Place::Archive(archive) = &self.place {
            return archive.write(path, bytes).await;
        }
        self.group.push(NewFile { path, bytes });
        let bytes: usize = self.group.iter().map(|file| file.bytes.len()).sum();
        if self.group.len() < GROUP_FILES && bytes < GROUP_BYTES {
            return Ok(());
        }
        self.write_group().await
    }

    /// Sets the group on its way, when the one before is on the disk.
    async fn write_group(&mut self) -> Result<(), ExportError> {
        if let Some(writing) = self.writing.take() {
            let stopped = |e| StoreError::Fatal(format!("a task that writes files stopped: {e}"));
            writing.await.map_err(stopped)??;
        }
        let group = std::mem::take(&mut self.group);
        if let (Place::Folder(folder), false) = (&self.place, group.is_empty()) {
            let folder = folder.clone();
            self.writing = Some(tokio::spawn(async move { folder.write_all(group).await }));
        }
        Ok(())
    }

    /// Waits until all that was written is on the disk.
    pub(super) async fn settle(&mut self) -> Result<(), ExportError> {
        self.write_group().await?;
        self.write_group().await
    }

    /// Writes a file that says what the export is: what it rests on is on the disk before.
    async fn write_head(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), ExportError> {
        self.files_written += 1;
        match &self.place {
            Place::Folder(folder) => folder.write(path.into(), bytes).await,
            Place::Archive(archive) => archive.write(path.into(), bytes).await,
        }
    }
}
