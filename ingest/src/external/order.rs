//! Acknowledgements in the order of arrival, as MQTT 5 asks for (4.6.0-2).

use std::collections::VecDeque;

/// A message's place on its connection; places of earlier connections are never given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

/// The messages of one connection that are not acknowledged yet.
#[derive(Debug)]
pub(super) struct Order<T> {
    first: u64,
    waiting: VecDeque<(T, bool)>,
}

impl<T> Order<T> {
    pub(super) fn new() -> Self {
        Self {
            first: 0,
            waiting: VecDeque::new(),
        }
    }

    /// A new connection: what waits is the old one's, and is never acknowledged. Answers it: a
    /// broker that has kept our session sends it again.
    pub(super) fn begin(&mut self) -> impl Iterator<Item = T> {
        self.first += self.waiting.len() as u64;
        std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|(message, _)| message)
    }

    /// A message came.
    pub(super) fn arrived(&mut self, message: T) -> Place {
        self.waiting.push_back((message, false));
        Place(self.first + self.waiting.len() as u64 - 1)
    }

    /// A message is durable; answers those that may be acknowledged now, in order.
    pub(super) fn durable(&mut self, Place(place): Place) -> Vec<T> {
        let slot = place
            .checked_sub(self.first)
            .and_then(|offset| usize::try_from(offset).ok())
            .and_then(|offset| self.waiting.get_mut(offset));
        if let Some((_, durable)) = slot {
            *durable = true;
        }
        let mut ready = Vec::new();
        while let Some((message, _)) = self.waiting.pop_front_if(|(_, durable)| *durable) {
            self.first += 1;
            ready.push(message);
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_acknowledged_before_what_came_before_it() {
        let mut order = Order::new();
        let [a, b, c] = ["a", "b", "c"].map(|name| order.arrived(name));
        assert!(order.durable(b).is_empty());
        assert_eq!(order.durable(a), ["a", "b"]);
        let d = order.arrived("d");
        assert!(order.durable(d).is_empty());
        assert_eq!(order.durable(c), ["c", "d"]);
    }

    #[test]
    fn what_becomes_durable_after_its_connection_is_not_acknowledged_on_the_next() {
        let mut order = Order::new();
        let old = order.arrived("old");
        assert_eq!(order.begin().collect::<Vec<_>>(), ["old"]);
        let new = order.arrived("new");
        assert!(order.durable(old).is_empty());
        assert_eq!(order.durable(new), ["new"]);
        assert!(order.durable(new).is_empty());
    }
}
