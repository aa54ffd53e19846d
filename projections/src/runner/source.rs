//! Where an [`Advance`](super::advance::Advance) has its entries from.

use std::sync::Arc;

use sealrock_domain::telemetry::SENSOR_BATCH_RECORDED;
use sealrock_eventstore::{EventStore, LedgerId, StoreError};
use sealrock_ledger::Index;
use tokio::task::JoinHandle;

use super::shown::Shown;
use super::tail::{Bounds, Tail, read};

/// How far a read model that batches mean nothing to looks for other entries in one step.
const STRIDE: u64 = 65_536;
/// Events of aggregates in one step: they are small, so no bound on bytes is asked for.
const MOST_EVENTS: u32 = 2_048;

/// A stretch of a ledger to be folded.
#[derive(Debug)]
pub(crate) struct Stretch {
    /// What there is to fold in it.
    pub(crate) entries: Vec<Shown>,
    /// The index behind it.
    pub(crate) end: u64,
}

impl Stretch {
    /// Of entries without gaps.
    fn of(entries: Vec<Shown>, from: u64) -> Self {
        let end = entries.last().map_or(from, |last| last.entry.index.0 + 1);
        Self { entries, end }
    }
}

/// How entries are read: each way fits one kind of reader.
pub(crate) enum Source {
    /// By a read model that follows the ledger, with all others that do.
    Shared(Arc<Tail>),
    /// By a rebuild, which reads the next stretch while it folds one.
    Ahead(Option<Ahead>),
    /// By a read model that batches mean nothing to: without them.
    WithoutBatches,
}

/// A stretch that is being read.
pub(crate) struct Ahead {
    from: u64,
    reading: JoinHandle<Result<Stretch, StoreError>>,
}

impl Source {
    /// The stretch from `next` on; its end is `next` if there is nothing yet.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) async fn read(
        &mut self,
        store: &EventStore,
        ledger: LedgerId,
        next: u64,
        bounds: Bounds,
    ) -> Result<Stretch, StoreError> {
        match self {
            Self::Shared(tail) => {
                let entries = tail.read(store, ledger, next, bounds).await?;
                Ok(Stretch::of(entries, next))
            }
            Self::Ahead(ahead) => {
                let stretch = match ahead.take().filter(|ahead| ahead.from == next) {
                    Some(ahead) => ahead.finish().await?,
                    None => read_and_decode(store.clone(), ledger, next, bounds).await?,
                };
                *ahead = Some(Ahead::start(store, ledger, stretch.end, bounds));
                Ok(stretch)
            }
            Self::WithoutBatches => without_batches(store, ledger, next, bounds).await,
        }
    }

    /// What is being read ahead is dropped: other bounds hold from now on.
    pub(crate) fn stop_reading_ahead(&mut self) {
        if let Self::Ahead(ahead) = self {
            *ahead = None;
        }
    }

    /// Lets go of what is kept of the ledger.
    pub(crate) async fn forget(&mut self) {
        match self {
            Self::Shared(tail) => tail.clear().await,
            Self::Ahead(ahead) => *ahead = None,
            Self::WithoutBatches => {}
        }
    }
}

impl Ahead {
    fn start(store: &EventStore, ledger: LedgerId, from: u64, bounds: Bounds) -> Self {
        let reading = tokio::spawn(read_and_decode(store.clone(), ledger, from, bounds));
        Self { from, reading }
    }

    async fn finish(self) -> Result<Stretch, StoreError> {
        let read = self.reading.await;
        read.map_err(|error| StoreError::Unavailable(format!("reading ahead: {error}")))?
    }
}

async fn read_and_decode(
    store: EventStore,
    ledger: LedgerId,
    next: u64,
    bounds: Bounds,
) -> Result<Stretch, StoreError> {
    let entries = read(&store, ledger, next, bounds).await?;
    for shown in &entries {
        // Only to have it done: who folds the entry finds the batch, or why it is none.
        let _decoded = shown.batch();
    }
    Ok(Stretch::of(entries, next))
}

async fn without_batches(
    store: &EventStore,
    ledger: LedgerId,
    next: u64,
    bounds: Bounds,
) -> Result<Stretch, StoreError> {
    // Asked first: all below is committed and seen by the question after it.
    let size = store.size(ledger).await?;
    let to = size.min(next + STRIDE).max(next);
    let range = (Index(next), Index(to));
    let limit = bounds.entries.min(MOST_EVENTS);
    let read = store
        .read_without(ledger, SENSOR_BATCH_RECORDED, range, limit)
        .await?;
    let entries: Vec<Shown> = read.into_iter().map(Shown::from).collect();
    let full = entries.len() >= limit as usize;
    Ok(match entries.last() {
        Some(last) if full => Stretch {
            end: last.entry.index.0 + 1,
            entries,
        },
        _ => Stretch { entries, end: to },
    })
}
