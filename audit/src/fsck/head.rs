//! The head row against the last entry and the tree.

use chrono::{DateTime, Utc};
use sealrock_eventstore::{LedgerInfo, StoreError};
use sealrock_ledger::Hash;
use sqlx::PgConnection;

use super::entries::Entries;
use super::finding::{Code, Findings};
use super::tiles::Tree;

#[derive(sqlx::FromRow)]
pub(super) struct HeadRow {
    size: i64,
    root: Vec<u8>,
    frontier: Vec<u8>,
    leaf_hash: Vec<u8>,
    recorded_at: DateTime<Utc>,
}

impl HeadRow {
    pub(super) async fn read(
        c: &mut PgConnection,
        ledger: &LedgerInfo,
    ) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT size, root, frontier, leaf_hash, recorded_at FROM ledger_heads \
                   WHERE ledger_id = $1";
        Ok(sqlx::query_as(sql)
            .bind(ledger.id.0)
            .fetch_optional(c)
            .await?)
    }

    pub(super) fn size(&self) -> u64 {
        self.size.cast_unsigned()
    }

    pub(super) fn leaf_hash(&self) -> Option<Hash> {
        self.leaf_hash.as_slice().try_into().ok().map(Hash)
    }
}

pub(super) fn check(
    head: Option<&HeadRow>,
    tree: &Tree,
    entries: &Entries,
    findings: &mut Findings,
) {
    let Some(head) = head else {
        findings.add(
            Code::HeadDiffers,
            "ledger_heads",
            "the ledger has no head row",
        );
        return;
    };
    if head.size() > tree.size() {
        let missing = (tree.size(), head.size() - 1);
        let cause = format!("the head row speaks of {} entries", head.size);
        findings.at(Code::EventMissing, "events", missing, cause);
        return; // all else differs with it
    }
    let frontier = tree.frontier().map(sealrock_ledger::Frontier::to_bytes);
    let differing = [
        ("size", head.size() != tree.size()),
        ("root", tree.root().is_some_and(|root| head.root != root.0)),
        (
            "frontier",
            frontier.is_some_and(|frontier| head.frontier != frontier),
        ),
        ("leaf_hash", head.leaf_hash != entries.last_leaf().0),
        (
            "recorded_at",
            entries
                .last_time()
                .is_some_and(|time| time != head.recorded_at),
        ),
    ];
    for (column, _) in differing.into_iter().filter(|(_, differs)| *differs) {
        let cause = format!(
            "column {column} is not what the {} entries give",
            tree.size()
        );
        findings.add(Code::HeadDiffers, "ledger_heads", cause);
    }
}
