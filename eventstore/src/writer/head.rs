//! The head row: the one place that says what a ledger is.

use chrono::{DateTime, Utc};
use sealrock_ledger::{Frontier, Hash, LedgerName};
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
    /// Counts changes of the ledger's keys.
    pub(super) epoch: i64,
    /// The `recorded_at` that an operator has said a wrong clock wrote.
    pub(super) clock_waived: Option<DateTime<Utc>>,
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
    epoch: i64,
    clock_waived: Option<DateTime<Utc>>,
    system_identifier: i64,
    timeline: i32,
    continued_by: Option<String>,
    clock: DateTime<Utc>,
    started: DateTime<Utc>,
    system_identifier_here: i64,
    timeline_here: i32,
}

/// A head whose row is locked.
pub(super) struct Locked {
    pub(super) head: Head,
    /// Where the row was written.
    pub(super) cluster: Cluster,
    /// Where it is read now.
    pub(super) here: Cluster,
    /// When this Postgres was started: another time says that it was restarted or exchanged.
    pub(super) started: DateTime<Utc>,
    /// What Postgres' clock said.
    pub(super) clock: DateTime<Utc>,
    /// The ledger that continues this one.
    pub(super) continued_by: Option<String>,
}

/// Which Postgres, and how often it was promoted or restored to a point in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cluster {
    pub(super) system_identifier: i64,
    pub(super) timeline: i32,
}

/// Locks the head row until the transaction ends: whoever holds it is the only one that appends.
pub(super) async fn lock(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
) -> Result<Locked, AppendError> {
    let row: Row = sqlx::query_as(include_str!("../sql/lock_head.sql"))
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
    let head = Head {
        frontier,
        root,
        leaf_hash: hash(&row.leaf_hash)?,
        recorded_at: row.recorded_at,
        epoch: row.epoch,
        clock_waived: row.clock_waived,
    };
    Ok(Locked {
        head,
        cluster: Cluster {
            system_identifier: row.system_identifier,
            timeline: row.timeline,
        },
        here: Cluster {
            system_identifier: row.system_identifier_here,
            timeline: row.timeline_here,
        },
        started: row.started,
        clock: row.clock,
        continued_by: row.continued_by,
    })
}

impl Locked {
    /// That no other ledger continues this one.
    pub(super) fn require_open(&self, name: &LedgerName) -> Result<(), AppendError> {
        self.continued_by.as_ref().map_or(Ok(()), |by| {
            Err(AppendError::Fatal(format!(
                "ledger {name} is closed, because a part of its history was lost: {by} continues \
                 it, and takes what is to be recorded"
            )))
        })
    }

    /// That the head row was written by this Postgres on this timeline. If it was not, the database
    /// may be a copy or an older state, and to go on from it could sign another history under one
    /// name.
    pub(super) fn require_same_cluster(&self, name: &LedgerName) -> Result<(), AppendError> {
        let (recorded, here) = (self.cluster, self.here);
        if here == recorded {
            return Ok(());
        }
        Err(AppendError::Fatal(format!(
            "this database was restored or moved: ledger {name} was written on Postgres system {}, \
             timeline {}, and this is system {}, timeline {}. Entries whose receipts are out may be \
             missing here, and the old database may still be appended to. See that it is not, then \
             run `sealrock ledger adopt {name}`, which goes on here if nothing is missing",
            recorded.system_identifier, recorded.timeline, here.system_identifier, here.timeline
        )))
    }
}
