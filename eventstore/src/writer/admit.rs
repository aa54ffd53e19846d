//! Which appends go into a commit: repeated commands are answered, lost races refused.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use sealrock_ledger::Origin;
use sqlx::PgTransaction;
use uuid::Uuid;

use super::Answer;
use crate::append::{Append, Appended, Expected, Receipt};
use crate::error::{AppendError, index};
use crate::ledgers::LedgerInfo;

/// What becomes of one append.
pub(super) enum Verdict {
    /// It is the admitted append of this ordinal.
    New(usize),
    /// It repeats that admitted append.
    SameAs(usize),
    /// It has that admitted append's command id, and other input.
    ReusedIdOf(usize),
    /// It is answered already.
    Answered(Answer),
}

pub(super) struct Admission {
    /// In the order of the appends.
    pub(super) verdicts: Vec<Verdict>,
    /// What is to be chained, with the version of each event.
    pub(super) admitted: Vec<(Append, Vec<u64>)>,
    /// Versions of the streams after it.
    pub(super) versions: HashMap<String, u64>,
}

/// Actor and command id.
pub(crate) type CommandKey = (String, Uuid);

/// A command that is in the ledger, as `commands` and `checkpoints` have it.
pub(crate) struct Known {
    pub(crate) input_hash: Vec<u8>,
    pub(crate) receipt: Receipt,
}

pub(super) async fn admit(
    tx: &mut PgTransaction<'_>,
    ledger: &LedgerInfo,
    appends: Vec<Append>,
) -> Result<Admission, AppendError> {
    let known = known_commands(tx, ledger, &appends).await?;
    let versions = stream_versions(tx, ledger, &appends).await?;
    Ok(decide(appends, &known, versions))
}

/// The decision itself, without I/O.
pub(super) fn decide(
    appends: Vec<Append>,
    known: &HashMap<CommandKey, Known>,
    versions: HashMap<String, u64>,
) -> Admission {
    let mut admission = Admission {
        verdicts: Vec::new(),
        admitted: Vec::new(),
        versions,
    };
    let mut in_this_commit = HashMap::new();
    for append in appends {
        let key = (append.actor.clone(), append.command);
        let verdict = match (known.get(&key), in_this_commit.entry(key)) {
            (Some(known), _) => Verdict::Answered(known.answer(&append.input_hash)),
            (None, Entry::Occupied(first)) => admission.same_or_reused(*first.get(), &append),
            (None, Entry::Vacant(slot)) => match number(&append, &mut admission.versions) {
                Ok(versions) => {
                    let ordinal = admission.admitted.len();
                    slot.insert(ordinal);
                    admission.admitted.push((append, versions));
                    Verdict::New(ordinal)
                }
                Err(conflict) => Verdict::Answered(Err(conflict)),
            },
        };
        admission.verdicts.push(verdict);
    }
    admission
}

impl Admission {
    fn same_or_reused(&self, first: usize, append: &Append) -> Verdict {
        if self.admitted[first].0.input_hash == append.input_hash {
            Verdict::SameAs(first)
        } else {
            Verdict::ReusedIdOf(first)
        }
    }
}

impl Known {
    /// The answer to a command with the same id and this input.
    pub(crate) fn answer(&self, input_hash: &[u8; 32]) -> Answer {
        let receipt = self.receipt.clone();
        if self.input_hash == input_hash {
            Ok(Appended {
                receipt,
                duplicate: true,
            })
        } else {
            Err(AppendError::CommandIdReused {
                first: Box::new(receipt),
            })
        }
    }
}

/// The version of each event, if every stream is where the append expects it. Nothing is changed
/// otherwise. Appends before it in the same commit count.
fn number(append: &Append, versions: &mut HashMap<String, u64>) -> Result<Vec<u64>, AppendError> {
    if let Some((stream, expected)) = &append.unchanged {
        let actual = versions.get(stream).copied().unwrap_or(0);
        require(stream, *expected, actual)?;
    }
    let mut moved: HashMap<&str, u64> = HashMap::new();
    let mut numbers = Vec::with_capacity(append.events.len());
    for event in &append.events {
        let known = versions.get(&event.stream).copied().unwrap_or(0);
        let at = moved.entry(&event.stream).or_insert(known);
        if let Expected::Version(expected) = event.expected {
            require(&event.stream, expected, *at)?;
        }
        *at += 1;
        numbers.push(*at);
    }
    for (stream, version) in moved {
        versions.insert(stream.to_owned(), version);
    }
    Ok(numbers)
}

fn require(stream: &str, expected: u64, actual: u64) -> Result<(), AppendError> {
    if expected == actual {
        return Ok(());
    }
    let stream = stream.to_owned();
    Err(AppendError::Conflict {
        stream,
        expected,
        actual,
    })
}

async fn known_commands(
    tx: &mut PgTransaction<'_>,
    ledger: &LedgerInfo,
    appends: &[Append],
) -> Result<HashMap<CommandKey, Known>, AppendError> {
    let actors: Vec<&str> = appends.iter().map(|a| a.actor.as_str()).collect();
    let ids: Vec<Uuid> = appends.iter().map(|a| a.command).collect();
    Ok(find_commands(&mut **tx, ledger, &actors, &ids).await?)
}

/// Commands that are in the ledger, of those that (actor, command id) name pairwise.
pub(crate) async fn find_commands(
    connection: impl sqlx::PgExecutor<'_>,
    ledger: &LedgerInfo,
    actors: &[&str],
    ids: &[Uuid],
) -> Result<HashMap<CommandKey, Known>, sqlx::Error> {
    let rows: Vec<CommandRow> = sqlx::query_as(include_str!("../sql/known_commands.sql"))
        .bind(ledger.id.0)
        .bind(actors)
        .bind(ids)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| row.into_known(&ledger.origin))
        .collect())
}

#[derive(sqlx::FromRow)]
struct CommandRow {
    actor: String,
    command_id: Uuid,
    input_hash: Vec<u8>,
    first_index: i64,
    last_index: i64,
    note: String,
}

impl CommandRow {
    fn into_known(self, origin: &Origin) -> (CommandKey, Known) {
        let receipt = Receipt {
            ledger: origin.clone(),
            first: index(self.first_index),
            last: index(self.last_index),
            checkpoint: self.note,
        };
        (
            (self.actor, self.command_id),
            Known {
                input_hash: self.input_hash,
                receipt,
            },
        )
    }
}

/// The streams that an append is written to, and the one that its decision rests on.
fn streams_of(append: &Append) -> impl Iterator<Item = &str> {
    let written = append.events.iter().map(|event| event.stream.as_str());
    let rested_on = append.unchanged.as_ref().map(|(stream, _)| stream.as_str());
    written.chain(rested_on)
}

async fn stream_versions(
    tx: &mut PgTransaction<'_>,
    ledger: &LedgerInfo,
    appends: &[Append],
) -> Result<HashMap<String, u64>, AppendError> {
    let streams: Vec<&str> = appends.iter().flat_map(streams_of).collect();
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT stream, version FROM streams WHERE ledger_id = $1 AND stream = ANY ($2)",
    )
    .bind(ledger.id.0)
    .bind(&streams)
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(stream, version)| (stream, index(version).0))
        .collect())
}
