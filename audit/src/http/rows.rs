//! What is read from the database for one request.

use sealrock_eventstore::{EventStore, LedgerId, LedgerInfo, StoreError};
use sealrock_ledger::{Checkpoint, Index, Payload, ProofPlan, TlogProof};

use crate::stored_tiles::{StoredTiles, stored};

pub(super) async fn tile(
    store: &EventStore,
    ledger: &LedgerInfo,
    level: u8,
    n: u64,
    width: u64,
) -> Result<Vec<u8>, StoreError> {
    let tiles = StoredTiles {
        store,
        ledger: ledger.id,
    };
    Ok(tiles.tile(level, n, width).await?)
}

/// `None` where it was erased.
pub(super) async fn payload(
    store: &EventStore,
    ledger: LedgerId,
    index: Index,
) -> Result<Option<Payload>, StoreError> {
    let mut found = store.read(ledger, index, 1).await?;
    match found.pop() {
        Some(recorded) if recorded.entry.index == index => Ok(recorded.payload),
        _ => Err(missing(index.0)),
    }
}

pub(super) async fn proof(
    store: &EventStore,
    ledger: &LedgerInfo,
    index: Index,
    checkpoint: Checkpoint,
) -> Result<TlogProof, StoreError> {
    let plan = ProofPlan::inclusion(index, checkpoint.size)
        .map_err(|e| StoreError::Fatal(e.to_string()))?;
    let tiles = StoredTiles {
        store,
        ledger: ledger.id,
    };
    Ok(TlogProof {
        extra: None,
        index,
        hashes: tiles.prove(&plan).await?,
        checkpoint: checkpoint.note,
    })
}

/// The bytes of the entries from one index to before another, all of them.
pub(super) async fn entries(
    store: &EventStore,
    ledger: LedgerId,
    (from, to): (u64, u64),
) -> Result<Vec<Vec<u8>>, StoreError> {
    let entries: Vec<Vec<u8>> = sqlx::query_scalar(include_str!("../sql/entries.sql"))
        .bind(ledger.0)
        .bind(stored(from))
        .bind(stored(to))
        .fetch_all(store.pool())
        .await?;
    if entries.len() as u64 == to - from {
        return Ok(entries);
    }
    Err(missing(from))
}

pub(super) fn missing(index: u64) -> StoreError {
    StoreError::Fatal(format!(
        "entry {index} or one soon after it is missing; run `sealrock fsck`"
    ))
}
