//! The tiles, each against the hash above it.

use super::cause::Cause;
use super::count;
use super::finding::Findings;
use super::leaves;
use super::read::{self, Item};
use super::source::{Source, SourceError};
use crate::{Checkpoint, Frontier, Hash, TILE_WIDTH, TilePath, subtree_hash};

/// The hashes of one tile, or `None` if neither the tile nor what lies below can be read.
type Row = Option<Vec<Hash>>;

/// The tiles of one tree. What it gives out fits the checkpoint's root wherever that is possible;
/// where it is not, a finding says so.
pub(super) struct Tiles<'s> {
    source: &'s dyn Source,
    size: u64,
    /// Per level, the partial tile at the right edge (empty if there is none).
    edge: Vec<Row>,
    /// Per level, the full tile that was last asked for.
    last: Vec<Option<(u64, Row)>>,
}

/// Where a tile is.
#[derive(Clone, Copy)]
struct Place {
    level: u8,
    n: u64,
    width: u64,
}

impl Place {
    fn path(self) -> TilePath {
        TilePath::Hashes {
            level: self.level,
            n: self.n,
            width: self.width,
        }
    }

    /// First and last entry below the hash number `at` of this tile.
    fn entries_below(self, at: u64) -> (u64, u64) {
        let shift = 8 * u32::from(self.level);
        let hash = self.n * TILE_WIDTH + at;
        // The end of the largest tree is 2^64, which wraps to 0.
        (hash << shift, ((hash + 1) << shift).wrapping_sub(1))
    }

    fn entries(self) -> (u64, u64) {
        (
            self.entries_below(0).0,
            self.entries_below(self.width - 1).1,
        )
    }
}

impl<'s> Tiles<'s> {
    /// Holds the partial tiles at the right edge against the signed root.
    pub(super) fn of_edge(
        source: &'s dyn Source,
        checkpoint: &Checkpoint,
        findings: &mut Findings,
    ) -> Result<Self, SourceError> {
        let size = checkpoint.size;
        let levels = (0u8..8).take_while(|level| size >> (8 * level) > 0).count();
        let mut tiles = Self {
            source,
            size,
            edge: Vec::new(),
            last: vec![None; levels + 1],
        };
        let mut stored = Vec::new();
        for level in 0..levels {
            stored.push(tiles.stored(tiles.edge_place(level), findings)?);
        }
        if root_of(size, &stored) == Some(checkpoint.root) {
            tiles.edge = stored;
        } else {
            let last = tiles.last_bundle()?;
            tiles.settle_edge(checkpoint.root, &stored, &last, findings)?;
        }
        Ok(tiles)
    }

    /// The signed leaf hashes of bundle `n`, which holds these entries; `tile` is the file of its
    /// full tile.
    pub(super) fn leaves(
        &mut self,
        n: u64,
        items: &[Item],
        tile: Option<&[u8]>,
        findings: &mut Findings,
    ) -> Result<Row, SourceError> {
        self.row(0, n, Some((items, tile)), findings)
    }

    /// The entries of the last, partial bundle.
    fn last_bundle(&self) -> Result<Vec<Item>, SourceError> {
        let Place { n, width, .. } = self.edge_place(0);
        let bytes = self.source.get(&read::entries_path(n, width))?;
        Ok(read::items(bytes.as_deref(), width).items)
    }

    fn row(
        &mut self,
        level: usize,
        n: u64,
        lowest: Option<(&[Item], Option<&[u8]>)>,
        findings: &mut Findings,
    ) -> Result<Row, SourceError> {
        let edge = self.edge_place(level);
        if n == edge.n {
            return Ok(self.edge[level].clone());
        }
        if let Some((_, row)) = self.last[level].as_ref().filter(|(last, _)| *last == n) {
            return Ok(row.clone());
        }
        let above = self.row(level + 1, n / TILE_WIDTH, None, findings)?;
        let vouched = above.map(|row| row[count(n % TILE_WIDTH)]);
        let place = Place {
            level: edge.level,
            n,
            width: TILE_WIDTH,
        };
        let stored = match lowest {
            Some((_, file)) => hashes_of(file, place, findings),
            None => self.stored(place, findings)?,
        };
        let fits = |row: &Vec<Hash>| vouched == Some(subtree_hash(row));
        let row = match stored {
            Some(row) if fits(&row) => Some(row),
            stored => {
                let items = lowest.map(|(items, _)| items);
                self.settle(place, vouched, &stored, items, findings)?
            }
        };
        self.last[level] = Some((n, row.clone()));
        Ok(row)
    }

    /// Finds out what a tile was that does not fit the hash that vouches for it.
    fn settle(
        &self,
        place: Place,
        vouched: Option<Hash>,
        stored: &Row,
        items: Option<&[Item]>,
        findings: &mut Findings,
    ) -> Result<Row, SourceError> {
        let mut candidates = self.candidates(place, stored.clone(), items)?;
        let fitting = candidates
            .iter()
            .position(|row| Some(subtree_hash(row)) == vouched);
        if fitting.is_none() && vouched.is_some() {
            let message = format!(
                "neither {} nor what lies below it gives the hash that is signed for it",
                place.path()
            );
            findings.add(Cause::TreeMismatch, Some(place.entries()), message);
        }
        let chosen = fitting
            .or(candidates.len().checked_sub(1))
            .map(|at| candidates.swap_remove(at));
        compare(place, stored.as_deref(), chosen.as_deref(), findings);
        Ok(chosen)
    }

