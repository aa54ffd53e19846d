//! Work on all cores, results in order.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Does `work` for each item on all cores and gives the results to `fold`, on the calling thread
/// and in the order of the items. Of results that wait to be folded, `weight` of at most about
/// `budget` is held, and one more for each core.
///
/// # Errors
/// The first that `fold` answers; what is under way is then finished and dropped.
pub fn in_order<I: Send, T: Send, E>(
    items: impl Iterator<Item = I> + Send,
    budget: usize,
    work: impl Fn(I) -> T + Sync,
    weight: impl Fn(&T) -> usize + Sync,
    mut fold: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let workers = cores.min(items.size_hint().1.unwrap_or(cores));
    if workers <= 1 {
        return items.map(work).try_for_each(fold);
    }
    let desk = Desk::new(items, budget);
    thread::scope(|scope| {
        let closing = Closing(&desk);
        for _ in 0..workers {
            scope.spawn(|| desk.work(&work, &weight));
        }
        while let Some(result) = desk.next_result() {
            fold(result)?;
        }
        drop(closing);
        Ok(())
    })
}

/// Where items are taken and results are left.
struct Desk<It, T> {
    state: Mutex<State<It, T>>,
    changed: Condvar,
    budget: usize,
}

struct State<It, T> {
    items: It,
    /// Number of items taken, and of results folded.
    taken: u64,
    folded: u64,
    /// Results by the number of their item, with their weight.
    ready: BTreeMap<u64, (T, usize)>,
    held: usize,
    /// No more items, or nobody wants them.
    closed: bool,
}

impl<I, T, It: Iterator<Item = I>> Desk<It, T> {
    fn new(items: It, budget: usize) -> Self {
        let state = State {
            items,
            taken: 0,
            folded: 0,
            ready: BTreeMap::new(),
            held: 0,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            budget,
        }
    }

    fn work(&self, work: impl Fn(I) -> T, weight: impl Fn(&T) -> usize) {
        let closing = Closing(self);
        while let Some((number, item)) = self.take() {
            let result = work(item);
            let weight = weight(&result);
            let mut state = self.lock();
            state.held += weight;
            state.ready.insert(number, (result, weight));
            self.changed.notify_all();
        }
        // Only a panic closes the desk for the others.
        std::mem::forget(closing);
    }

    /// The next item, once there is room. It cannot wait for ever: if nothing was taken beyond what
    /// was folded, nothing is held.
    fn take(&self) -> Option<(u64, I)> {
        let mut state = self.lock();
        while !state.closed && state.held > 0 && state.held >= self.budget {
            state = self.wait(state);
        }
        if state.closed {
            return None;
        }
        let Some(item) = state.items.next() else {
            state.closed = true;
            self.changed.notify_all();
            return None;
        };
        state.taken += 1;
        Some((state.taken - 1, item))
    }

    fn next_result(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            let next = state.folded;
            if let Some((result, weight)) = state.ready.remove(&next) {
                state.folded += 1;
                state.held -= weight;
                self.changed.notify_all();
                return Some(result);
            }
            if state.closed && next >= state.taken {
                return None;
            }
            state = self.wait(state);
        }
    }
}

impl<It, T> Desk<It, T> {
    fn lock(&self) -> MutexGuard<'_, State<It, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<It, T>>) -> MutexGuard<'a, State<It, T>> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends everybody home when it is dropped, whether by an error or by a panic: otherwise one side
/// would wait for the other for ever.
struct Closing<'a, It, T>(&'a Desk<It, T>);

impl<It, T> Drop for Closing<'_, It, T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        if thread::panicking() {
            state.taken = state.folded;
        }
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn results_come_in_order_whatever_takes_how_long() {
        let mut folded = Vec::new();
        let work = |item: u64| {
            thread::sleep(std::time::Duration::from_micros(item * 7919 % 300));
            item
        };
        let result: Result<(), Infallible> = in_order(
            (0..300).collect::<Vec<u64>>().into_iter(),
            10,
            work,
            |_| 1,
            |item| {
                folded.push(item);
                Ok(())
            },
        );
        result.expect("infallible");
        assert_eq!(folded, (0..300).collect::<Vec<u64>>());
    }

    #[test]
    fn what_waits_stays_within_the_budget_and_one_a_core() {
        let (begun, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut folded = 0;
        let work = |()| begun.fetch_add(1, Ordering::SeqCst);
        let result: Result<(), Infallible> = in_order(
            vec![(); 500].into_iter(),
            8,
            work,
            |_| 1,
            |_| {
                most.fetch_max(begun.load(Ordering::SeqCst) - folded, Ordering::SeqCst);
                folded += 1;
                Ok(())
            },
        );
        result.expect("infallible");
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        assert!(most.load(Ordering::SeqCst) <= 8 + cores + 1);
    }

    #[test]
    fn the_first_error_in_order_ends_it() {
        let mut folded = 0;
        let result = in_order(
            0..1000,
            4,
            |item| item,
            |_| 1,
            |item| {
                folded += 1;
                if item == 7 { Err(item) } else { Ok(()) }
            },
        );
        assert_eq!((result, folded), (Err(7), 8));
    }

    #[test]
    fn a_panic_is_passed_on_and_nobody_waits_for_it() {
        let run = || {
            let work = |item| assert_ne!(item, 20, "the twentieth");
            let _: Result<(), Infallible> = in_order(0..1000, 4, work, |()| 1, |()| Ok(()));
        };
        assert!(std::panic::catch_unwind(run).is_err());
    }
}
