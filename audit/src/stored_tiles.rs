//! Hash tiles of a ledger in the database: full ones as stored, partial ones derived.

use std::collections::HashMap;
use std::ops::Range;

use sealrock_eventstore::{EventStore, LedgerId, StoreError};
use sealrock_ledger::{Hash, ProofPlan, TILE_WIDTH, TilePath};

use crate::edge::{Edge, tile_root, to_bytes};

/// Why hashes cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TilesError {
    /// What is stored contradicts itself.
    #[error("the ledger is damaged: {0}; run `sealrock fsck`")]
    Damaged(String),
    /// The database is away or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for TilesError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<TilesError> for StoreError {
    fn from(error: TilesError) -> Self {
        match error {
            TilesError::Store(error) => error,
            damaged @ TilesError::Damaged(_) => Self::Fatal(damaged.to_string()),
        }
    }
}

/// Whatever is asked for must be below the size of a committed checkpoint: so it is there, and
/// never changes.
#[derive(Clone, Copy)]
pub(crate) struct StoredTiles<'a> {
    pub(crate) store: &'a EventStore,
    pub(crate) ledger: LedgerId,
}

impl StoredTiles<'_> {
    /// The hashes of a tile.
    pub(crate) async fn tile(&self, level: u8, n: u64, width: u64) -> Result<Vec<u8>, TilesError> {
        if width == TILE_WIDTH {
            return self.full(level, n).await;
        }
        let first = n * TILE_WIDTH;
        let range = first..first + width;
        let hashes = match level.checked_sub(1) {
            None => self.leaf_hashes(range.clone()).await?,
            Some(below) => self.tile_roots(below, range.clone()).await?,
        };
        if hashes.len() as u64 == width {
            return Ok(to_bytes(&hashes));
        }
        Err(damaged(&format!(
            "not all hashes from {} to {} of level {level} are there",
            range.start,
            range.end - 1
        )))
    }

    /// The hashes of a proof.
    pub(crate) async fn prove(&self, plan: &ProofPlan) -> Result<Vec<Hash>, TilesError> {
        let mut tiles = HashMap::new();
        for path in plan.tiles() {
            if let TilePath::Hashes { level, n, width } = *path {
                tiles.insert(*path, self.tile(level, n, width).await?);
            }
        }
        plan.prove(&tiles).map_err(|e| damaged(&e.to_string()))
    }

    /// The hashes that are in no full tile of a tree of `size`.
    pub(crate) async fn edge(&self, size: u64) -> Result<Edge, TilesError> {
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

    async fn full(&self, level: u8, n: u64) -> Result<Vec<u8>, TilesError> {
        let hashes: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT hashes FROM tiles WHERE ledger_id = $1 AND level = $2 AND n = $3",
        )
        .bind(self.ledger.0)
        .bind(i16::from(level))
        .bind(stored(n))
        .fetch_optional(self.store.pool())
        .await?;
        hashes.ok_or_else(|| damaged(&format!("tile {n} of level {level} is missing")))
    }

    async fn leaf_hashes(&self, range: Range<u64>) -> Result<Vec<Hash>, TilesError> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(include_str!("sql/leaf_hashes.sql"))
            .bind(self.ledger.0)
            .bind(stored(range.start))
            .bind(stored(range.end))
            .fetch_all(self.store.pool())
            .await?;
        let hash = |bytes: Vec<u8>| bytes.try_into().ok().map(Hash);
        let hashes: Option<Vec<Hash>> = rows.into_iter().map(hash).collect();
        hashes.ok_or_else(|| damaged("a leaf hash is not 32 bytes long"))
    }

    async fn tile_roots(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, TilesError> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(include_str!("sql/tiles.sql"))
            .bind(self.ledger.0)
            .bind(i16::from(level))
            .bind(stored(range.start))
            .bind(stored(range.end))
            .fetch_all(self.store.pool())
            .await?;
        let roots: Option<Vec<Hash>> = rows.iter().map(|bytes| tile_root(bytes)).collect();
        roots.ok_or_else(|| damaged(&format!("a tile of level {level} is not full")))
    }
}

fn damaged(what: &str) -> TilesError {
    TilesError::Damaged(what.to_owned())
}

/// A count as Postgres stores it.
pub(crate) fn stored(count: u64) -> i64 {
    i64::try_from(count).expect("no ledger holds 2^63 entries")
}
