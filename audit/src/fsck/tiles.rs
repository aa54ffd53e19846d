//! The tree, recomputed, and the tiles table against it.

use sealrock_eventstore::{LedgerId, StoreError};
use sealrock_ledger::{Frontier, Hash, TILE_WIDTH};
use sqlx::PgConnection;

use super::finding::{Code, Findings};
use crate::edge::{Edge, FullTile, to_bytes};

pub(super) struct Tree {
    ledger: LedgerId,
    edge: Edge,
    frontier: Frontier,
    /// An entry is missing: of what comes after it, no hash can be known.
    broken: bool,
    /// Entries passed, missing ones included.
    size: u64,
}

impl Tree {
    pub(super) fn of(ledger: LedgerId) -> Self {
        let (edge, frontier) = (Edge::default(), Frontier::default());
        Self {
            ledger,
            edge,
            frontier,
            broken: false,
            size: 0,
        }
    }

    /// Entries so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The root, unless entries are missing.
    pub(super) fn root(&self) -> Option<Hash> {
        (!self.broken).then(|| self.frontier.root())
    }

    /// The frontier, unless entries are missing.
    pub(super) fn frontier(&self) -> Option<&Frontier> {
        (!self.broken).then_some(&self.frontier)
    }

    /// Wants the next entry to be the one at `index`.
    pub(super) fn expect(&mut self, index: u64, findings: &mut Findings) {
        if index == self.size {
            return;
        }
        let cause = format!("after the entries before {} comes {index}", self.size);
        let missing = (self.size, index.saturating_sub(1));
        findings.at(Code::EventMissing, "events", missing, cause);
        self.broken = true;
        self.size = index;
    }

    pub(super) async fn push(
        &mut self,
        c: &mut PgConnection,
        leaf: Hash,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        // An index from a damaged row may be the largest there is.
        self.size = self.size.saturating_add(1);
        if self.broken {
            return Ok(());
        }
        self.frontier.push(leaf);
        for tile in self.edge.push(leaf) {
            self.compare(c, &tile, findings).await?;
        }
        Ok(())
    }

    async fn compare(
        &self,
        c: &mut PgConnection,
        tile: &FullTile,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let sql = "SELECT hashes FROM tiles WHERE ledger_id = $1 AND level = $2 AND n = $3";
        let stored: Option<Vec<u8>> = sqlx::query_scalar(sql)
            .bind(self.ledger.0)
            .bind(i16::from(tile.level))
            .bind(tile.n.cast_signed())
            .fetch_optional(c)
            .await?;
        let place = place(i16::from(tile.level), tile.n.cast_signed());
        match stored {
            None => findings.add(Code::TileMissing, place, "the full tile is not there"),
            Some(stored) if stored != to_bytes(&tile.hashes) => {
                let at = first_difference(&stored, &tile.hashes);
                let cause = format!("its hash number {at} is not what the entries give");
                findings.add(Code::TileChanged, place, cause);
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Looks for tiles that a tree of this size does not have.
    pub(super) async fn ends(
        &self,
        c: &mut PgConnection,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let stray: Vec<(i16, i64)> = sqlx::query_as(include_str!("../sql/fsck_stray_tiles.sql"))
            .bind(self.ledger.0)
            .bind(self.size.cast_signed())
            .fetch_all(c)
            .await?;
        for (level, n) in stray {
            let cause = format!("{} entries fill no such tile", self.size);
            findings.add(Code::TileStray, place(level, n), cause);
        }
        Ok(())
    }
}

fn first_difference(stored: &[u8], hashes: &[Hash]) -> usize {
    let same = stored
        .as_chunks::<32>()
        .0
        .iter()
        .zip(hashes)
        .take_while(|(a, b)| **a == b.0)
        .count();
    same.min(usize::try_from(TILE_WIDTH).unwrap_or(usize::MAX) - 1)
}

fn place(level: i16, n: i64) -> String {
    format!("tiles level {level} n {n}")
}
