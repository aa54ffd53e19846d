//! Many devices at once, each in its own order.

use std::collections::{HashMap, VecDeque};

/// Work that waits, a lane for each device.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    most: usize,
    under_way: usize,
    /// A lane is there while its first is under way or about to be.
    behind: HashMap<String, VecDeque<T>>,
    next: VecDeque<(String, T)>,
}

impl<T> Lanes<T> {
    /// At most so many are under way at a time.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            under_way: 0,
            behind: HashMap::new(),
            next: VecDeque::new(),
        }
    }

    pub(super) fn add(&mut self, lane: String, work: T) {
        if let Some(behind) = self.behind.get_mut(&lane) {
            behind.push_back(work);
        } else {
            self.behind.insert(lane.clone(), VecDeque::new());
            self.next.push_back((lane, work));
        }
    }

    /// What may begin now; it is under way from then on, until it is [`ended`](Self::ended).
    pub(super) fn begin(&mut self) -> Option<(String, T)> {
        if self.under_way >= self.most {
            return None;
        }
        let begun = self.next.pop_front()?;
        self.under_way += 1;
        Some(begun)
    }

    /// The work of this lane that was under way has ended.
    pub(super) fn ended(&mut self, lane: &str) {
        self.under_way -= 1;
        let Some(behind) = self.behind.get_mut(lane) else {
            return;
        };
        match behind.pop_front() {
            Some(work) => self.next.push_back((lane.to_owned(), work)),
            None => drop(self.behind.remove(lane)),
        }
    }

    /// Drops what is not under way.
    pub(super) fn forget_waiting(&mut self) {
        for (lane, _) in self.next.drain(..) {
            self.behind.remove(&lane);
        }
        self.behind.values_mut().for_each(VecDeque::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(work: &[(&str, u32)], most: usize) -> Lanes<u32> {
        let mut lanes = Lanes::new(most);
        for (lane, number) in work {
            lanes.add((*lane).to_owned(), *number);
        }
        lanes
    }

    fn begun(lanes: &mut Lanes<u32>) -> Vec<u32> {
        std::iter::from_fn(|| lanes.begin())
            .map(|(_, number)| number)
            .collect()
    }

    #[test]
    fn one_of_each_device_is_under_way_and_the_next_begins_when_it_has_ended() {
        let mut lanes = lanes(&[("a", 1), ("a", 2), ("b", 3), ("a", 4)], 10);
        assert_eq!(begun(&mut lanes), [1, 3]);
        lanes.ended("a");
        assert_eq!(begun(&mut lanes), [2]);
        lanes.ended("b");
        lanes.add("b".to_owned(), 5);
        assert_eq!(begun(&mut lanes), [5]);
    }

    #[test]
    fn no_more_than_so_many_are_under_way() {
        let mut lanes = lanes(&[("a", 1), ("b", 2), ("c", 3)], 2);
        assert_eq!(begun(&mut lanes), [1, 2]);
        lanes.ended("a");
        assert_eq!(begun(&mut lanes), [3]);
    }

    #[test]
    fn what_waits_can_be_forgotten_and_comes_again_behind_what_is_under_way() {
        let mut lanes = lanes(&[("a", 1), ("a", 2), ("b", 3)], 1);
        assert_eq!(begun(&mut lanes), [1]);
        lanes.forget_waiting();
        for (lane, number) in [("a", 1), ("a", 2), ("b", 3)] {
            lanes.add(lane.to_owned(), number);
        }
        assert!(begun(&mut lanes).is_empty());
        lanes.ended("a");
        assert_eq!(begun(&mut lanes), [3]);
        lanes.ended("b");
        assert_eq!(begun(&mut lanes), [1]);
        lanes.ended("a");
        assert_eq!(begun(&mut lanes), [2]);
    }
}