    /// The same for the partial tiles, which one root vouches for together: some combination of
    /// what was stored and what lies below gives it.
    fn settle_edge(
        &mut self,
        root: Hash,
        stored: &[Row],
        last: &[Item],
        findings: &mut Findings,
    ) -> Result<(), SourceError> {
        let mut choices = Vec::new();
        for (level, row) in stored.iter().enumerate() {
            let items = (level == 0).then_some(last);
            choices.push(self.candidates(self.edge_place(level), row.clone(), items)?);
        }
        self.edge = combination(self.size, root, &choices, &mut Vec::new()).unwrap_or_else(|| {
            let message = format!(
                "the checkpoint signs {} entries with another root than tiles and entries give: \
                 they are of another history",
                self.size
            );
            findings.add(Cause::TreeMismatch, None, message);
            choices.iter().map(|rows| rows.last().cloned()).collect()
        });
        for (level, (stored, chosen)) in stored.iter().zip(&self.edge).enumerate() {
            compare(
                self.edge_place(level),
                stored.as_deref(),
                chosen.as_deref(),
                findings,
            );
        }
        Ok(())
    }

    /// What the tile may have been, the likeliest last: as stored, as what lies below it gives, and
    /// a mixture of the two.
    fn candidates(
        &self,
        place: Place,
        stored: Row,
        items: Option<&[Item]>,
    ) -> Result<Vec<Vec<Hash>>, SourceError> {
        let width = count(place.width);
        let (below, mixed) = match items {
            Some(items) => (
                leaves::whole(items, width),
                leaves::mixed_with(items, stored.as_deref(), width),
            ),
            None if place.level > 0 => (self.below(place)?, stored.clone()),
            None => (None, None),
        };
        Ok([stored, below, mixed].into_iter().flatten().collect())
    }

    /// A tile of a level above 0 as the tiles below it give it, if all of them can be read.
    fn below(&self, place: Place) -> Result<Row, SourceError> {
        let mut row = Vec::new();
        for at in 0..place.width {
            let n = place.n * TILE_WIDTH + at;
            let child = Place {
                level: place.level - 1,
                n,
                width: TILE_WIDTH,
            };
            match self
                .source
                .get(&child.path().to_string())?
                .and_then(|bytes| hashes(&bytes, child))
            {
                Some(hashes) => row.push(subtree_hash(&hashes)),
                None => return Ok(None),
            }
        }
        Ok(Some(row))
    }

    fn stored(&self, place: Place, findings: &mut Findings) -> Result<Row, SourceError> {
        if place.width == 0 {
            return Ok(Some(Vec::new()));
        }
        let file = self.source.get(&place.path().to_string())?;
        Ok(hashes_of(file.as_deref(), place, findings))
    }

    /// The partial tile of a level; its width is 0 if there is none.
    fn edge_place(&self, level: usize) -> Place {
        let level = u8::try_from(level).expect("a tree has at most 8 levels of tiles");
        let hashes = self.size >> (8 * u32::from(level));
        Place {
            level,
            n: hashes / TILE_WIDTH,
            width: hashes % TILE_WIDTH,
        }
    }
}

/// What the file of a tile holds, if it is there and of its length.
fn hashes_of(file: Option<&[u8]>, place: Place, findings: &mut Findings) -> Row {
    let (path, entries) = (place.path(), Some(place.entries()));
    let Some(bytes) = file else {
        findings.add(Cause::TileMissing, entries, format!("{path} is missing"));
        return None;
    };
    let row = hashes(bytes, place);
    if row.is_none() {
        let message = format!("{path} has {} bytes, not {}", bytes.len(), 32 * place.width);
        findings.add(Cause::TileMalformed, entries, message);
    }
    row
}

fn hashes(bytes: &[u8], place: Place) -> Row {
    let (hashes, rest) = bytes.as_chunks::<32>();
    let whole = rest.is_empty() && hashes.len() as u64 == place.width;
    whole.then(|| hashes.iter().copied().map(Hash).collect())
}

/// Names the hashes of a tile that are not the ones it should have.
fn compare(place: Place, stored: Option<&[Hash]>, right: Option<&[Hash]>, findings: &mut Findings) {
    let (Some(stored), Some(right)) = (stored, right) else {
        return;
    };
    for (at, _) in stored
        .iter()
        .zip(right)
        .enumerate()
        .filter(|(_, (stored, right))| stored != right)
    {
        let message = format!(
            "{} has another hash number {at} than was signed",
            place.path()
        );
        findings.add(
            Cause::TileChanged,
            Some(place.entries_below(at as u64)),
            message,
        );
    }
}

/// The root of a tree, by its partial tiles, level 0 first. Its frontier is their frontiers, the
/// highest level's first.
fn root_of(size: u64, edge: &[Row]) -> Option<Hash> {
    let mut frontier = Vec::new();
    for row in edge.iter().rev() {
        let mut of_row = Frontier::default();
        row.as_ref()?.iter().for_each(|hash| of_row.push(*hash));
        frontier.extend(of_row.to_bytes());
    }
    Some(Frontier::from_bytes(size, &frontier).ok()?.root())
}

/// The first combination of one choice per level that gives the root.
fn combination(
    size: u64,
    root: Hash,
    choices: &[Vec<Vec<Hash>>],
    chosen: &mut Vec<Row>,
) -> Option<Vec<Row>> {
    let Some(level) = choices.get(chosen.len()) else {
        return (root_of(size, chosen) == Some(root)).then(|| chosen.clone());
    };
    for row in level {
        chosen.push(Some(row.clone()));
        if let Some(found) = combination(size, root, choices, chosen) {
            return Some(found);
        }
        chosen.pop();
    }
    None
}
