//! A source whose checkpoint stays the same while it is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sealrock_ledger::Index;
use sealrock_ledger::record::IndexRange;
use sealrock_ledger::verify::{Scope, Source, SourceError};

use crate::directory::refused;

/// A source at one checkpoint, though it grows meanwhile, and from one bundle on.
///
/// What is not read is for the auditor to say: a file `scope` of the source's own is signed by
/// nobody, and is never passed on.
pub(super) struct Pinned<'s> {
    source: &'s dyn Source,
    checkpoint: Vec<u8>,
    scope: Option<Scope>,
    stop: Option<Arc<AtomicBool>>,
}

impl<'s> Pinned<'s> {
    pub(super) fn new(source: &'s dyn Source, checkpoint: Vec<u8>) -> Self {
        Self {
            source,
            checkpoint,
            scope: None,
            stop: None,
        }
    }

    /// Only entries `from` to before `size` are looked at, with the whole of their bundles.
    pub(super) fn from(mut self, from: u64, size: u64) -> Self {
        let range = IndexRange {
            first: Index(from),
            last: Index(size.saturating_sub(1)),
        };
        self.scope = (from > 0).then_some(Scope {
            range: Some(range),
            only: None,
        });
        self
    }

    /// Nothing more is read once `stop` is set.
    pub(super) fn until(mut self, stop: &Arc<AtomicBool>) -> Self {
        self.stop = Some(Arc::clone(stop));
        self
    }
}

impl Source for Pinned<'_> {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        if self
            .stop
            .as_ref()
            .is_some_and(|stop| stop.load(Ordering::Relaxed))
        {
            return Err(refused(path, "stopping"));
        }
        match (path, &self.scope) {
            ("checkpoint", _) => Ok(Some(self.checkpoint.clone())),
            ("scope", scope) => Ok(scope.as_ref().map(Scope::to_bytes)),
            _ => self.source.get(path),
        }
    }
}
