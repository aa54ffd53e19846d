//! How far each read model has come, to wait for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use tokio::sync::watch;

type Key = (String, LedgerId);

/// The next index of every (projection, ledger), as far as this process knows it: after each
/// commit of its own runner, and by polling for what other processes commit. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Positions {
    senders: Arc<Mutex<HashMap<Key, watch::Sender<u64>>>>,
}

/// A read model did not reach a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// Not in the time given. The entry is recorded all the same.
    #[error(
        "{projection} has not folded entry {index} within {waited:?}; it is at {next_index}: \
         read again later, or see `sealrock projections status`"
    )]
    Timeout {
        /// The read model.
        projection: String,
        /// The entry waited for.
        index: Index,
        /// The first entry it has not folded.
        next_index: u64,
        /// How long.
        waited: Duration,
    },
}

impl Positions {
    /// The next index of `projection` on `ledger`; it changes after the read model's commit, so who
    /// is woken finds the rows. 0 for what this process has not heard of yet.
    #[must_use]
    pub fn watch(&self, projection: &str, ledger: LedgerId) -> watch::Receiver<u64> {
        self.with_sender(projection, ledger, watch::Sender::subscribe)
    }

    /// Returns when `projection` has folded entry `index` of `ledger`.
    ///
    /// # Errors
    /// [`WaitError::Timeout`] after `timeout`.
    pub async fn wait_for(
        &self,
        projection: &str,
        ledger: LedgerId,
        index: Index,
        timeout: Duration,
    ) -> Result<(), WaitError> {
        let mut position = self.watch(projection, ledger);
        let reached = position.wait_for(|next| *next > index.0);
        // The sender lives as long as the map, so only the time can run out.
        let in_time = matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)));
        if in_time {
            return Ok(());
        }
        Err(WaitError::Timeout {
            projection: projection.to_owned(),
            index,
            next_index: *position.borrow(),
            waited: timeout,
        })
    }

    /// Tells who waits. A read model never goes back, so a lower value is only an older one.
    pub(crate) fn raise(&self, projection: &str, ledger: LedgerId, next: u64) {
        self.with_sender(projection, ledger, |sender| {
            sender.send_if_modified(|known| {
                let higher = next > *known;
                *known = next.max(*known);
                higher
            })
        });
    }

    fn with_sender<T>(
        &self,
        projection: &str,
        ledger: LedgerId,
        use_it: impl FnOnce(&watch::Sender<u64>) -> T,
    ) -> T {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (projection.to_owned(), ledger);
        use_it(senders.entry(key).or_insert_with(|| watch::Sender::new(0)))
    }
}
