//! The tree of a ledger, computed again from its entries: slowly, while everything goes on.

use std::time::{Duration, Instant};

use sealrock_eventstore::{EventStore, LedgerInfo, StoreError};
use sealrock_ledger::{Checkpoint, leaf_hash};

use crate::edge::{Edge, FullTile, to_bytes};
use crate::stored_tiles::stored;

/// Entries read at a time.
const CHUNK: u64 = 512;
/// It rests this many times as long as it worked, so that it takes a tenth of one core at most.
const REST: u32 = 9;

/// What a recomputation found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recomputed {
    /// Entries and tiles give the root that was signed for this many entries.
    Agrees {
        /// Entries that were hashed.
        size: u64,
    },
    /// They do not; the reason names the entry or tile. `sealrock fsck` says more.
    Differs(String),
    /// The ledger holds nothing.
    Empty,
}

/// Hashes every entry again, holds it against its stored leaf hash, the full tiles against what the
/// entries give, and the root against the newest checkpoint that was signed when it began.
///
/// It reads in small steps, each a query of its own: no lock is held and no snapshot kept, so
/// appends and vacuum go on. Entries, tiles and checkpoints never change, so nothing is missed.
///
/// # Errors
/// If the database is away, or a checkpoint does not verify.
pub async fn recompute(store: &EventStore, ledger: &LedgerInfo) -> Result<Recomputed, StoreError> {
    let Some(checkpoint) = store.last_checkpoint(ledger).await? else {
        return Ok(Recomputed::Empty);
    };
    let mut edge = Edge::default();
    while edge.size < checkpoint.size {
        let started = Instant::now();
        if let Some(reason) = step(store, ledger, &checkpoint, &mut edge).await? {
            return Ok(Recomputed::Differs(reason));
        }
        tokio::time::sleep(started.elapsed().max(Duration::from_millis(1)) * REST).await;
    }
    let root = edge.frontier().map(|frontier| frontier.root());
    if root == Some(checkpoint.root) {
        return Ok(Recomputed::Agrees {
            size: checkpoint.size,
        });
    }
    let reason = format!(
        "the {} entries give another root than was signed for them",
        checkpoint.size
    );
    Ok(Recomputed::Differs(reason))
}

/// One chunk; answers what does not fit.
async fn step(
    store: &EventStore,
    ledger: &LedgerInfo,
    checkpoint: &Checkpoint,
    edge: &mut Edge,
) -> Result<Option<String>, StoreError> {
    let (from, to) = (edge.size, (edge.size + CHUNK).min(checkpoint.size));
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> =
        sqlx::query_as(include_str!("sql/recompute_entries.sql"))
            .bind(ledger.id.0)
            .bind(stored(from))
            .bind(stored(to))
            .fetch_all(store.pool())
            .await?;
    for (expected, (index, entry, stored_leaf)) in (from..to).zip(&rows) {
        let leaf = leaf_hash(entry);
        if *index != stored(expected) {
            return Ok(Some(format!("entry {expected} is missing")));
        }
        if leaf.0 != stored_leaf[..] {
            return Ok(Some(format!(
                "the bytes of entry {expected} do not give its leaf hash"
            )));
        }
        if let Some(reason) = tiles(store, ledger, edge.push(leaf)).await? {
            return Ok(Some(reason));
        }
    }
    let missing = from + rows.len() as u64;
    Ok((missing < to).then(|| format!("entry {missing} is missing")))
}

/// Holds the tiles that were filled against the stored ones.
async fn tiles(
    store: &EventStore,
    ledger: &LedgerInfo,
    filled: Vec<FullTile>,
) -> Result<Option<String>, StoreError> {
    for FullTile { level, n, hashes } in filled {
        let sql = "SELECT hashes FROM tiles WHERE ledger_id = $1 AND level = $2 AND n = $3";
        let found: Option<Vec<u8>> = sqlx::query_scalar(sql)
            .bind(ledger.id.0)
            .bind(i16::from(level))
            .bind(stored(n))
            .fetch_optional(store.pool())
            .await?;
        if found.as_deref() != Some(&to_bytes(&hashes)[..]) {
            let place = format!("tile {n} of level {level}");
            return Ok(Some(format!("{place} is not what its entries give")));
        }
    }
    Ok(None)
}
