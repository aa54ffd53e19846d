//! The checkpoints against the recomputed tree.

use sealrock_eventstore::{LedgerInfo, StoreError};
use sealrock_ledger::{KeyRange, LogVerifier};
use sqlx::PgConnection;

use super::cursor::Cursor;
use super::finding::{Code, Findings};
use super::tiles::Tree;

#[derive(sqlx::FromRow)]
struct Row {
    size: i64,
    note: String,
}

impl Row {
    fn size(&self) -> u64 {
        self.size.cast_unsigned()
    }

    fn key(&self) -> String {
        format!("checkpoints size {}", self.size)
    }
}

pub(super) struct Checkpoints {
    rows: Cursor<Row>,
    verifier: LogVerifier,
    /// Whether the last root fitted: where history was changed, all later ones differ, and the
    /// first says enough.
    fitting: bool,
    last: u64,
}

impl Checkpoints {
    pub(super) async fn open(
        c: &mut PgConnection,
        ledger: &LedgerInfo,
        keys: &[KeyRange],
    ) -> Result<Self, StoreError> {
        let verifier = LogVerifier::of(keys)
            .map_err(|e| StoreError::Fatal(format!("the keys of ledger {}: {e}", ledger.name)))?;
        let sql = include_str!("../sql/fsck_checkpoints.sql");
        let rows = Cursor::open(c, "checkpoints_in_order", 256, sql, ledger.id).await?;
        Ok(Self {
            rows,
            verifier,
            fitting: true,
            last: 0,
        })
    }

    /// The size of the first checkpoint over the entry at `index`.
    pub(super) async fn covering(
        &mut self,
        c: &mut PgConnection,
        index: u64,
        findings: &mut Findings,
    ) -> Result<Option<u64>, StoreError> {
        while let Some(row) = self.rows.next_if(c, |row| row.size() <= index).await? {
            let cause = "there is no tree of that size: entries are missing";
            findings.add(Code::RootMismatch, row.key(), cause);
        }
        Ok(self.rows.peek(c).await?.map(Row::size))
    }

    /// Holds the checkpoint of the tree's size, if there is one, against it.
    pub(super) async fn compare(
        &mut self,
        c: &mut PgConnection,
        tree: &Tree,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let size = tree.size();
        let Some(row) = self.rows.next_if(c, |row| row.size() == size).await? else {
            return Ok(());
        };
        self.last = size;
        match self.verifier.verify(row.note.as_bytes()) {
            Err(error) => findings.add(Code::CheckpointInvalid, row.key(), error.to_string()),
            Ok(checkpoint) if checkpoint.size != size => {
                let cause = format!("it signs a tree of {} entries", checkpoint.size);
                findings.add(Code::CheckpointInvalid, row.key(), cause);
            }
            Ok(checkpoint) => {
                let Some(root) = tree.root() else {
                    return Ok(());
                };
                let fits = checkpoint.root == root;
                if !fits && self.fitting {
                    let cause = format!(
                        "it signs the root {}, the entries give {root}: an entry since the \
                         checkpoint before is not the one that was signed",
                        checkpoint.root
                    );
                    findings.add(Code::RootMismatch, row.key(), cause);
                }
                self.fitting = fits;
            }
        }
        Ok(())
    }

    pub(super) async fn ends(
        &mut self,
        c: &mut PgConnection,
        size: u64,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let mut beyond = false;
        while let Some(row) = self.rows.next(c).await? {
            let cause = format!("the ledger has {size} entries: the ones it signs are missing");
            findings.add(Code::RootMismatch, row.key(), cause);
            beyond = true;
        }
        if self.last < size && !beyond {
            let cause = "no checkpoint covers the last entries";
            findings.at(
                Code::CheckpointMissing,
                "checkpoints",
                (self.last, size - 1),
                cause,
            );
        }
        Ok(())
    }
}
