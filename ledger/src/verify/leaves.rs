//! The part of a bundle that can be read.

use super::count;
use crate::{BundleError, Entry, Hash, decode_entries, leaf_hash};

/// What a bundle of entries says of the tile above it.
pub(super) struct Leaves {
    /// Leaf hashes of the entries that can be read, from the first on.
    pub(super) hashes: Vec<Hash>,
    /// Their `prev`, where they are entries.
    prevs: Vec<Option<Hash>>,
}

impl Leaves {
    pub(super) fn of_bundle(bundle: Option<&[u8]>, width: u64) -> Self {
        let items = readable(bundle.unwrap_or_default(), count(width), decode_entries).0;
        Self {
            hashes: items.iter().map(|entry| leaf_hash(entry)).collect(),
            prevs: items
                .iter()
                .map(|entry| Some(Hash(Entry::read(entry).ok()?.prev)))
                .collect(),
        }
    }

    /// All leaf hashes of a tile of `width`, if all can be read.
    pub(super) fn whole(&self, width: usize) -> Option<Vec<Hash>> {
        (self.hashes.len() == width).then(|| self.hashes.clone())
    }

    /// The tile as it was most likely signed: where tile and entry disagree, the entry is right if
    /// the one after it names it, else the tile.
    pub(super) fn mixed_with(&self, tile: Option<&[Hash]>, width: usize) -> Option<Vec<Hash>> {
        (0..width)
            .map(|at| {
                let stored = tile.and_then(|tile| tile.get(at)).copied();
                let computed = self.hashes.get(at).copied();
                let named = self.prevs.get(at + 1).copied().flatten();
                match (stored, computed) {
                    (Some(_), Some(computed)) if named == Some(computed) => Some(computed),
                    (Some(stored), _) => Some(stored),
                    (None, computed) => computed,
                }
            })
            .collect()
    }
}

type Decode<'a, T> = fn(&'a [u8], usize) -> Result<Vec<T>, BundleError>;

/// The items up to the first that cannot be read, and why that cannot.
pub(super) fn readable<'a, T>(
    bundle: &'a [u8],
    count: usize,
    decode: Decode<'a, T>,
) -> (Vec<T>, Option<BundleError>) {
    let error = match decode(bundle, count) {
        Ok(items) => return (items, None),
        Err(error) => error,
    };
    let good = match &error {
        BundleError::Truncated { ordinal } | BundleError::Header { ordinal, .. } => *ordinal,
        BundleError::LeftOver { .. } => count,
    };
    (beginning(bundle, good, decode), Some(error))
}

/// The first `count` items, whatever follows them.
fn beginning<'a, T>(bundle: &'a [u8], count: usize, decode: Decode<'a, T>) -> Vec<T> {
    match decode(bundle, count) {
        Ok(items) => items,
        Err(BundleError::LeftOver { bytes, .. }) => {
            decode(&bundle[..bundle.len() - bytes], count).unwrap_or_default()
        }
        Err(_) => Vec::new(),
    }
}
