//! The commands table: the receipts against the entries they are for.

use sealrock_eventstore::{LedgerId, StoreError};
use sealrock_ledger::Entry;
use sqlx::PgConnection;

use super::cursor::Cursor;
use super::finding::{Code, Findings};

#[derive(sqlx::FromRow)]
struct Row {
    actor: String,
    command_id: String,
    first_index: i64,
    last_index: i64,
    tree_size: i64,
}

impl Row {
    fn key(&self) -> String {
        format!(
            "commands actor {} command_id {}",
            self.actor, self.command_id
        )
    }

    fn first(&self) -> u64 {
        self.first_index.cast_unsigned()
    }

    fn covers(&self, index: u64) -> bool {
        (self.first()..=self.last_index.cast_unsigned()).contains(&index)
    }
}

pub(super) struct Commands {
    rows: Cursor<Row>,
    current: Option<Row>,
    /// Whether the current one was already found to be another than its entries name.
    told: bool,
}

impl Commands {
    pub(super) async fn open(c: &mut PgConnection, ledger: LedgerId) -> Result<Self, StoreError> {
        let sql = include_str!("../sql/fsck_commands.sql");
        let rows = Cursor::open(c, "commands_in_order", 256, sql, ledger).await?;
        Ok(Self {
            rows,
            current: None,
            told: false,
        })
    }

    /// Wants exactly one command for the entry at `index`, which the checkpoint of size `commit`
    /// covers first.
    pub(super) async fn check(
        &mut self,
        c: &mut PgConnection,
        index: u64,
        entry: Option<&Entry>,
        commit: Option<u64>,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        while let Some(row) = self.rows.next_if(c, |row| row.first() <= index).await? {
            let expected = row.first() == index && row.last_index >= row.first_index;
            let free = self
                .current
                .as_ref()
                .is_none_or(|current| !current.covers(index));
            if expected && free {
                begins(&row, commit, findings);
                self.current = Some(row);
                self.told = false;
            } else {
                let (first, last) = (row.first_index, row.last_index);
                let cause = format!("its entries, {first} to {last}, belong to another command");
                findings.add(Code::CommandRange, row.key(), cause);
            }
        }
        match self.current.as_ref().filter(|row| row.covers(index)) {
            None => {
                let cause = "the entry belongs to no command";
                findings.at(Code::CommandRange, "events", (index, index), cause);
            }
            Some(row) if !self.told => self.told = differs(row, entry, findings),
            Some(_) => {}
        }
        Ok(())
    }

    pub(super) async fn ends(
        &mut self,
        c: &mut PgConnection,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        while let Some(row) = self.rows.next(c).await? {
            let cause = format!(
                "there are no entries {} to {}",
                row.first_index, row.last_index
            );
            findings.add(Code::CommandRange, row.key(), cause);
        }
        Ok(())
    }
}

/// A command's commit is the one that its first entry is in, and holds its last one too.
fn begins(row: &Row, commit: Option<u64>, findings: &mut Findings) {
    let size = row.tree_size.cast_unsigned();
    if commit != Some(size) {
        let found = commit.map_or("none".to_owned(), |size| size.to_string());
        let cause = format!(
            "its receipt is the checkpoint of size {size}, but the first one over its entries is {found}"
        );
        findings.add(Code::CheckpointMissing, row.key(), cause);
    }
    if row.last_index >= row.tree_size {
        let cause = format!(
            "its last entry is {}, outside its commit of {size}",
            row.last_index
        );
        findings.add(Code::CommandRange, row.key(), cause);
    }
}

fn differs(row: &Row, entry: Option<&Entry>, findings: &mut Findings) -> bool {
    let Some(entry) = entry else { return false };
    let same = row.actor == entry.actor && row.command_id == entry.command;
    if !same {
        let (index, command, actor) = (entry.index, &entry.command, &entry.actor);
        let cause = format!("its entry {index} names command {command} of {actor}");
        findings.add(Code::CommandDiffers, row.key(), cause);
    }
    !same
}
