//! Erased payloads: what they leave behind in read models, and deriving it anew without them.
//!
//! An entry that erases payloads is folded by taking out what came of them. What then remains must be
//! what a rebuild gives, which finds the payloads gone; and the runner shows a fold no payload that
//! an entry anywhere in the ledger erases ([`crate::runner`]), so a batch is either folded and taken
//! out again, or never folded. A model that cannot take a batch out of its sums keeps the tables of
//! `schema.sql` in its own schema, in the same transactions: they say which days each batch is in, and
//! the days of an erased one are derived again from the batches that are left.
//!
//! Retention takes nothing out: sums and latest values outlive the readings. In a rebuild they come
//! from the seals of the windows, of which the tables remember the newest.

mod days;
mod retained;

use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::window::WindowEvent;
use sealrock_eventstore::{IndexSet, LedgerId, LedgerInfo, Recorded, StoreError};
use sealrock_ledger::Index;
use sealrock_ledger::record::{PayloadRedacted, Record, RetentionApplied, stream_of};
use sqlx::PgTransaction;
use sqlx::types::Uuid;

use crate::entry::decode;
use crate::runner::{FoldError, Shown};

pub(crate) use days::{DeviceDay, bounds, each_left, forget, remember, sealed_in};
pub(crate) use retained::retain;

/// The tables, for `concat!` to a model's own.
macro_rules! tables {
    () => {
        include_str!("../erasing/schema.sql")
    };
}
pub(crate) use tables;

/// Something that concerns payloads to be erased, in the order of the ledger.
#[derive(Debug)]
pub(crate) enum Step {
    /// Windows were sealed.
    Seals(Vec<Seal>),
    /// A person erased payloads: what came of them goes.
    Redacted(Erased),
    /// Retention erased payloads: only the readings go.
    Retained(Erased),
}

/// Payloads that an entry erases.
#[derive(Debug)]
pub(crate) struct Erased {
    /// The entry.
    pub(crate) by: Index,
    pub(crate) payloads: IndexSet,
}

/// Where a seal stands and what it holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal {
    index: Index,
    device: DeviceId,
    hour: chrono::DateTime<chrono::Utc>,
    first_entry: u64,
    last_entry: u64,
}

/// What `entries` seal and erase.
///
/// # Errors
/// Poison for a seal or an erasure that cannot be read: their payloads are never erased.
pub(crate) fn steps(ledger: &LedgerInfo, entries: &[Shown]) -> Result<Vec<Step>, FoldError> {
    let own = stream_of(&ledger.name);
    let mut steps = Vec::new();
    for recorded in entries {
        if let Some(seal) = seal(recorded)? {
            match steps.last_mut() {
                Some(Step::Seals(seals)) => seals.push(seal),
                _ => steps.push(Step::Seals(vec![seal])),
            }
        } else if recorded.entry.stream == own {
            steps.extend(erasure(recorded)?);
        }
    }
    Ok(steps)
}

/// What `entries` erase, for models that keep nothing but readings.
///
/// # Errors
/// As [`steps`].
pub(crate) fn erased(ledger: &LedgerInfo, entries: &[Shown]) -> Result<Vec<Erased>, FoldError> {
    let erased = steps(ledger, entries)?
        .into_iter()
        .filter_map(|step| match step {
            Step::Seals(_) => None,
            Step::Redacted(erased) | Step::Retained(erased) => Some(erased),
        });
    Ok(erased.collect())
}

/// Remembers the newest seal of each window.
pub(crate) async fn remember_seals(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    seals: &[Seal],
) -> sqlx::Result<()> {
    // Of several seals of one window only the last is stored: a statement changes a row once.
    let newest: std::collections::BTreeMap<_, &Seal> = seals
        .iter()
        .map(|seal| ((seal.device, seal.hour), seal))
        .collect();
    let seals = || newest.values();
    let number = |f: fn(&Seal) -> u64| seals().map(|s| f(s).cast_signed()).collect::<Vec<i64>>();
    sqlx::query(include_str!("insert_seals.sql"))
        .bind(ledger.0)
        .bind(seals().map(|seal| seal.device.0).collect::<Vec<Uuid>>())
        .bind(seals().map(|seal| seal.hour).collect::<Vec<_>>())
        .bind(number(|seal| seal.index.0))
        .bind(number(|seal| seal.first_entry))
        .bind(number(|seal| seal.last_entry))
        .execute(&mut **tx)
        .await
        .map(drop)
}

fn seal(recorded: &Recorded) -> Result<Option<Seal>, FoldError> {
    let Some(WindowEvent::WindowSealed(sealed)) = decode(recorded)? else {
        return Ok(None);
    };
    let run = sealed.entries.first().zip(sealed.entries.last());
    Ok(run.map(|(first, last)| Seal {
        index: recorded.entry.index,
        device: sealed.device,
        hour: sealed.hour.start(),
        first_entry: first.first,
        last_entry: last.last,
    }))
}

fn erasure(recorded: &Recorded) -> Result<Option<Step>, FoldError> {
    let by = recorded.entry.index;
    let erased = |payloads: Vec<_>| Erased {
        by,
        payloads: payloads.into_iter().collect(),
    };
    Ok(match recorded.entry.kind.as_str() {
        PayloadRedacted::KIND => {
            let said: PayloadRedacted = said(recorded)?;
            Some(Step::Redacted(erased(said.payloads)))
        }
        RetentionApplied::KIND => {
            let said: RetentionApplied = said(recorded)?;
            Some(Step::Retained(erased(said.payloads)))
        }
        _ => None,
    })
}

fn said<R: Record>(recorded: &Recorded) -> Result<R, FoldError> {
    let index = recorded.entry.index;
    let payload = recorded.payload.as_ref();
    let payload = payload.ok_or_else(|| FoldError::poison(index, "its payload is missing"))?;
    serde_json::from_slice(&payload.bytes).map_err(|error| FoldError::poison(index, error))
}

/// The first and last indexes of the ranges, as columns.
pub(crate) fn columns(set: &IndexSet) -> (Vec<i64>, Vec<i64>) {
    let ranges = set.ranges();
    ranges
        .map(|range| (range.first.0.cast_signed(), range.last.0.cast_signed()))
        .unzip()
}

/// An entry that is asked for while `by` is folded cannot be had.
fn unreadable(by: Index, error: StoreError) -> FoldError {
    match error {
        StoreError::Unavailable(reason) => FoldError::Database(sqlx::Error::Protocol(reason)),
        other => FoldError::poison(by, other),
    }
}
