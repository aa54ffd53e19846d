//! How long each ledger is, for those who wait for the next entry.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::ledgers::LedgerId;

/// A `watch` per ledger. It holds the number of committed entries that this process knows of: its
/// own appends at once, those of other processes when the poller finds them.
#[derive(Default)]
pub(crate) struct Sizes {
    ledgers: Mutex<HashMap<LedgerId, watch::Sender<u64>>>,
}

impl Sizes {
    pub(crate) fn watch(&self, ledger: LedgerId) -> watch::Receiver<u64> {
        self.with(ledger, watch::Sender::subscribe)
    }

    /// Sizes only grow, so news that comes late is dropped.
    pub(crate) fn publish(&self, ledger: LedgerId, size: u64) {
        self.with(ledger, |sender| {
            sender.send_if_modified(|known| {
                let grown = size > *known;
                *known = size.max(*known);
                grown
            })
        });
    }

    fn with<T>(&self, ledger: LedgerId, f: impl FnOnce(&watch::Sender<u64>) -> T) -> T {
        let mut ledgers = self.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        f(ledgers
            .entry(ledger)
            .or_insert_with(|| watch::Sender::new(0)))
    }
}
