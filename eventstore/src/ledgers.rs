//! The ledgers of an installation.

use std::fmt;

use sealrock_ledger::{LedgerName, Origin};
use serde::Serialize;
use sqlx::PgPool;

use crate::error::StoreError;

/// Key of a ledger in every table of the write side. Not public: outside, a ledger is its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct LedgerId(pub i32);

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a ledger is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LedgerKind {
    /// The private ledger of one organisation.
    Operational,
    /// The public ledger of credits.
    Registry,
}

/// A ledger as it was made; nothing here ever changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerInfo {
    /// Its key in our tables.
    pub id: LedgerId,
    /// Its short name.
    pub name: LedgerName,
    /// Its name in checkpoints.
    pub origin: Origin,
    /// Its public key.
    pub vkey: String,
    /// What it is for.
    pub kind: LedgerKind,
    /// Whether it holds a demonstration: evidence of simulated devices counts here, and only here.
    pub demo: bool,
    /// The ledger that this one continues, because a part of that one's history was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continues: Option<LedgerId>,
}

type Row = (i32, String, String, String, String, bool, Option<i32>);

const COLUMNS: &str = "SELECT ledger_id, name, origin, vkey, kind, demo, continues FROM ledgers";

impl LedgerKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Registry => "registry",
        }
    }
}

impl LedgerInfo {
    /// The name under which what this ledger takes is recorded: its own, or that of the ledger which
    /// it continues in the end. `all` are the ledgers that there are.
    #[must_use]
    pub fn recorded_under<'l>(&'l self, all: &'l [LedgerInfo]) -> &'l LedgerName {
        let mut first = self;
        while let Some(before) = all.iter().find(|one| Some(one.id) == first.continues) {
            first = before;
        }
        &first.name
    }
}

pub(crate) async fn all(pool: &PgPool) -> Result<Vec<LedgerInfo>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(&format!("{COLUMNS} ORDER BY ledger_id"))
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(from_row).collect()
}

pub(crate) async fn by_name(
    pool: &PgPool,
    name: &LedgerName,
) -> Result<Option<LedgerInfo>, StoreError> {
    let row: Option<Row> = sqlx::query_as(&format!("{COLUMNS} WHERE name = $1"))
        .bind(name.as_str())
        .fetch_optional(pool)
        .await?;
    row.map(from_row).transpose()
}

/// The ledger that continues this one, begun or in use.
pub(crate) async fn continuation_of(
    pool: &PgPool,
    parent: LedgerId,
) -> Result<Option<LedgerInfo>, StoreError> {
    let row: Option<Row> = sqlx::query_as(&format!("{COLUMNS} WHERE continues = $1"))
        .bind(parent.0)
        .fetch_optional(pool)
        .await?;
    row.map(from_row).transpose()
}

/// Makes the ledger and its empty head in one transaction, unless it is there already.
pub(crate) async fn create(
    pool: &PgPool,
    origin: &Origin,
    name: &LedgerName,
    vkey: &str,
    kind: LedgerKind,
    demo: bool,
) -> Result<(), StoreError> {
    insert(pool, origin, name, vkey, (kind, demo, None)).await
}

/// As [`create`], a ledger that is to continue another one.
pub(crate) async fn create_continuation(
    pool: &PgPool,
    origin: &Origin,
    name: &LedgerName,
    vkey: &str,
    parent: &LedgerInfo,
) -> Result<(), StoreError> {
    let of_parent = (parent.kind, parent.demo, Some(parent.id.0));
    insert(pool, origin, name, vkey, of_parent).await
}

async fn insert(
    pool: &PgPool,
    origin: &Origin,
    name: &LedgerName,
    vkey: &str,
    (kind, demo, continues): (LedgerKind, bool, Option<i32>),
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    // Ids are counted up, so two processes that make ledgers at once must take turns.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('sealrock.ledgers'))")
        .execute(&mut *tx)
        .await?;
    sqlx::query(include_str!("sql/create_ledger.sql"))
        .bind(name.as_str())
        .bind(origin.as_str())
        .bind(vkey)
        .bind(kind.as_str())
        .bind(demo)
        .bind(continues)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

fn from_row(
    (id, name, origin, vkey, kind, demo, continues): Row,
) -> Result<LedgerInfo, StoreError> {
    let name = name
        .parse()
        .map_err(|e| StoreError::Fatal(format!("ledger {id}: {e}")))?;
    let kind = match kind.as_str() {
        "registry" => LedgerKind::Registry,
        _ => LedgerKind::Operational,
    };
    let origin = Origin::from_stored(origin);
    Ok(LedgerInfo {
        id: LedgerId(id),
        name,
        origin,
        vkey,
        kind,
        demo,
        continues: continues.map(LedgerId),
    })
}
