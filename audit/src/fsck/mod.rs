//! A ledger inside the database: everything recomputed, every table against every other.

mod commands;
mod cursor;
mod entries;
mod finding;
mod grants;
mod head;
mod keys;
mod payloads;
mod signed;
mod tiles;

use std::time::Instant;

use sealrock_eventstore::{EventStore, LedgerInfo, StoreError};
use sealrock_ledger::verify::Progress;
use sealrock_ledger::{KeyRange, Origin};
use serde::Serialize;
use sqlx::{Executor, PgConnection, PgPool, PgTransaction};

pub use finding::{Code, FsckFinding};

use commands::Commands;
use cursor::Cursor;
use entries::{Entries, EventRow};
use finding::Findings;
use head::HeadRow;
use payloads::Payloads;
use signed::Checkpoints;
use tiles::Tree;

/// What a check of the database found.
#[derive(Debug, Clone, Serialize)]
pub struct FsckReport {
    /// The ledger.
    pub origin: Origin,
    /// Entries that were checked.
    pub size: u64,
    /// What does not fit; empty if all is well.
    pub findings: Vec<FsckFinding>,
}

/// How much of its time a check works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// All of it.
    Full,
    /// A fifth, so that a busy server goes on as before. The snapshot is held so much longer, and
    /// vacuum waits for it.
    Gentle,
}

/// Rest, as a multiple of work.
const GENTLE_REST: u32 = 4;

/// Recomputes the whole ledger from its entries and holds every table of the write side, and the
/// rights on them, against the result.
///
/// It reads one snapshot, so appends go on meanwhile and what they add is not looked at. Nothing is
/// changed. Memory is bounded by the number of streams. Of the time that it takes, `pace` says how
/// much it works.
///
/// # Errors
/// If the database is away, or a row cannot be read at all.
pub async fn fsck(
    store: &EventStore,
    ledger: &LedgerInfo,
    pace: Pace,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<FsckReport, StoreError> {
    let mut tx = snapshot(store.pool()).await?;
    let mut findings = Findings::of(ledger.origin.clone());
    let head = HeadRow::read(&mut tx, ledger).await?;
    let keys = keys::check(&mut tx, ledger, &mut findings).await?;
    let mut check = Check::begin(&mut tx, ledger, &keys, head).await?;
    check.all(&mut tx, &mut findings, pace, progress).await?;
    let size = check.tree.size();
    check.ends(&mut tx, &mut findings).await?;
    grants::check(&mut tx, &mut findings).await?;
    Ok(FsckReport {
        origin: ledger.origin.clone(),
        size,
        findings: findings.into_list(),
    })
}

async fn snapshot(pool: &PgPool) -> Result<PgTransaction<'static>, StoreError> {
    let mut tx = pool.begin().await?;
    tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .await?;
    tx.execute("SET LOCAL search_path TO sealrock").await?;
    Ok(tx)
}

/// One check under way: the tables side by side, each read in the order of the ledger.
struct Check<'a> {
    ledger: &'a LedgerInfo,
    head: Option<HeadRow>,
    events: Cursor<EventRow>,
    entries: Entries,
    payloads: Payloads,
    commands: Commands,
    checkpoints: Checkpoints,
    tree: Tree,
}

impl<'a> Check<'a> {
    async fn begin(
        connection: &mut PgConnection,
        ledger: &'a LedgerInfo,
        keys: &[KeyRange],
        head: Option<HeadRow>,
    ) -> Result<Self, StoreError> {
        let events = include_str!("../sql/fsck_events.sql");
        Ok(Self {
            ledger,
            head,
            events: Cursor::open(connection, "events_in_order", 256, events, ledger.id).await?,
            entries: Entries::of(ledger.origin.clone()),
            payloads: Payloads::open(connection, ledger).await?,
            commands: Commands::open(connection, ledger.id).await?,
            checkpoints: Checkpoints::open(connection, ledger, keys).await?,
            tree: Tree::of(ledger.id),
        })
    }

    async fn all(
        &mut self,
        connection: &mut PgConnection,
        findings: &mut Findings,
        pace: Pace,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), StoreError> {
        let mut rested = Instant::now();
        let total = self.head.as_ref().map_or(0, HeadRow::size);
        while let Some(row) = self.events.next(connection).await? {
            self.event(connection, &row, findings).await?;
            let done = self.tree.size();
            if done.is_multiple_of(256) || done == total {
                progress(Progress { done, total });
                if pace == Pace::Gentle {
                    tokio::time::sleep(rested.elapsed() * GENTLE_REST).await;
                    rested = Instant::now();
                }
            }
        }
        Ok(())
    }

    async fn event(
        &mut self,
        connection: &mut PgConnection,
        row: &EventRow,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let index = row.index();
        self.tree.expect(index, findings);
        // What the next entry, or the head, says of this one.
        let named = match self.events.peek(connection).await? {
            Some(next) => next.prev(),
            None => self.head.as_ref().and_then(HeadRow::leaf_hash),
        };
        let (leaf, entry) = self.entries.check(row, named, findings);
        self.payloads
            .check(connection, row, entry.as_ref(), findings)
            .await?;
        let commit = self
            .checkpoints
            .covering(connection, index, findings)
            .await?;
        self.commands
            .check(connection, index, entry.as_ref(), commit, findings)
            .await?;
        self.tree.push(connection, leaf, findings).await?;
        self.checkpoints
            .compare(connection, &self.tree, findings)
            .await
    }

    /// What is left when the entries are through.
    async fn ends(
        mut self,
        connection: &mut PgConnection,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        self.payloads
            .ends(connection, self.ledger.id, findings)
            .await?;
        self.commands.ends(connection, findings).await?;
        self.checkpoints
            .ends(connection, self.tree.size(), findings)
            .await?;
        self.tree.ends(connection, findings).await?;
        head::check(self.head.as_ref(), &self.tree, &self.entries, findings);
        Ok(())
    }
}
