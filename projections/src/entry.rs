//! Reading aggregates' events out of recorded entries.

use sealrock_domain::EventType;
use sealrock_eventstore::Recorded;

use crate::runner::FoldError;

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
    let id = entry
        .stream
        .split_once('/')
        .and_then(|(_, id)| id.parse().ok());
    id.ok_or_else(|| FoldError::poison(entry.index, format!("{:?} names no id", entry.stream)))
}
