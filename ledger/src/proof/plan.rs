//! Which tiles a proof is made of, and the proof once they are there.

use std::cell::RefCell;
use std::collections::HashMap;

use tlog_tiles::{Hash, HashReader, split_stored_hash_index};

use super::ProofError;
use crate::name::Index;
use crate::tile::{TILE_WIDTH, TilePath};

/// Positions of hashes in larger trees do not fit 64 bits.
const MAX_SIZE: u64 = 1 << 62;

/// A proof that is to be made: run it once to learn its tiles, fetch those, run it again.
///
/// The tiles are those of the tree of `size` entries, partial ones at its right edge included. The
/// bytes of a longer version of a tile serve as well, since its first hashes are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofPlan {
    size: u64,
    proof: Proof,
    tiles: Vec<TilePath>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Inclusion(u64),
    Consistency(u64),
    Prefix(u64),
}

impl ProofPlan {
    /// That the tree of `size` entries holds the entry at `index`.
    ///
    /// # Errors
    /// If there is no such entry.
    pub fn inclusion(index: Index, size: u64) -> Result<Self, ProofError> {
        if index.0 >= size {
            let reason = format!("there is no entry {index} among {size}");
            return Err(ProofError::Range(reason));
        }
        Self::new(size, Proof::Inclusion(index.0))
    }

    /// That the tree of `new` entries begins with that of `old`. Where one of them is empty or
    /// they are of one size, the proof is empty.
    ///
    /// # Errors
    /// If `old` is larger.
    pub fn consistency(old: u64, new: u64) -> Result<Self, ProofError> {
        refuse_larger(old, new)?;
        Self::new(new, Proof::Consistency(old))
    }

    /// The root over the first `prefix` entries of the tree of `size`: one hash, that of the empty
    /// tree for none.
    ///
    /// # Errors
    /// If `prefix` is larger.
    pub fn prefix_root(prefix: u64, size: u64) -> Result<Self, ProofError> {
        refuse_larger(prefix, size)?;
        Self::new(size, Proof::Prefix(prefix))
    }

    /// The tiles that it takes, each once.
    #[must_use]
    pub fn tiles(&self) -> &[TilePath] {
        &self.tiles
    }

    /// The hashes of the proof, from tiles that nobody vouches for: a wrong tile makes a proof that
    /// does not verify.
    ///
    /// # Errors
    /// If a tile is missing, or shorter than its width.
    pub fn prove(&self, tiles: &HashMap<TilePath, Vec<u8>>) -> Result<Vec<Hash>, ProofError> {
        for &tile in &self.tiles {
            let bytes = tiles.get(&tile).ok_or(ProofError::TileMissing(tile))?.len();
            let TilePath::Hashes { width, .. } = tile else {
                return Err(ProofError::TileMissing(tile));
            };
            if bytes % 32 != 0 || (bytes as u64) < 32 * width {
                return Err(ProofError::TileLength { tile, bytes });
            }
        }
        self.run(&FromTiles {
            size: self.size,
            tiles,
        })
    }

    fn new(size: u64, proof: Proof) -> Result<Self, ProofError> {
        if size > MAX_SIZE {
            let reason = format!("a tree of {size} entries is larger than any");
            return Err(ProofError::Range(reason));
        }
        let mut plan = Self {
            size,
            proof,
            tiles: Vec::new(),
        };
        let asked = Recorder::default();
        plan.run(&asked)?;
        for index in asked.0.into_inner() {
            let tile = Node::at(index).tile(size);
            if !plan.tiles.contains(&tile) {
                plan.tiles.push(tile);
            }
        }
        Ok(plan)
    }

    fn run(&self, hashes: &impl HashReader) -> Result<Vec<Hash>, ProofError> {
        let made = match self.proof {
            Proof::Inclusion(index) => tlog_tiles::prove_record(self.size, index, hashes),
            Proof::Consistency(0) => Ok(Vec::new()),
            Proof::Consistency(old) => tlog_tiles::prove_tree(self.size, old, hashes),
            Proof::Prefix(size) => tlog_tiles::tree_hash(size, hashes).map(|root| vec![root]),
        };
        made.map_err(|e| ProofError::Range(e.to_string()))
    }
}

fn refuse_larger(old: u64, new: u64) -> Result<(), ProofError> {
    if old <= new {
        return Ok(());
    }
    Err(ProofError::Range(format!(
        "a tree of {new} entries cannot begin with {old}"
    )))
}

/// A node of the tree: the root over 2^`level` leaves, the `n`th of them.
#[derive(Clone, Copy)]
struct Node {
    level: u8,
    n: u64,
}

impl Node {
    fn at(index: u64) -> Self {
        let (level, n) = split_stored_hash_index(index);
        Self { level, n }
    }

    /// The number of its first hash in the row of the tiles below it.
    fn first(self) -> u64 {
        self.n << (self.level % 8)
    }

    /// The tile of the tree of `size` entries that holds it, or what it is made of.
    fn tile(self, size: u64) -> TilePath {
        let level = self.level / 8;
        let n = self.first() / TILE_WIDTH;
        let row = size >> (8 * level);
        let width = (row - n * TILE_WIDTH).min(TILE_WIDTH);
        TilePath::Hashes { level, n, width }
    }

    fn read(self, tile: &[u8]) -> Hash {
        let first = usize::try_from(self.first() % TILE_WIDTH).expect("below 256");
        let hashes = tile.as_chunks::<32>().0[first..][..1 << (self.level % 8)].iter();
        crate::tree::subtree_hash(&hashes.copied().map(Hash).collect::<Vec<_>>())
    }
}

/// Answers nothing, and keeps what it was asked for.
#[derive(Default)]
struct Recorder(RefCell<Vec<u64>>);

impl HashReader for Recorder {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::tlog::Error> {
        self.0.borrow_mut().extend(indexes);
        Ok(vec![Hash::default(); indexes.len()])
    }
}

/// Tiles that are all there and long enough.
struct FromTiles<'t> {
    size: u64,
    tiles: &'t HashMap<TilePath, Vec<u8>>,
}

impl HashReader for FromTiles<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::tlog::Error> {
        let nodes = indexes.iter().copied().map(Node::at);
        Ok(nodes
            .map(|node| node.read(&self.tiles[&node.tile(self.size)]))
            .collect())
    }
}
