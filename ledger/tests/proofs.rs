//! Inclusion and consistency proofs, against an implementation that nobody here wrote.

mod sample;

use std::collections::{BTreeMap, HashMap};

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sealrock_ledger::{
    Frontier, Hash, Index, ProofError, ProofPlan, TilePath, check_consistency, check_inclusion,
    leaf_hash,
};
use sha2::Sha256;

type Oracle = MemoryBackedTree<Sha256, [u8; 4]>;

/// A tree of four-byte entries that grows, in the oracle and as ours.
#[derive(Default)]
struct Trees {
    oracle: Oracle,
    leaves: Vec<Hash>,
    /// Our root of each size from 0.
    roots: Vec<Hash>,
    frontier: Frontier,
}

impl Trees {
    fn of(size: usize) -> Self {
        let mut trees = Self::default();
        trees.roots.push(trees.frontier.root());
        trees.grow(size);
        trees
    }

    fn grow(&mut self, size: usize) {
        for n in self.leaves.len()..size {
            let entry = u32::try_from(n).expect("small").to_be_bytes();
            self.oracle.push(entry);
            self.leaves.push(leaf_hash(&entry));
            self.frontier.push(leaf_hash(&entry));
            self.roots.push(self.frontier.root());
        }
        assert_eq!(
            self.roots[size].0.as_slice(),
            self.oracle.root().as_bytes().as_slice()
        );
    }

    fn size(&self) -> usize {
        self.leaves.len()
    }

    fn tiles(&self) -> HashMap<TilePath, Vec<u8>> {
        let mut files = BTreeMap::new();
        sample::tiles(&self.leaves, &mut files);
        files
            .into_iter()
            .map(|(path, bytes)| (path.parse().expect("a path"), bytes))
            .collect()
    }

    /// The proof for an entry is the oracle's and verifies.
    fn check_entry(&self, tiles: &HashMap<TilePath, Vec<u8>>, index: usize) {
        let (size, at) = (self.size() as u64, Index(index as u64));
        let plan = ProofPlan::inclusion(at, size).expect("an entry");
        let proof = plan.prove(tiles).expect("all tiles");
        assert_eq!(
            bytes(&proof),
            self.oracle.prove_inclusion(index).as_bytes(),
            "{index} in {size}"
        );
        check_inclusion(
            self.leaves[index],
            at,
            size,
            self.roots[self.size()],
            &proof,
        )
        .expect("a proof");
    }

