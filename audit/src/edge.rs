//! The right edge of the tiles, in memory: the hashes that are not in a full tile.

use sealrock_ledger::{Frontier, Hash, TILE_WIDTH, subtree_hash};

/// A full tile.
#[derive(Debug)]
pub(crate) struct FullTile {
    pub(crate) level: u8,
    pub(crate) n: u64,
    pub(crate) hashes: Vec<Hash>,
}

/// Per level, the (at most 255) hashes of its partial tile.
#[derive(Debug, Default)]
pub(crate) struct Edge {
    pub(crate) size: u64,
    pub(crate) rows: Vec<Vec<Hash>>,
}

impl Edge {
    /// Appends a leaf hash; answers the tiles that it filled, lowest first.
    pub(crate) fn push(&mut self, leaf: Hash) -> Vec<FullTile> {
        let (mut filled, mut hash, mut n) = (Vec::new(), leaf, self.size);
        self.size += 1;
        for level in 0u8.. {
            if self.rows.len() <= usize::from(level) {
                self.rows.push(Vec::new());
            }
            let row = &mut self.rows[usize::from(level)];
            row.push(hash);
            n /= TILE_WIDTH;
            if (row.len() as u64) < TILE_WIDTH {
                break;
            }
            let hashes = std::mem::take(row);
            hash = subtree_hash(&hashes);
            filled.push(FullTile { level, n, hashes });
        }
        filled
    }

    /// The tree's frontier: those of the partial tiles, the highest level's first. `None` if the
    /// rows are not of a tree of that size.
    pub(crate) fn frontier(&self) -> Option<Frontier> {
        let of_row = |row: &Vec<Hash>| {
            let mut frontier = Frontier::default();
            for hash in row {
                frontier.push(*hash);
            }
            frontier.to_bytes()
        };
        let bytes: Vec<u8> = self.rows.iter().rev().flat_map(of_row).collect();
        Frontier::from_bytes(self.size, &bytes).ok()
    }
}

/// The hashes of a stored tile or column.
pub(crate) fn to_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The root of a stored full tile; `None` if it is none.
pub(crate) fn tile_root(bytes: &[u8]) -> Option<Hash> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    let whole = rest.is_empty() && hashes.len() as u64 == TILE_WIDTH;
    whole.then(|| subtree_hash(&hashes.iter().copied().map(Hash).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealrock_ledger::leaf_hash;

    #[test]
    fn the_edge_has_the_root_of_its_tree_at_every_size_and_fills_tiles_on_the_way() {
        let (mut edge, mut frontier, mut filled) = (Edge::default(), Frontier::default(), 0);
        for n in 0u64..1200 {
            let leaf = leaf_hash(&n.to_be_bytes());
            frontier.push(leaf);
            for tile in edge.push(leaf) {
                assert_eq!((tile.level, tile.n, tile.hashes.len()), (0, n / 256, 256));
                filled += 1;
            }
            assert_eq!(edge.frontier(), Some(frontier.clone()), "size {}", n + 1);
        }
        assert_eq!(filled, 4);
    }
}
