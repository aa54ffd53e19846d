//! What an export reads from the database. Everything it asks for is below the size of a
//! checkpoint that is committed, so it is there and never changes.

use sealrock_eventstore::{EventStore, LedgerInfo, Recorded, StoreError};
use sealrock_ledger::{Checkpoint, Index, LogVerifier, TILE_WIDTH};

use super::ExportError;
use crate::stored_tiles::{StoredTiles, stored};

pub(super) struct Rows<'a> {
    pub(super) store: &'a EventStore,
    pub(super) ledger: &'a LedgerInfo,
}

impl Rows<'_> {
    /// The `width` entries of bundle `n`.
    pub(super) async fn bundle(&self, n: u64, width: u64) -> Result<Vec<Recorded>, ExportError> {
        let first = n * TILE_WIDTH;
        let limit = u32::try_from(width).expect("a bundle holds at most 256 entries");
        let recorded = self.store.read(self.ledger.id, Index(first), limit).await?;
        let in_place = (first..)
            .zip(&recorded)
            .all(|(at, one)| one.entry.index == Index(at));
        if recorded.len() as u64 == width && in_place {
            return Ok(recorded);
        }
        let last = first + width - 1;
        Err(ExportError::Damaged(format!(
            "not all entries from {first} to {last} are there"
        )))
    }

    /// Its tiles.
    pub(super) fn tiles(&self) -> StoredTiles<'_> {
        StoredTiles {
            store: self.store,
            ledger: self.ledger.id,
        }
    }

    /// The checkpoint that was signed at exactly that size.
    pub(super) async fn checkpoint_at(&self, size: u64) -> Result<Option<Checkpoint>, ExportError> {
        let sql = "SELECT note FROM checkpoints WHERE ledger_id = $1 AND size = $2";
        let note: Option<String> = sqlx::query_scalar(sql)
            .bind(self.ledger.id.0)
            .bind(stored(size))
            .fetch_optional(self.store.pool())
            .await
            .map_err(StoreError::from)?;
        let Some(note) = note else { return Ok(None) };
        let keys = self.store.keys(self.ledger.id).await?;
        LogVerifier::of(&keys)
            .and_then(|verifier| verifier.verify(note.as_bytes()))
            .map(Some)
            .map_err(|e| ExportError::Damaged(format!("its checkpoint of {size} entries: {e}")))
    }
}
