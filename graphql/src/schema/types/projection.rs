//! How the read models are doing.

use async_graphql::{Enum, SimpleObject};
use sealrock_projections::{ProjectionStatus as Stored, State};

use crate::schema::scalars::Count;

/// How one read model is doing on one ledger.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct ProjectionStatus {
    /// Name of the read model.
    projection: String,
    /// Version of its tables and fold.
    version: u32,
    /// Name of the ledger.
    ledger: String,
    /// Index of the first entry that is not folded.
    next_index: Count,
    /// Number of entries in the ledger.
    head: Count,
    /// Entries behind.
    lag_events: Count,
    /// Age in seconds of the oldest entry that is not folded.
    lag_seconds: f64,
    /// What it does.
    state: ProjectionState,
    /// Why it does not go on, if it does not.
    reason: Option<String>,
    /// How far a rebuild beside it has come, if there is one.
    rebuilt_to: Option<Count>,
}

/// What a read model does.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
enum ProjectionState {
    /// It folds whatever comes.
    Running,
    /// Something went wrong that may pass; it tries again by itself.
    Retrying,
    /// It stands at an entry that it cannot fold.
    Stopped,
    /// Its tables were made by another version, and are being rebuilt.
    OtherVersion,
}

impl From<&State> for ProjectionState {
    fn from(state: &State) -> Self {
        match state {
            State::Running => Self::Running,
            State::Retrying { .. } => Self::Retrying,
            State::Stopped { .. } => Self::Stopped,
            State::OtherVersion { .. } => Self::OtherVersion,
        }
    }
}

impl From<Stored> for ProjectionStatus {
    fn from(stored: Stored) -> Self {
        Self {
            reason: stored.reason(),
            state: (&stored.state).into(),
            projection: stored.projection,
            version: stored.version,
            ledger: stored.ledger.to_string(),
            next_index: Count(stored.next_index),
            head: Count(stored.head),
            lag_events: Count(stored.lag_events),
            lag_seconds: stored.lag_seconds,
            rebuilt_to: stored.rebuilt_to.map(Count),
        }
    }
}
