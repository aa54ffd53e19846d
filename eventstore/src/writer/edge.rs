//! The right edge of the tiles: the hashes that are not yet in a full tile.

use sealrock_ledger::{Frontier, Hash, TILE_WIDTH, subtree_hash};
use sqlx::PgTransaction;

use super::head::Head;
use crate::error::{AppendError, stored};
use crate::ledgers::LedgerId;
use crate::reader::hash;

/// A full tile, ready to be stored.
#[derive(Debug, PartialEq)]
pub(super) struct FullTile {
    pub(super) level: u8,
    pub(super) n: u64,
    pub(super) hashes: Vec<Hash>,
}

/// Per level, the (at most 255) hashes of its partial tile.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Edge {
    size: u64,
    root: Hash,
    rows: Vec<Vec<Hash>>,
}

impl Edge {
    /// Whether this is the edge of the tree that the head row speaks of.
    pub(super) fn is_of(&self, head: &Head) -> bool {
        self.size == head.size() && self.root == head.root
    }

    /// Appends a leaf hash; answers the tiles that it filled.
    pub(super) fn push(&mut self, leaf: Hash) -> Vec<FullTile> {
        let mut filled = Vec::new();
        let mut hash = leaf;
        let mut n = self.size;
        for level in 0u8.. {
            let row = self.row(usize::from(level));
            row.push(hash);
            n /= TILE_WIDTH;
            if (row.len() as u64) < TILE_WIDTH {
                break;
            }
            let hashes = std::mem::take(row);
            hash = subtree_hash(&hashes);
            filled.push(FullTile { level, n, hashes });
        }
        self.size += 1;
        filled
    }

    /// Notes the root of the tree that this is now the edge of.
    pub(super) fn set_root(&mut self, root: Hash) {
        self.root = root;
    }

    /// Reads the edge from stored leaf hashes and tiles, and holds it against the head's frontier.
    pub(super) async fn load(
        tx: &mut PgTransaction<'_>,
        ledger: LedgerId,
        head: &Head,
    ) -> Result<Self, AppendError> {
        let mut edge = Self {
            size: head.size(),
            root: head.root,
            rows: Vec::new(),
        };
        let mut count = head.size();
        for level in 0u8.. {
            if count == 0 {
                break;
            }
            let first = count - count % TILE_WIDTH;
            let row = match level {
                0 => leaf_hashes(tx, ledger, first).await?,
                _ => tile_hashes(tx, ledger, level - 1, first).await?,
            };
            edge.rows.push(row);
            count /= TILE_WIDTH;
        }
        if edge.frontier_bytes() != head.frontier.to_bytes() {
            let reason = "the stored entries and tiles do not give the head row's tree; run fsck";
            return Err(AppendError::Fatal(reason.into()));
        }
        Ok(edge)
    }

    /// The frontier of the whole tree is the frontiers of the partial tiles, highest level first.
    fn frontier_bytes(&self) -> Vec<u8> {
        let of_row = |row: &Vec<Hash>| {
            let mut frontier = Frontier::default();
            for hash in row {
                frontier.push(*hash);
            }
            frontier.to_bytes()
        };
        self.rows.iter().rev().flat_map(of_row).collect()
    }

    fn row(&mut self, level: usize) -> &mut Vec<Hash> {
        if self.rows.len() <= level {
            self.rows.resize(level + 1, Vec::new());
        }
        &mut self.rows[level]
    }
}

async fn leaf_hashes(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    first: u64,
) -> Result<Vec<Hash>, AppendError> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT leaf_hash FROM events WHERE ledger_id = $1 AND index >= $2 ORDER BY index",
    )
    .bind(ledger.0)
    .bind(stored(first))
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(|bytes| Ok(hash(bytes)?)).collect()
}

/// The roots of the full tiles of `level` from number `first` on.
async fn tile_hashes(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    level: u8,
    first: u64,
) -> Result<Vec<Hash>, AppendError> {
    let tiles: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT hashes FROM tiles WHERE ledger_id = $1 AND level = $2 AND n >= $3 ORDER BY n",
    )
    .bind(ledger.0)
    .bind(i16::from(level))
    .bind(stored(first))
    .fetch_all(&mut **tx)
    .await?;
    Ok(tiles
        .iter()
        .map(|tile| {
            let (hashes, _) = tile.as_chunks::<32>();
            subtree_hash(&hashes.iter().copied().map(Hash).collect::<Vec<_>>())
        })
        .collect())
}
