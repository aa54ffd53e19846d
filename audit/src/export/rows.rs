//! What an export reads from the database. Everything it asks for is below the size of a
//! checkpoint that is committed, so it is there and never changes.

use sealrock_eventstore::{EventStore, LedgerInfo, Recorded, StoreError};
use sealrock_ledger::{Checkpoint, Hash, Index, LogVerifier, TILE_WIDTH};

use super::ExportError;
use crate::edge::{Edge, tile_root};

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

    pub(super) async fn tile(&self, level: u8, n: u64) -> Result<Vec<u8>, ExportError> {
        let sql = "SELECT hashes FROM tiles WHERE ledger_id = $1 AND level = $2 AND n = $3";
        let hashes = sqlx::query_scalar(sql)
            .bind(self.ledger.id.0)
            .bind(i16::from(level))
            .bind(stored(n))
            .fetch_optional(self.store.pool())
            .await
            .map_err(StoreError::from)?;
        hashes.ok_or_else(|| ExportError::Damaged(format!("tile {n} of level {level} is missing")))
    }

    /// The hashes that are in no full tile of a tree of `size`.
    pub(super) async fn edge(&self, size: u64) -> Result<Edge, ExportError> {
        let mut edge = Edge {
            size,
            rows: Vec::new(),
        };
        for level in 0u8..8 {
            let count = size >> (8 * u32::from(level));
            if count == 0 {
                break;
            }
            let range = count - count % TILE_WIDTH..count;
            edge.rows.push(match level {
                0 => self.leaf_hashes(range).await?,
                _ => self.tile_roots(level - 1, range).await?,
            });
        }
        Ok(edge)
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

    async fn leaf_hashes(&self, range: std::ops::Range<u64>) -> Result<Vec<Hash>, ExportError> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(include_str!("../sql/leaf_hashes.sql"))
            .bind(self.ledger.id.0)
            .bind(stored(range.start))
            .bind(stored(range.end))
            .fetch_all(self.store.pool())
            .await
            .map_err(StoreError::from)?;
        let hash = |bytes: Vec<u8>| bytes.try_into().ok().map(Hash);
        let hashes: Option<Vec<Hash>> = rows.into_iter().map(hash).collect();
        hashes.ok_or_else(|| ExportError::Damaged("a leaf hash is not 32 bytes long".into()))
    }

    async fn tile_roots(
        &self,
        level: u8,
        range: std::ops::Range<u64>,
    ) -> Result<Vec<Hash>, ExportError> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(include_str!("../sql/tiles.sql"))
            .bind(self.ledger.id.0)
            .bind(i16::from(level))
            .bind(stored(range.start))
            .bind(stored(range.end))
            .fetch_all(self.store.pool())
            .await
            .map_err(StoreError::from)?;
        let roots: Option<Vec<Hash>> = rows.iter().map(|bytes| tile_root(bytes)).collect();
        roots.ok_or_else(|| ExportError::Damaged(format!("a tile of level {level} is not full")))
    }
}

/// A count as Postgres stores it.
fn stored(count: u64) -> i64 {
    i64::try_from(count).expect("no ledger holds 2^63 entries")
}
