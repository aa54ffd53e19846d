//! Which appends go into a commit: repeated commands are answered, lost races refused.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use sealrock_ledger::Origin;
use sqlx::PgTransaction;
use uuid::Uuid;

use super::Answer;
use super::versions::Versions;
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

#[derive(Default)]
pub(super) struct Admission {
    /// All that want to be in the commit, in their order; so they can be tried again.
    pub(super) appends: Vec<Append>,
    /// What becomes of each.
    pub(super) verdicts: Vec<Verdict>,
    /// Those that are chained.
    pub(super) admitted: Vec<usize>,
    in_this_commit: HashMap<CommandKey, usize>,
}

/// Actor and command id.
pub(crate) type CommandKey = (String, Uuid);

/// A command that is in the ledger, as `commands` and `checkpoints` have it.
pub(crate) struct Known {
    pub(crate) input_hash: Vec<u8>,
    pub(crate) receipt: Receipt,
}

impl Admission {
    /// Decides on one more append, without I/O. Answers the versions of its events if it is to be
    /// chained; it is the last of `appends` then, as in any case.
    pub(super) fn decide(
        &mut self,
        append: Append,
        known: Option<&Known>,
        versions: &mut Versions,
    ) -> Option<Vec<u64>> {
        let mut numbers = None;
        let verdict = if let Some(known) = known {
            Verdict::Answered(known.answer(&append.input_hash))
        } else {
            match self
                .in_this_commit
                .entry((append.actor.clone(), append.command))
            {
                Entry::Occupied(first) => {
                    let ordinal = *first.get();
                    let same = self.appends[self.admitted[ordinal]].input_hash == append.input_hash;
                    if same {
                        Verdict::SameAs(ordinal)
                    } else {
                        Verdict::ReusedIdOf(ordinal)
                    }
                }
                Entry::Vacant(slot) => match number(&append, versions) {
                    Ok(found) => {
                        let ordinal = *slot.insert(self.admitted.len());
                        self.admitted.push(self.appends.len());
                        numbers = Some(found);
                        Verdict::New(ordinal)
                    }
                    Err(conflict) => Verdict::Answered(Err(conflict)),
                },
            }
        };
        self.verdicts.push(verdict);
        self.appends.push(append);
        numbers
    }

    /// The appends that came too late for the version that they expect.
    pub(super) fn lost_races(&self) -> impl Iterator<Item = usize> {
        let lost = |verdict: &Verdict| {
            matches!(
                verdict,
                Verdict::Answered(Err(AppendError::Conflict { .. }))
            )
        };
        let all = self.verdicts.iter().enumerate();
        all.filter_map(move |(nth, verdict)| lost(verdict).then_some(nth))
    }

    /// Nothing was recorded of the lost races, and it is not known whether they are repetitions.
    pub(super) fn leave_open(&mut self) {
        let lost: Vec<usize> = self.lost_races().collect();
        for nth in lost {
            let reason = "it cannot be asked just now whether it is recorded already";
            let open = AppendError::Unavailable(reason.to_owned());
            self.verdicts[nth] = Verdict::Answered(Err(open));
        }
    }

    /// What each append is answered when the admitted ones have these receipts.
    pub(super) fn answers(&self, receipts: &[Receipt]) -> Vec<Answer> {
        let appended = |ordinal: usize, duplicate| {
            Ok(Appended {
                receipt: receipts[ordinal].clone(),
                duplicate,
            })
        };
        self.verdicts
            .iter()
            .map(|verdict| match verdict {
                Verdict::New(ordinal) => appended(*ordinal, false),
                Verdict::SameAs(ordinal) => appended(*ordinal, true),
                Verdict::ReusedIdOf(ordinal) => Err(AppendError::CommandIdReused {
                    first: Box::new(receipts[*ordinal].clone()),
                }),
                Verdict::Answered(answer) => answer.clone(),
            })
            .collect()
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
/// otherwise. Appends before it in the same commit count. A stream that is not known counts as new.
fn number(append: &Append, versions: &mut Versions) -> Result<Vec<u64>, AppendError> {
    if let Some((stream, expected)) = &append.unchanged {
        require(stream, *expected, versions.get(stream).unwrap_or(0))?;
    }
    let mut moved: Vec<(&str, u64)> = Vec::with_capacity(1);
    let mut numbers = Vec::with_capacity(append.events.len());
    for event in &append.events {
        let stream = event.stream.as_str();
        let place = moved.iter().position(|(known, _)| *known == stream);
        let place = place.unwrap_or_else(|| {
            moved.push((stream, versions.get(stream).unwrap_or(0)));
            moved.len() - 1
        });
        let at = &mut moved[place].1;
        if let Expected::Version(expected) = event.expected {
            require(stream, expected, *at)?;
        }
        *at += 1;
        numbers.push(*at);
    }
    for (stream, version) in moved {
        versions.set(stream, version);
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

/// Those of the appends that are in the ledger already.
pub(super) async fn known_commands(
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
pub(super) fn streams_of(append: &Append) -> impl Iterator<Item = &str> {
    let written = append.events.iter().map(|event| event.stream.as_str());
    let rested_on = append.unchanged.as_ref().map(|(stream, _)| stream.as_str());
    written.chain(rested_on)
}

/// The streams whose version has to be asked for. That of a stream that an append expects to be new
/// has not: if it is not, its first version is taken, and the commit is refused.
pub(super) fn streams_to_ask<'a>(appends: &'a [Append], versions: &Versions) -> Vec<&'a str> {
    let mut streams = Vec::new();
    for append in appends {
        let begins = |stream: &str| {
            let first = append.events.iter().find(|event| event.stream == stream);
            first.is_some_and(|event| event.expected == Expected::Version(0))
        };
        let unknown = |stream: &&str| versions.get(stream).is_none() && !begins(stream);
        streams.extend(streams_of(append).filter(unknown));
    }
    streams
}

/// Learns the versions of these streams.
pub(super) async fn read_versions(
    connection: impl sqlx::PgExecutor<'_>,
    ledger: &LedgerInfo,
    streams: &[&str],
    versions: &mut Versions,
) -> Result<(), AppendError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(include_str!("../sql/versions.sql"))
        .bind(ledger.id.0)
        .bind(streams)
        .fetch_all(connection)
        .await?;
    for stream in streams {
        versions.set(stream, 0);
    }
    for (stream, version) in rows {
        versions.set(&stream, index(version).0);
    }
    Ok(())
}
