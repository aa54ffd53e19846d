//! The head row: the one place that says what a ledger is.

use chrono::{DateTime, Utc};
use sealrock_ledger::{Frontier, Hash};
use sqlx::PgTransaction;

use crate::error::{AppendError, index};
use crate::ledgers::LedgerId;
use crate::reader::hash;

/// A ledger's state, as its head row has it.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) frontier: Frontier,
    pub(super) root: Hash,
    /// Of the last entry; zeros for an empty ledger.
    pub(super) leaf_hash: Hash,
    pub(super) recorded_at: DateTime<Utc>,
}

impl Head {
    pub(super) fn size(&self) -> u64 {
        self.frontier.size()
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    size: i64,
    root: Vec<u8>,
    frontier: Vec<u8>,
    leaf_hash: Vec<u8>,
    recorded_at: DateTime<Utc>,
}

/// Locks the head row until the transaction ends: whoever holds it is the only one that appends.
pub(super) async fn lock(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
) -> Result<Head, AppendError> {
    let row: Row = sqlx::query_as(
        "SELECT size, root, frontier, leaf_hash, recorded_at FROM ledger_heads \
         WHERE ledger_id = $1 FOR UPDATE",
    )
    .bind(ledger.0)
    .fetch_one(&mut **tx)
    .await?;
    let fatal = |reason: String| AppendError::Fatal(format!("the head row: {reason}; run fsck"));
    let frontier =
        Frontier::from_bytes(index(row.size).0, &row.frontier).map_err(|e| fatal(e.to_string()))?;
    let root = hash(&row.root)?;
    if frontier.root() != root {
        return Err(fatal("its frontier does not give its root".into()));
    }
    Ok(Head {
        frontier,
        root,
        leaf_hash: hash(&row.leaf_hash)?,
        recorded_at: row.recorded_at,
    })
}
