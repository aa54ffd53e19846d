//! A source whose checkpoint stays the same while it is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sealrock_ledger::Index;
use sealrock_ledger::record::IndexRange;
use sealrock_ledger::verify::{Scope, Source, SourceError};

use crate::directory::refused;

/// A source at one checkpoint, though it grows meanwhile, and from one bundle on.
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
    pub(super) fn from(mut self, from: u64, size: u64) -> Result<Self, SourceError> {
        if from == 0 {
            return Ok(self);
        }
        let range = IndexRange {
            first: Index(from),
            last: Index(size - 1),
        };
        // A package of some streams stays one.
        let own = self.source.get("scope")?;
        let only = own.and_then(|bytes| Scope::from_bytes(&bytes).ok()?.only);
        self.scope = Some(Scope {
            range: Some(range),
            only,
        });
        Ok(self)
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
            ("scope", Some(scope)) => Ok(Some(scope.to_bytes())),
            _ => self.source.get(path),
        }
    }
}
