//! The right edge of the tiles: the hashes that are not yet in a full tile.

use sealrock_ledger::{Hash, TILE_WIDTH, subtree_hash};
use sqlx::PgTransaction;

use super::head::Head;
use crate::error::AppendError;
use crate::ledgers::LedgerId;
use crate::tree_rows::{edge_at, frontier_of};

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
        let rows = edge_at(tx, ledger, head.size()).await?;
        if frontier_of(&rows, head.size()).as_ref() != Some(&head.frontier) {
            let reason = "the stored entries and tiles do not give the head row's tree; run fsck";
            return Err(AppendError::Fatal(reason.into()));
        }
        Ok(Self {
            size: head.size(),
            root: head.root,
            rows,
        })
    }

    fn row(&mut self, level: usize) -> &mut Vec<Hash> {
        if self.rows.len() <= level {
            self.rows.resize(level + 1, Vec::new());
        }
        &mut self.rows[level]
    }
}
