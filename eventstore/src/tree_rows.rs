//! The right edge of a tree of any size, from stored leaf hashes and full tiles.

use sealrock_ledger::{Frontier, Hash, TILE_WIDTH, TilePath, leaf_hash, subtree_hash};
use sqlx::PgConnection;

use crate::error::{StoreError, stored};
use crate::ledgers::LedgerId;
use crate::reader::hash;

/// Per level, the (at most 255) hashes that a tree of `size` has in no full tile.
pub(crate) async fn edge_at(
    c: &mut PgConnection,
    ledger: LedgerId,
    size: u64,
) -> Result<Vec<Vec<Hash>>, StoreError> {
    let mut rows = Vec::new();
    let mut count = size;
    for level in 0u8.. {
        if count == 0 {
            break;
        }
        let range = (count - count % TILE_WIDTH, count);
        let row = match level {
            0 => leaf_hashes(c, ledger, range).await?,
            _ => tile_hashes(c, ledger, level - 1, range).await?,
        };
        rows.push(row);
        count /= TILE_WIDTH;
    }
    Ok(rows)
}

/// The frontiers of the partial tiles, highest level first, are the frontier of the whole tree.
/// `None` if hashes are missing.
pub(crate) fn frontier_of(rows: &[Vec<Hash>], size: u64) -> Option<Frontier> {
    let of_row = |row: &Vec<Hash>| {
        let mut frontier = Frontier::default();
        for hash in row {
            frontier.push(*hash);
        }
        frontier.to_bytes()
    };
    let bytes: Vec<u8> = rows.iter().rev().flat_map(of_row).collect();
    Frontier::from_bytes(size, &bytes).ok()
}

/// The bytes of a tile of hashes; too few where some are missing.
pub(crate) async fn tile_at(
    c: &mut PgConnection,
    ledger: LedgerId,
    path: TilePath,
) -> Result<Vec<u8>, StoreError> {
    let TilePath::Hashes { level, n, width } = path else {
        return Ok(Vec::new());
    };
    let first = n * TILE_WIDTH;
    let range = (first, first + width);
    let hashes = match level {
        0 => leaf_hashes(c, ledger, range).await?,
        _ => tile_hashes(c, ledger, level - 1, range).await?,
    };
    Ok(hashes.iter().flat_map(|hash| hash.0).collect())
}

/// The root that the stored entries and tiles give for the tree of `size`; `None` if some are
/// missing.
pub(crate) async fn root_at(
    c: &mut PgConnection,
    ledger: LedgerId,
    size: u64,
) -> Result<Option<Hash>, StoreError> {
    let rows = edge_at(c, ledger, size).await?;
    Ok(frontier_of(&rows, size).map(|frontier| frontier.root()))
}

/// The first entry behind the full tiles whose bytes do not give its leaf hash.
pub(crate) async fn changed_behind_tiles(
    c: &mut PgConnection,
    ledger: LedgerId,
    size: u64,
) -> Result<Option<u64>, StoreError> {
    let first = size - size % TILE_WIDTH;
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT entry, leaf_hash FROM events \
         WHERE ledger_id = $1 AND index >= $2 AND index < $3 ORDER BY index",
    )
    .bind(ledger.0)
    .bind(stored(first))
    .bind(stored(size))
    .fetch_all(c)
    .await?;
    let changed = (first..)
        .zip(&rows)
        .find(|(_, (entry, stored))| leaf_hash(entry).0.as_slice() != stored.as_slice());
    Ok(changed.map(|(index, _)| index))
}

async fn leaf_hashes(
    c: &mut PgConnection,
    ledger: LedgerId,
    (from, to): (u64, u64),
) -> Result<Vec<Hash>, StoreError> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT leaf_hash FROM events \
         WHERE ledger_id = $1 AND index >= $2 AND index < $3 ORDER BY index",
    )
    .bind(ledger.0)
    .bind(stored(from))
    .bind(stored(to))
    .fetch_all(c)
    .await?;
    rows.iter().map(|bytes| hash(bytes)).collect()
}

/// The roots of the full tiles of `level` with these numbers.
async fn tile_hashes(
    c: &mut PgConnection,
    ledger: LedgerId,
    level: u8,
    (from, to): (u64, u64),
) -> Result<Vec<Hash>, StoreError> {
    let tiles: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT hashes FROM tiles \
         WHERE ledger_id = $1 AND level = $2 AND n >= $3 AND n < $4 ORDER BY n",
    )
    .bind(ledger.0)
    .bind(i16::from(level))
    .bind(stored(from))
    .bind(stored(to))
    .fetch_all(c)
    .await?;
    Ok(tiles
        .iter()
        .map(|tile| {
            let (hashes, _) = tile.as_chunks::<32>();
            subtree_hash(&hashes.iter().copied().map(Hash).collect::<Vec<_>>())
        })
        .collect())
}
