//! The newest items of a topic, in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Topic;

/// The most items of a tail.
const MOST: usize = 65_536;
/// The most bytes of a tail's items.
const MOST_BYTES: usize = 16 << 20;

/// Every item of a topic behind one place and up to another.
pub(super) struct Ring<T: Topic> {
    items: VecDeque<(Instant, Arc<T::Item>)>,
    bytes: usize,
    /// All items behind this place, up to `reached`, are here.
    behind: Option<T::Place>,
    reached: Option<T::Place>,
}

/// Some items, and how far they go.
pub(crate) struct Step<T: Topic> {
    pub(crate) items: Vec<Arc<T::Item>>,
    /// All that is wanted up to here was answered.
    pub(crate) reached: Option<T::Place>,
}

impl<T: Topic> Ring<T> {
    pub(super) fn new(from: Option<T::Place>) -> Self {
        Self {
            items: VecDeque::new(),
            bytes: 0,
            behind: from,
            reached: from,
        }
    }

    pub(super) fn behind(&self) -> Option<T::Place> {
        self.behind
    }

    pub(super) fn reached(&self) -> Option<T::Place> {
        self.reached
    }

    pub(super) fn push(&mut self, items: Vec<T::Item>, reached: Option<T::Place>) {
        let now = Instant::now();
        for item in items {
            self.bytes += T::bytes(&item);
            self.items.push_back((now, Arc::new(item)));
        }
        self.reached = self.reached.max(reached);
    }

    /// Never goes back: who stands behind all that is here stays there.
    pub(super) fn after(
        &self,
        after: Option<T::Place>,
        most: usize,
        wants: impl Fn(&T::Item) -> bool,
    ) -> Step<T> {
        let first = self
            .items
            .partition_point(|(_, item)| Some(T::place(item)) <= after);
        let wanted = self.items.range(first..).filter(|(_, item)| wants(item));
        let items: Vec<_> = wanted
            .take(most)
            .map(|(_, item)| Arc::clone(item))
            .collect();
        let full = items.len() == most;
        let reached = match items.last() {
            Some(last) if full => Some(T::place(last)),
            _ => self.reached,
        };
        Step {
            items,
            reached: reached.max(after),
        }
    }

    /// The oldest item, if it is too old or one too many.
    pub(super) fn pop_surplus(&mut self, kept: Duration) -> Option<Arc<T::Item>> {
        let (since, item) = self.items.front()?;
        let surplus = self.items.len() > MOST || self.bytes > MOST_BYTES;
        if !surplus && since.elapsed() < kept {
            return None;
        }
        self.bytes -= T::bytes(item);
        self.behind = Some(T::place(item));
        self.items.pop_front().map(|(_, item)| item)
    }
}
