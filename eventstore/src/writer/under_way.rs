//! The commits that were sent and have not come back.

use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use sealrock_ledger::Hash;

use super::flight::{Flight, LARGE, Landed};
use super::gather::Gathered;
use super::queue::Waiting;
use crate::ledgers::LedgerId;

/// Commits that may be sent before the first of them is answered. The second waits in Postgres for
/// the head row, so that neither the first one's answer nor signing and sending lie between them.
const MOST: usize = 2;

/// A commit that came back, and who waits for it.
type Returned = (Landed, Vec<Waiting>);

/// In the order in which they are built on each other.
pub(super) struct UnderWay {
    ledger: LedgerId,
    patience: Duration,
    flights: FuturesOrdered<BoxFuture<'static, Returned>>,
    /// Appends of the last one, and the ledger's root when it is stored.
    last: Option<(usize, Hash)>,
    /// The root that the last one left that came back and was stored.
    stored: Option<Hash>,
}

impl UnderWay {
    pub(super) fn new(ledger: LedgerId, patience: Duration) -> Self {
        Self {
            ledger,
            patience,
            flights: FuturesOrdered::new(),
            last: None,
            stored: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Whether a commit may be sent now: one is all that is under way, or there is as much to gain.
    pub(super) fn lets_depart(&self, appends: &Gathered, waiting: usize) -> bool {
        match self.last.filter(|_| !self.is_empty()) {
            None => !appends.is_empty(),
            // A smaller one would cost a commit more than it saves in waiting.
            Some((before, root)) => {
                self.flights.len() < MOST
                    && waiting >= before.max(LARGE)
                    && appends.is_chained_to(root)
            }
        }
    }

    /// Sends a commit behind those that are under way.
    pub(super) fn send(&mut self, mut flight: Flight, waiting: Vec<Waiting>) {
        flight.early = !self.is_empty();
        let (_, root) = flight.roots();
        self.last = Some((waiting.len(), root));
        let flight = flight.start(self.ledger, self.patience);
        self.flights
            .push_back(Box::pin(async { (flight.await, waiting) }));
    }

    /// What comes back of the first one; never, if there is none. One that Postgres came to before
    /// the one that it is built on is sent again, when that is stored. Nothing is lost where this is
    /// dropped while it waits.
    pub(super) async fn landing(&mut self) -> Returned {
        while let Some((mut landed, waiting)) = self.flights.next().await {
            let (before, after) = landed.flight.roots();
            if landed.was_refused() && landed.flight.early && self.stored == Some(before) {
                landed.flight.early = false;
                let flight = landed.flight.start(self.ledger, self.patience);
                self.flights
                    .push_front(Box::pin(async { (flight.await, waiting) }));
                continue;
            }
            self.stored = landed.was_stored().then_some(after);
            return (landed, waiting);
        }
        std::future::pending().await
    }

    /// One more that came back already.
    #[cfg(test)]
    pub(super) fn came_back(&mut self, landed: Landed) {
        self.flights
            .push_back(Box::pin(std::future::ready((landed, Vec::new()))));
    }
}
