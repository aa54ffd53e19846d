//! Evidence of a fork, kept beside the keys as a file that proves itself.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use sealrock_ledger::{Checkpoint, ForkEvidence, LedgerName, leaf_hash};
use sqlx::PgConnection;

use crate::error::StoreError;
use crate::ledgers::LedgerId;
use crate::tree_rows::tile_at;

/// What shows that `signed` and the `stored` checkpoint, both verified, are of two histories; `None`
/// if the stored tiles do not show it.
pub(crate) async fn of_fork(
    c: &mut PgConnection,
    ledger: LedgerId,
    signed: &Checkpoint,
    stored: &Checkpoint,
) -> Result<Option<ForkEvidence>, StoreError> {
    let mut tiles = HashMap::new();
    for path in ForkEvidence::tiles(signed.size, stored.size).unwrap_or_default() {
        tiles.insert(path, tile_at(c, ledger, path).await?);
    }
    Ok(ForkEvidence::between(signed, stored, &tiles).unwrap_or_default())
}

/// Keeps it for ever, as `<ledger>.fork-<hash>`; answers its place. The same evidence has the same
/// place.
pub(crate) fn keep(
    folder: &Path,
    name: &LedgerName,
    evidence: &ForkEvidence,
) -> Result<PathBuf, std::io::Error> {
    let text = evidence.to_string();
    let hash = leaf_hash(text.as_bytes()).0;
    let first = hash.first_chunk().copied().unwrap_or_default();
    let id = format!("{:08x}", u32::from_be_bytes(first));
    let place = folder.join(format!("{name}.fork-{id}"));
    let aside = folder.join(format!(".{name}.fork-{id}.{}", uuid::Uuid::new_v4()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&aside)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::hard_link(&aside, &place));
    std::fs::remove_file(&aside)?;
    match written {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
        other => other?,
    }
    File::open(folder)?.sync_all()?;
    Ok(place)
}
