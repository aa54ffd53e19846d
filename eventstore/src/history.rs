//! Whether what was signed is what is stored.

use std::fmt;
use std::path::{Path, PathBuf};

use sealrock_ledger::{Checkpoint, KeyRange, LedgerName, LogVerifier};
use sqlx::PgConnection;

use crate::error::{AppendError, StoreError, index};
use crate::evidence;
use crate::ledgers::{LedgerId, LedgerInfo};
use crate::tree_rows::{changed_behind_tiles, root_at};

/// A signed note, and where it was found.
pub(crate) struct Witnessed {
    pub(crate) place: String,
    pub(crate) note: String,
}

/// Why a ledger must not be signed any further.
#[derive(Debug)]
pub(crate) struct Doubt {
    pub(crate) ledger: LedgerName,
    pub(crate) reason: Reason,
}

#[derive(Debug)]
pub(crate) enum Reason {
    /// More was signed than is stored.
    Lost {
        place: String,
        stored: u64,
        signed: u64,
    },
    /// Something else was signed than is stored.
    Forked {
        place: String,
        size: u64,
        evidence: Option<PathBuf>,
    },
    /// The note is not one of this ledger's keys.
    Unreadable { place: String, reason: String },
    /// The tables contradict each other.
    Damaged(String),
    /// The tables cannot be read now.
    Store(StoreError),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.ledger;
        match &self.reason {
            Reason::Lost {
                place,
                stored,
                signed,
            } => write!(
                f,
                "this database holds {stored} entries of ledger {name}, but {signed} were signed \
                 ({place}): entries {stored} to {} are missing. Nothing is appended, so that no \
                 second history is signed. Bring back the database that holds them, and it goes on \
                 by itself; if they are lost for good, `sealrock ledger continue {name} --as \
                 <new name> --reason <why>` begins a ledger that says so",
                signed - 1
            ),
            Reason::Forked {
                place,
                size,
                evidence,
            } => {
                write!(
                    f,
                    "ledger {name} has two histories: the tree of its first {size} entries has \
                     another root here than the one that was signed ({place}). Nothing is appended. \
                     Stop, keep both as they are, and bring back the database that has the history \
                     that receipts and auditors hold"
                )?;
                evidence.as_ref().map_or(Ok(()), |file| {
                    write!(
                        f,
                        "; {} shows it to everybody: `sealrock verify {}`",
                        file.display(),
                        file.display()
                    )
                })
            }
            Reason::Unreadable { place, reason } => write!(
                f,
                "{place} is no checkpoint of ledger {name} ({reason}), so it cannot be told whether \
                 entries are missing here: if the database was restored to a state before a key \
                 was rotated, bring back the newer one; if the file was changed, keep it elsewhere \
                 and put back the one of your newest copy"
            ),
            Reason::Damaged(reason) => {
                write!(f, "ledger {name}: {reason}; run `sealrock fsck {name}`")
            }
            Reason::Store(error) => error.fmt(f),
        }
    }
}

impl From<Doubt> for AppendError {
    fn from(doubt: Doubt) -> Self {
        match doubt.reason {
            Reason::Store(error) => error.into(),
            _ => Self::Fatal(doubt.to_string()),
        }
    }
}

/// A ledger's stored history, in one transaction.
pub(crate) struct History<'a> {
    pub(crate) ledger: &'a LedgerInfo,
    pub(crate) keys: &'a [KeyRange],
    /// Entries by the head row.
    pub(crate) size: u64,
    /// Where evidence of a fork is kept.
    pub(crate) folder: &'a Path,
}

impl History<'_> {
    /// That the entries behind the full tiles give their leaf hashes, and that the newest stored
    /// checkpoint is the head row's.
    pub(crate) async fn require_whole(&self, c: &mut PgConnection) -> Result<(), Doubt> {
        let changed = changed_behind_tiles(c, self.ledger.id, self.size).await;
        if let Some(index) = self.stored(changed)? {
            return Err(self.damaged(format!("entry {index} was changed")));
        }
        let newest = self.stored(newest_note(c, self.ledger.id).await)?;
        let Some((size, note)) = newest else {
            let signed_nothing = self.size == 0;
            let reason = || self.damaged("no checkpoint is stored".to_owned());
            return signed_nothing.then_some(()).ok_or_else(reason);
        };
        if size != self.size {
            let reason = format!(
                "its newest checkpoint is of {size} entries, its head row speaks of {}",
                self.size
            );
            return Err(self.damaged(reason));
        }
        let place = "the newest stored checkpoint".to_owned();
        let witnessed = Witnessed { place, note };
        self.require_holds(c, &witnessed).await.map(drop)
    }

    /// That what a signed note speaks of is stored: its tree is the beginning of this one.
    pub(crate) async fn require_holds(
        &self,
        c: &mut PgConnection,
        witnessed: &Witnessed,
    ) -> Result<Checkpoint, Doubt> {
        let place = witnessed.place.clone();
        let verified = LogVerifier::of(self.keys)
            .and_then(|verifier| verifier.verify(witnessed.note.as_bytes()));
        let checkpoint = match verified {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                let reason = error.to_string();
                return Err(self.doubt(Reason::Unreadable { place, reason }));
            }
        };
        let (stored, signed) = (self.size, checkpoint.size);
        if signed > stored {
            return Err(self.doubt(Reason::Lost {
                place,
                stored,
                signed,
            }));
        }
        let root = self.stored(root_at(c, self.ledger.id, signed).await)?;
        match root {
            Some(root) if root == checkpoint.root => Ok(checkpoint),
            Some(_) => {
                let evidence = self.keep_evidence(c, &checkpoint).await;
                Err(self.doubt(Reason::Forked {
                    place,
                    size: signed,
                    evidence,
                }))
            }
            None => Err(self.damaged(format!(
                "entries or tiles of the tree of {signed} entries are missing"
            ))),
        }
    }

    /// A file that shows by itself that two histories were signed, if that can be shown.
    async fn keep_evidence(&self, c: &mut PgConnection, signed: &Checkpoint) -> Option<PathBuf> {
        let (_, note) = newest_note(c, self.ledger.id).await.ok().flatten()?;
        let stored = LogVerifier::of(self.keys).and_then(|v| v.verify(note.as_bytes()));
        let id = self.ledger.id;
        let shown = evidence::of_fork(c, id, signed, &stored.ok()?).await.ok();
        match evidence::keep(self.folder, &self.ledger.name, &shown.flatten()?) {
            Ok(place) => Some(place),
            Err(error) => {
                tracing::error!(%error, ledger = %self.ledger.name, "evidence of a fork is not kept");
                None
            }
        }
    }

    fn doubt(&self, reason: Reason) -> Doubt {
        Doubt {
            ledger: self.ledger.name.clone(),
            reason,
        }
    }

    fn damaged(&self, reason: String) -> Doubt {
        self.doubt(Reason::Damaged(reason))
    }

    fn stored<T>(&self, read: Result<T, StoreError>) -> Result<T, Doubt> {
        read.map_err(|error| self.doubt(Reason::Store(error)))
    }
}

/// Size and note of the newest stored checkpoint.
async fn newest_note(
    c: &mut PgConnection,
    ledger: LedgerId,
) -> Result<Option<(u64, String)>, StoreError> {
    let row: Option<(i64, String)> = sqlx::query_as(
        "SELECT size, note FROM checkpoints WHERE ledger_id = $1 ORDER BY size DESC LIMIT 1",
    )
    .bind(ledger.0)
    .fetch_optional(c)
    .await?;
    Ok(row.map(|(size, note)| (index(size).0, note)))
}
