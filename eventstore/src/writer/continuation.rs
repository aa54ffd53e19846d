//! A ledger that continues another one, of whose history a part was lost.

use std::collections::HashMap;
use std::path::PathBuf;

use chrono::Utc;
use sealrock_ledger::record::LedgerContinued;
use sealrock_ledger::{Entry, Index, LedgerName, Origin};
use sqlx::PgTransaction;
use uuid::Uuid;

use super::admit::{CommandKey, Known};
use super::change::{Operator, append as record_append};
use super::commit::Work;
use super::{Writer, find_commands, head, persist};
use crate::append::{Append, Expected, NewEvent, Receipt, Retention};
use crate::error::{AppendError, StoreError};
use crate::history::{History, Reason, Witnessed};
use crate::keys::Signer;
use crate::ledgers::{self, LedgerId, LedgerInfo};
use crate::reader;
use crate::store::EventStore;
use crate::witnessed::copy_of;

/// How long carrying over may take: it is one transaction, however much it is.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(10);

/// What was lost of a ledger, and what goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continued {
    /// The ledger that goes on.
    pub ledger: LedgerInfo,
    /// How many entries were signed.
    pub signed: u64,
    /// How many of them survive, in the ledger that is closed now.
    pub surviving: u64,
    /// Entries that were carried over.
    pub carried: u64,
    /// Where `LedgerContinued` and they stand.
    pub receipt: Receipt,
}

/// The commit that begins a ledger in another one's place.
pub(super) struct Beginning {
    pub(super) appends: Vec<Append>,
    pub(super) parent: LedgerId,
    /// Entries of the parent when they were read.
    pub(super) surviving: u64,
}

/// What was signed of the parent and is not there.
struct Loss {
    surviving: u64,
    signed: u64,
    note: String,
}

impl EventStore {
    /// Begins the ledger `name` as the continuation of `parent`, of whose history a part was lost for
    /// good: its entry 0 is `LedgerContinued`, which says what; the surviving entries of streams of
    /// these `types` are carried over behind it, each with its origin as cause. From the same commit
    /// on nothing is appended to the parent any more.
    ///
    /// **Crash**: before that commit the new ledger is empty and nothing uses it; doing it again goes
    /// on from there. After it all is done.
    ///
    /// # Errors
    /// [`AppendError::Invalid`] if nothing is missing, the parent is continued already, or the name
    /// is taken; [`AppendError::Fatal`] if what is there contradicts what was signed.
    pub async fn continue_ledger(
        &self,
        parent: &LedgerInfo,
        name: &LedgerName,
        types: &[&str],
        (copies, reason): (&[PathBuf], String),
        by: Operator,
    ) -> Result<Continued, AppendError> {
        let copies = copies
            .iter()
            .map(|path| copy_of(path))
            .collect::<Result<Vec<_>, _>>()?;
        let loss = self.own_writer(parent).loss(&copies).await?;
        let info = self.begun(parent, name).await?;
        let mut writer = self.own_writer(&info);
        writer.patience = PATIENCE;
        let carried = carried(self, parent, types, loss.surviving).await?;
        let record = LedgerContinued {
            checkpoint: loss.note,
            parent: parent.origin.clone(),
            reason,
            surviving: loss.surviving,
        };
        let mut appends = vec![record_append(&info, &by, Utc::now(), &record)];
        appends.extend(carried);
        let entries: usize = appends.iter().map(|append| append.events.len()).sum();
        let beginning = Beginning {
            appends,
            parent: parent.id,
            surviving: loss.surviving,
        };
        let answers = writer.commit(Work::Begin(beginning)).await;
        writer.finish().await;
        let first = answers?.remove(0)?;
        self.poll_once().await?;
        Ok(Continued {
            ledger: info,
            signed: loss.signed,
            surviving: loss.surviving,
            carried: entries as u64 - 1,
            receipt: first.receipt,
        })
    }

    /// The empty ledger of that name, which is to continue `parent`.
    async fn begun(
        &self,
        parent: &LedgerInfo,
        name: &LedgerName,
    ) -> Result<LedgerInfo, AppendError> {
        if let Some(begun) = ledgers::continuation_of(self.pool(), parent.id).await?
            && begun.name != *name
        {
            let reason = format!(
                "ledger {} was begun to continue {}: use that name",
                begun.name, parent.name
            );
            return Err(AppendError::Invalid(reason));
        }
        if self.ledger(name).await?.is_none() {
            let origin = Origin::new(self.host(), name);
            let key: Signer = self.unused_key(name, &origin, Vec::new()).await?;
            ledgers::create_continuation(self.pool(), &origin, name, key.vkey(), parent).await?;
        }
        let info = self.existing(name).await?;
        if info.continues != Some(parent.id) {
            let reason = format!("there is another ledger {name}: choose another name");
            return Err(AppendError::Invalid(reason));
        }
        Ok(info)
    }
}