    /// The proof for an older tree is the oracle's and verifies, and so is that tree's root.
    fn check_older(&self, tiles: &HashMap<TilePath, Vec<u8>>, old: usize) {
        let (new, old_size) = (self.size() as u64, old as u64);
        let plan = ProofPlan::consistency(old_size, new).expect("an older tree");
        let proof = plan.prove(tiles).expect("all tiles");
        if (1..self.size()).contains(&old) {
            let theirs = self.oracle.prove_consistency(self.size() - old);
            assert_eq!(bytes(&proof), theirs.as_bytes(), "{old} in {new}");
        } else {
            assert!(proof.is_empty(), "{old} in {new}");
        }
        let roots = (self.roots[old], self.roots[self.size()]);
        check_consistency((old_size, roots.0), (new, roots.1), &proof).expect("a proof");

        let plan = ProofPlan::prefix_root(old_size, new).expect("an older tree");
        assert_eq!(
            plan.prove(tiles).expect("all tiles"),
            [roots.0],
            "{old} in {new}"
        );
    }
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

#[test]
fn every_pair_of_sizes_and_every_entry_of_small_trees() {
    let mut trees = Trees::of(0);
    for size in 0..=70 {
        trees.grow(size);
        let tiles = trees.tiles();
        (0..size).for_each(|index| trees.check_entry(&tiles, index));
        (0..=size).for_each(|old| trees.check_older(&tiles, old));
    }
}

#[test]
fn every_size_to_six_hundred() {
    let mut random = StdRng::seed_from_u64(3);
    let mut trees = Trees::of(0);
    for size in 1..=600 {
        trees.grow(size);
        let tiles = trees.tiles();
        for index in [0, size - 1, random.gen_range(0..size)] {
            trees.check_entry(&tiles, index);
        }
        for old in [1, size - 1, size & !255, random.gen_range(0..=size)] {
            trees.check_older(&tiles, old);
        }
    }
}

#[test]
fn where_a_level_of_tiles_begins() {
    let mut random = StdRng::seed_from_u64(4);
    let mut trees = Trees::of(0);
    for size in [255, 256, 257, 65_535, 65_536, 65_537] {
        trees.grow(size);
        let tiles = trees.tiles();
        for index in [0, 254, size - 1, size / 2, random.gen_range(0..size)] {
            trees.check_entry(&tiles, index);
        }
        for old in [
            1,
            255,
            size - 1,
            size / 256 * 256,
            random.gen_range(0..size),
        ] {
            trees.check_older(&tiles, old);
        }
    }
}

#[test]
fn a_proof_holds_for_its_leaf_place_size_and_root_only() {
    let trees = Trees::of(300);
    let tiles = trees.tiles();
    let (leaf, index, size, root) = (trees.leaves[77], Index(77), 300, trees.roots[300]);
    let proof = ProofPlan::inclusion(index, size)
        .and_then(|plan| plan.prove(&tiles))
        .expect("a proof");
    let fails =
        |result: Result<(), ProofError>| assert!(matches!(result, Err(ProofError::Wrong(_))));
    fails(check_inclusion(trees.leaves[78], index, size, root, &proof));
    fails(check_inclusion(leaf, Index(76), size, root, &proof));
    fails(check_inclusion(leaf, Index(300), size, root, &proof));
    fails(check_inclusion(leaf, index, size, trees.roots[299], &proof));
    fails(check_inclusion(leaf, index, 77, root, &proof));
    for at in 0..proof.len() {
        let mut changed = proof.clone();
        changed[at].0[at] ^= 1;
        fails(check_inclusion(leaf, index, size, root, &changed));
    }
    fails(check_inclusion(leaf, index, size, root, &proof[1..]));
    fails(check_inclusion(
        leaf,
        index,
        size,
        root,
        &[&proof[..], &[leaf]].concat(),
    ));
    fails(check_inclusion(leaf, index, u64::MAX, root, &[leaf; 64]));
    fails(check_inclusion(
        leaf,
        index,
        size,
        root,
        &vec![leaf; 10_000],
    ));

    let (old, new) = ((200, trees.roots[200]), (300, trees.roots[300]));
    let proof = ProofPlan::consistency(200, 300)
        .and_then(|plan| plan.prove(&tiles))
        .expect("a proof");
    check_consistency(old, new, &proof).expect("a proof");
    fails(check_consistency((201, old.1), new, &proof));
    fails(check_consistency((200, trees.roots[201]), new, &proof));
    fails(check_consistency(old, (300, trees.roots[299]), &proof));
    fails(check_consistency(new, old, &proof));
    for at in 0..proof.len() {
        let mut changed = proof.clone();
        changed[at].0[at] ^= 1;
        fails(check_consistency(old, new, &changed));
    }
    fails(check_consistency(old, new, &proof[1..]));
    fails(check_consistency(old, new, &[]));
    fails(check_consistency(new, (300, trees.roots[299]), &[]));
    fails(check_consistency((0, trees.roots[1]), new, &[]));
    fails(check_consistency((0, trees.roots[0]), new, &proof));
    fails(check_consistency(
        (0, trees.roots[0]),
        (0, trees.roots[1]),
        &[],
    ));
    fails(check_consistency(old, (u64::MAX, new.1), &[leaf; 64]));
}

#[test]
fn a_plan_names_each_tile_once_and_needs_them_all() {
    let plan = ProofPlan::inclusion(Index(70_000 - 113), 70_000).expect("an entry");
    let paths: Vec<String> = plan.tiles().iter().map(ToString::to_string).collect();
    assert_eq!(
        paths,
        [
            "tile/2/000.p/1",
            "tile/1/001.p/17",
            "tile/0/272",
            "tile/0/273.p/112"
        ]
    );

    let trees = Trees::of(300);
    let plan = ProofPlan::inclusion(Index(77), 300).expect("an entry");
    let mut tiles = trees.tiles();
    let proof = plan.prove(&tiles).expect("all tiles");
    // A tile that has grown since has the same hashes at its beginning.
    let grown = tiles.get_mut(&"tile/0/001.p/44".parse().expect("a path"));
    grown.expect("a tile").extend([7; 32]);
    assert_eq!(plan.prove(&tiles).expect("all tiles"), proof);
    for tile in plan.tiles() {
        let bytes = tiles.remove(tile).expect("a tile");
        assert!(
            matches!(plan.prove(&tiles), Err(ProofError::TileMissing(missing)) if missing == *tile)
        );
        tiles.insert(*tile, bytes[..31].to_vec());
        assert!(matches!(
            plan.prove(&tiles),
            Err(ProofError::TileLength { .. })
        ));
        tiles.insert(*tile, bytes);
    }
}

#[test]
fn what_cannot_be_proven_is_said() {
    assert!(ProofPlan::inclusion(Index(3), 3).is_err());
    assert!(ProofPlan::inclusion(Index(0), 0).is_err());
    assert!(ProofPlan::inclusion(Index(0), u64::MAX).is_err());
    assert!(ProofPlan::inclusion(Index((1 << 62) - 1), 1 << 62).is_ok());
    assert!(ProofPlan::consistency(4, 3).is_err());
    assert!(ProofPlan::prefix_root(4, 3).is_err());
}
