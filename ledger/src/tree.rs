//! The RFC 6962 Merkle tree, held by its right edge.

use tlog_tiles::{EMPTY_HASH, Hash, node_hash, record_hash};

/// The leaf hash of an entry's bytes: SHA-256(0x00 ‖ bytes).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    record_hash(entry)
}

/// The root of a full subtree (a power of two of nodes), as one hash of the tile above.
///
/// # Panics
/// If `nodes` is not a power of two.
#[must_use]
pub fn subtree_hash(nodes: &[Hash]) -> Hash {
    assert!(
        nodes.len().is_power_of_two(),
        "{} nodes are no full subtree",
        nodes.len()
    );
    let mut frontier = Frontier::default();
    for node in nodes {
        frontier.push(*node);
    }
    frontier.hashes[0]
}

/// The right edge of a tree: the roots of its largest full subtrees, left to right, one for each
/// bit that is set in its size. It is all that is needed to append and to compute the root.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

/// Stored bytes that are no frontier of a tree of that size.
#[derive(Debug, thiserror::Error)]
#[error("a tree of {size} leaves has a frontier of {} hashes, not {bytes} bytes", size.count_ones())]
pub struct FrontierError {
    size: u64,
    bytes: usize,
}

impl Frontier {
    /// Reads what [`Frontier::to_bytes`] wrote for a tree of `size` leaves.
    ///
    /// # Errors
    /// If the number of hashes does not fit the size.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Result<Self, FrontierError> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() != size.count_ones() as usize {
            return Err(FrontierError {
                size,
                bytes: bytes.len(),
            });
        }
        Ok(Self {
            size,
            hashes: hashes.iter().copied().map(Hash).collect(),
        })
    }

    /// The hashes, one after the other.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.0).collect()
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf hash (or, in a tile above level 0, a subtree's root).
    pub fn push(&mut self, leaf: Hash) {
        // Each trailing one bit of the size is a full subtree that the new leaf completes.
        let merges = self.size.trailing_ones() as usize;
        let kept = self.hashes.len() - merges;
        let node = self
            .hashes
            .drain(kept..)
            .rev()
            .fold(leaf, |right, left| node_hash(left, right));
        self.hashes.push(node);
        self.size += 1;
    }

    /// The root of the tree; SHA-256("") when it is empty.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut right_to_left = self.hashes.iter().rev().copied();
        match right_to_left.next() {
            None => EMPTY_HASH,
            Some(last) => right_to_left.fold(last, |right, left| node_hash(left, right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use sha2::Sha256;

    #[test]
    fn every_root_equals_the_oracles_from_empty_to_seven_hundred_leaves() {
        let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let mut frontier = Frontier::default();
        for n in 0u32..700 {
            assert_eq!(
                frontier.root().0.as_slice(),
                oracle.root().as_bytes().as_slice(),
                "size {n}"
            );
            let entry = n.to_be_bytes().to_vec();
            frontier.push(leaf_hash(&entry));
            oracle.push(entry);
        }
    }

    #[test]
    fn a_frontier_survives_its_bytes_and_refuses_those_of_another_size() {
        let mut frontier = Frontier::default();
        for n in 0u8..13 {
            frontier.push(leaf_hash(&[n]));
        }
        let bytes = frontier.to_bytes();
        assert_eq!(
            Frontier::from_bytes(13, &bytes).expect("same size"),
            frontier
        );
        assert!(Frontier::from_bytes(12, &bytes).is_err());
        assert!(Frontier::from_bytes(13, &bytes[1..]).is_err());
    }
}