impl Beginning {
    /// That the new ledger is empty, and the parent is as it was read and still open; locks it.
    pub(super) async fn require(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        size: u64,
    ) -> Result<(), AppendError> {
        let locked = head::lock(tx, self.parent).await?;
        let done =
            || AppendError::Invalid(format!("ledger {} has been begun already", ledger.name));
        locked.require_open(&ledger.name).map_err(|_| done())?;
        if size > 0 {
            return Err(done());
        }
        if locked.head.size() == self.surviving {
            return Ok(());
        }
        let reason = "the parent grew meanwhile: try again";
        Err(AppendError::Unavailable(reason.into()))
    }
}

impl Writer {
    /// What was signed of this ledger and is not stored.
    async fn loss(&mut self, copies: &[Witnessed]) -> Result<Loss, AppendError> {
        let mut tx = self.pool.begin_with(persist::BEGIN).await?;
        let locked = head::lock(&mut tx, self.ledger.id).await?;
        locked.require_open(&self.ledger.name)?;
        let keys = reader::keys(&mut *tx, self.ledger.id).await?;
        let history = History {
            ledger: &self.ledger,
            keys: &keys,
            size: locked.head.size(),
            folder: self.keys.folder(),
        };
        history.require_whole(&mut tx).await?;
        let mut loss: Option<Loss> = None;
        for witnessed in self.guard.witnessed()?.iter().chain(copies) {
            let Err(doubt) = history.require_holds(&mut tx, witnessed).await else {
                continue;
            };
            let Reason::Lost { stored, signed, .. } = doubt.reason else {
                return Err(doubt.into());
            };
            if loss.as_ref().is_none_or(|loss| loss.signed < signed) {
                loss = Some(Loss {
                    surviving: stored,
                    signed,
                    note: witnessed.note.clone(),
                });
            }
        }
        loss.ok_or_else(|| {
            let name = &self.ledger.name;
            AppendError::Invalid(format!(
                "nothing is missing of ledger {name}, so it is not continued by another one: \
                 `sealrock ledger adopt {name}` goes on with a database that was moved; where only \
                 a copy knows more, name it by --copy"
            ))
        })
    }
}

type Row = (Vec<u8>, String, Vec<u8>);

/// The surviving entries of these types of streams as appends: those of one command together.
async fn carried(
    store: &EventStore,
    parent: &LedgerInfo,
    types: &[&str],
    surviving: u64,
) -> Result<Vec<Append>, AppendError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("../sql/read_carried.sql"))
        .bind(parent.id.0)
        .bind(crate::error::stored(surviving))
        .bind(types)
        .fetch_all(store.pool())
        .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for (entry, media, bytes) in rows {
        let entry = Entry::read(&entry).map_err(|e| {
            AppendError::Fatal(format!("a stored entry cannot be read: {e}; run fsck"))
        })?;
        entries.push((entry, media, bytes));
    }
    let known = known_commands(store, parent, &entries).await?;
    let mut appends: Vec<Append> = Vec::new();
    let mut last: Option<(CommandKey, Index)> = None;
    for (entry, media, bytes) in entries {
        let command = command_of(&entry)?;
        let key = (entry.actor.clone(), command);
        let event = event_of(&entry, media, bytes);
        let continues = last.as_ref().is_some_and(|(before, _)| *before == key);
        match appends.last_mut().filter(|_| continues) {
            Some(append) => append.events.push(event),
            None => appends.push(Append {
                input_hash: input_hash(known.get(&key)),
                cause: format!("{}#{}", parent.origin, entry.index),
                actor: entry.actor,
                command,
                via: entry.via,
                received_at: entry.received_at,
                unchanged: None,
                events: vec![event],
            }),
        }
        last = Some((key, entry.index));
    }
    Ok(appends)
}

fn event_of(entry: &Entry, media: String, bytes: Vec<u8>) -> NewEvent {
    NewEvent {
        stream: entry.stream.clone(),
        expected: Expected::Any,
        kind: entry.kind.clone(),
        schema: entry.schema,
        media,
        bytes,
        retention: Retention::Kept,
    }
}

fn command_of(entry: &Entry) -> Result<Uuid, AppendError> {
    entry.command.parse().map_err(|e| {
        AppendError::Fatal(format!(
            "the command of entry {}: {e}; run fsck",
            entry.index
        ))
    })
}

/// Repeated commands are answered by the new ledger as they were by the old one.
async fn known_commands(
    store: &EventStore,
    parent: &LedgerInfo,
    entries: &[(Entry, String, Vec<u8>)],
) -> Result<HashMap<CommandKey, Known>, AppendError> {
    let actors: Vec<&str> = entries.iter().map(|(e, ..)| e.actor.as_str()).collect();
    let ids = entries
        .iter()
        .map(|(entry, ..)| command_of(entry))
        .collect::<Result<Vec<_>, _>>()?;
    let found = find_commands(store.pool(), parent, &actors, &ids).await;
    found.map_err(|e| StoreError::from(e).into())
}

fn input_hash(known: Option<&Known>) -> [u8; 32] {
    known
        .and_then(|known| known.input_hash.as_slice().try_into().ok())
        .unwrap_or_default()
}
