//! What a bundle of entries says of the tile above it.

use super::read::Item;
use crate::Hash;

/// All leaf hashes of a tile of `width`, if all can be read.
pub(super) fn whole(items: &[Item], width: usize) -> Option<Vec<Hash>> {
    (items.len() == width).then(|| items.iter().map(|item| item.leaf).collect())
}

/// The tile as it was most likely signed: where tile and entry disagree, the entry is right if the
/// one after it names it, else the tile.
pub(super) fn mixed_with(items: &[Item], tile: Option<&[Hash]>, width: usize) -> Option<Vec<Hash>> {
    let named = |at: usize| Some(Hash(items.get(at + 1)?.entry.as_ref().ok()?.prev));
    (0..width)
        .map(|at| {
            let stored = tile.and_then(|tile| tile.get(at)).copied();
            let computed = items.get(at).map(|item| item.leaf);
            match (stored, computed) {
                (Some(_), Some(computed)) if named(at) == Some(computed) => Some(computed),
                (Some(stored), _) => Some(stored),
                (None, computed) => computed,
            }
        })
        .collect()
}
