//! Reading aggregates' events out of recorded entries.

use sealrock_domain::EventType;
use sealrock_eventstore::Recorded;
use sealrock_ledger::record::{IndexRange, PayloadRedacted, Record, RetentionApplied};

use crate::runner::{FoldError, Shown};

/// The event of an entry; `None` if it is of another enum, or its payload was erased.
///
/// # Errors
/// Poison if the entry says that it is such an event and is not one that this code knows.
pub(crate) fn decode<E: EventType>(recorded: &Recorded) -> Result<Option<E>, FoldError> {
    let entry = &recorded.entry;
    let Some(payload) = recorded
        .payload
        .as_ref()
        .filter(|_| E::has_kind(&entry.kind))
    else {
        return Ok(None);
    };
    E::decode(&entry.kind, entry.schema, &payload.bytes)
        .map(Some)
        .map_err(|error| FoldError::poison(entry.index, error))
}

/// The id in a stream's name `<kind>/<id>`.
///
/// # Errors
/// Poison if there is none.
pub(crate) fn stream_id<T: std::str::FromStr>(recorded: &Recorded) -> Result<T, FoldError> {
    let entry = &recorded.entry;
    id_of(&entry.stream).map_err(|reason| FoldError::poison(entry.index, reason))
}

/// The id in the name `<kind>/<id>`, or what is wrong with it.
pub(crate) fn id_of<T: std::str::FromStr>(stream: &str) -> Result<T, String> {
    let id = stream.split_once('/').and_then(|(_, id)| id.parse().ok());
    id.ok_or_else(|| format!("{stream:?} names no id"))
}

/// The payloads that `entries` say are erased.
///
/// # Errors
/// Poison if such an entry is not one that this code knows.
pub(crate) fn erased(entries: &[Shown]) -> Result<Vec<IndexRange>, FoldError> {
    let mut ranges = Vec::new();
    for recorded in entries {
        if let Some(entry) = record::<PayloadRedacted>(recorded)? {
            ranges.extend(entry.payloads);
        } else if let Some(entry) = record::<RetentionApplied>(recorded)? {
            ranges.extend(entry.payloads);
        }
    }
    Ok(ranges)
}

fn record<R: Record>(recorded: &Recorded) -> Result<Option<R>, FoldError> {
    let entry = &recorded.entry;
    let payload = recorded.payload.as_ref();
    let Some(payload) = payload.filter(|_| entry.kind == R::KIND) else {
        return Ok(None);
    };
    if entry.schema != R::SCHEMA {
        let reason = format!("schema {} of {} is not known", entry.schema, R::KIND);
        return Err(FoldError::poison(entry.index, reason));
    }
    serde_json::from_slice(&payload.bytes)
        .map(Some)
        .map_err(|error| FoldError::poison(entry.index, error))
}
