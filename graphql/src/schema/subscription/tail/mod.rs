//! What many follow is asked for once.
//!
//! A topic of a ledger has a tail: one task that asks the read model for what is new, once a step
//! and for all who follow, and keeps the newest items for a few seconds. A subscriber has a place
//! and takes what lies behind it; who is so slow that his place has left the tail asks the read model
//! himself until he is back. So nothing is lost, nobody waits for a slow one, and what is kept
//! has a bound.

mod registry;
mod ring;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sealrock_projections::QueryError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

pub(crate) use registry::Registry;
use ring::Ring;
pub(crate) use ring::Step;

/// How long to wait before asking again when the database is away.
pub(super) const RETRY: Duration = Duration::from_secs(1);
/// Least time from one question to the next: what comes meanwhile shares an answer.
const PACE: Duration = Duration::from_millis(20);
/// How long an item is kept. What is erased meanwhile must not be sent for long.
const KEPT: Duration = Duration::from_secs(5);

/// Items of a ledger in an order in which they become known, each with its place.
pub(crate) trait Topic: Send + Sync + 'static {
    type Item: Send + Sync + 'static;
    type Place: Copy + Ord + Send + Sync + 'static;
    /// What a subscriber is woken by.
    type Key: Eq + Hash + Send + Sync + 'static;

    /// All items behind `after`, up to a page. It moves on only when it answers.
    fn fetch(
        &self,
        after: Option<Self::Place>,
    ) -> impl Future<Output = Result<Page<Self>, QueryError>> + Send;

    fn place(item: &Self::Item) -> Self::Place;

    /// Those who wait under one of these may want the item; others do not.
    fn keys(item: &Self::Item) -> Vec<Self::Key>;

    /// What the item takes in memory, roughly.
    fn bytes(item: &Self::Item) -> usize;
}

/// Some items, and how far was looked.
pub(crate) struct Page<T: Topic + ?Sized> {
    pub(crate) items: Vec<T::Item>,
    /// All up to here were answered.
    pub(super) reached: Option<T::Place>,
    /// Whether asking again at once finds more.
    pub(super) more: bool,
}

/// The newest items of a topic, and who waits for more. It is kept up while anybody holds it.
pub(crate) struct Tail<T: Topic> {
    topic: T,
    state: Mutex<State<T>>,
}

struct State<T: Topic> {
    ring: Ring<T>,
    waiting: HashMap<T::Key, Waiting<T>>,
    /// The read model cannot be read: each subscriber asks, and is told why.
    broken: bool,
}

/// Who waits under one key.
struct Waiting<T: Topic> {
    wake: watch::Sender<()>,
    /// The newest item of this key that the tail has dropped; who stands before it missed it.
    dropped: Option<T::Place>,
}

impl<T: Topic> Tail<T> {
    /// A tail that begins behind `from`; `more` changes when there may be more.
    fn start(topic: T, from: Option<T::Place>, more: watch::Receiver<u64>) -> Arc<Self> {
        let tail = Arc::new(Self {
            topic,
            state: Mutex::new(State {
                ring: Ring::new(from),
                waiting: HashMap::new(),
                broken: false,
            }),
        });
        tokio::spawn(keep_up(Arc::downgrade(&tail), more));
        tail
    }

    /// Changes when the tail has an item of this key.
    pub(super) fn watch(&self, key: T::Key) -> watch::Receiver<()> {
        let mut state = self.state();
        let dropped = state.ring.behind();
        let new = || Waiting {
            wake: watch::Sender::new(()),
            dropped,
        };
        state
            .waiting
            .entry(key)
            .or_insert_with(new)
            .wake
            .subscribe()
    }

    /// What lies behind `after` and is wanted, at most `most` items; `None` if the tail does not
    /// reach back that far.
    pub(super) fn after(
        &self,
        key: &T::Key,
        after: Option<T::Place>,
        most: usize,
        wants: impl Fn(&T::Item) -> bool,
    ) -> Option<Step<T>> {
        let state = self.state();
        // Nobody wakes a subscriber for items of other keys, so his place may be before the ring.
        let missed = state.waiting.get(key).is_none_or(|own| after < own.dropped);
        if state.broken || missed {
            return None;
        }
        Some(state.ring.after(after, most, wants))
    }

    fn reached(&self) -> Option<T::Place> {
        self.state().ring.reached()
    }

    fn take_in(&self, page: Page<T>) {
        let mut state = self.state();
        let mut keys = Vec::new();
        for item in &page.items {
            keys.extend(T::keys(item));
        }
        state.ring.push(page.items, page.reached);
        for key in keys {
            if let Some(waiting) = state.waiting.get(&key) {
                waiting.wake.send_replace(());
            }
        }
        state.make_room();
    }

    pub(super) fn is_broken(&self) -> bool {
        self.state().broken
    }

    fn give_up(&self) {
        let mut state = self.state();
        state.broken = true;
        for waiting in state.waiting.values() {
            waiting.wake.send_replace(());
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Topic> State<T> {
    /// Drops what is old or too much, and keys that nobody waits under.
    fn make_room(&mut self) {
        while let Some(item) = self.ring.pop_surplus(KEPT) {
            let place = T::place(&item);
            for key in T::keys(&item) {
                if let Some(waiting) = self.waiting.get_mut(&key) {
                    waiting.dropped = Some(place);
                }
            }
        }
        self.waiting
            .retain(|_, waiting| waiting.wake.receiver_count() > 0);
    }
}

/// However the task of a tail ends, its followers learn that they are on their own.
struct Ended<T: Topic>(Weak<Tail<T>>);

impl<T: Topic> Drop for Ended<T> {
    fn drop(&mut self) {
        if let Some(tail) = self.0.upgrade() {
            tail.give_up();
        }
    }
}

/// Asks for what is new as long as anybody follows.
async fn keep_up<T: Topic>(tail: Weak<Tail<T>>, mut more: watch::Receiver<u64>) {
    let _ended = Ended(Weak::clone(&tail));
    while let Some(held) = tail.upgrade() {
        let asked = Instant::now();
        // Marked before asking: what comes while the question runs wakes us afterwards.
        more.borrow_and_update();
        let again = match held.topic.fetch(held.reached()).await {
            Ok(page) => {
                let again = page.more;
                held.take_in(page);
                again
            }
            Err(error) if error.may_pass() => {
                tracing::debug!(%error, "a tail looks again in a moment");
                sleep(RETRY).await;
                true
            }
            Err(error) => {
                tracing::warn!(%error, "a tail ended");
                return;
            }
        };
        drop(held);
        if !again {
            // An end of the time is for dropping what is old, and for ending when nobody follows.
            if let Ok(Err(_)) = timeout(KEPT, more.changed()).await {
                return;
            }
            sleep(PACE.saturating_sub(asked.elapsed())).await;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests;
