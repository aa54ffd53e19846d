//! An entry as folds are shown it.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use sealrock_eventstore::Recorded;

use super::projection::FoldError;
use crate::telemetry::{self, Batch};

/// An entry as folds are shown it. Cheap to clone: clones share what was decoded of it, so that a batch
/// that five read models fold is decoded once.
#[derive(Debug, Clone)]
pub struct Shown(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    recorded: Recorded,
    /// The batch that the payload is, or why it is none.
    batch: OnceLock<Result<Option<Batch>, String>>,
}

impl Shown {
    /// As if the payload were erased.
    pub(crate) fn without_payload(&self) -> Self {
        Self::from(Recorded {
            payload: None,
            ..self.0.recorded.clone()
        })
    }

    /// The sensor batch that it is, if it is one whose payload is there.
    ///
    /// # Errors
    /// Poison for a batch of another schema, stream or format than this code knows.
    pub(crate) fn batch(&self) -> Result<Option<&Batch>, FoldError> {
        let read = || telemetry::read(&self.0.recorded);
        match self.0.batch.get_or_init(read) {
            Ok(batch) => Ok(batch.as_ref()),
            Err(reason) => Err(FoldError::poison(self.0.recorded.entry.index, reason)),
        }
    }

    /// Bytes that it takes, about: those that it was read from.
    pub(crate) fn weight(&self) -> usize {
        let payload = self.payload.as_ref();
        self.entry_bytes.len() + payload.map_or(0, |payload| payload.bytes.len())
    }
}

impl From<Recorded> for Shown {
    fn from(recorded: Recorded) -> Self {
        Self(Arc::new(Inner {
            recorded,
            batch: OnceLock::new(),
        }))
    }
}

impl Deref for Shown {
    type Target = Recorded;

    fn deref(&self) -> &Recorded {
        &self.0.recorded
    }
}
