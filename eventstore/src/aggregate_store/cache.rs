//! The states that a process keeps in memory, of all types and ledgers under one bound.

use std::any::Any;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cqrs_es::Aggregate;
use lru::LruCache;
use serde::Serialize;

use super::Loaded;
use crate::ledgers::LedgerId;

/// Memory for states, by estimate.
const MAX_BYTES: usize = 64 << 20;
/// What a state takes besides its text: its place in the cache, its fields, its allocations.
const OVERHEAD: usize = 512;

/// The states of aggregates that were used last. Clones share them.
///
/// Each is counted as the length of its JSON and a fixed part; the longest unused ones go when all
/// together are more than 64 MiB. A state may be behind its stream, because another process wrote.
#[derive(Clone)]
pub struct AggregateCache(Arc<Inner>);

struct Inner {
    max_bytes: usize,
    kept: Mutex<Kept>,
}

struct Kept {
    states: LruCache<Key, State>,
    bytes: usize,
}

type Key = (LedgerId, Arc<str>);

struct State {
    aggregate: Arc<dyn Any + Send + Sync>,
    version: u64,
    bytes: usize,
}

impl Default for AggregateCache {
    fn default() -> Self {
        Self::with_bytes(MAX_BYTES)
    }
}

impl AggregateCache {
    /// A cache for another number of bytes.
    #[must_use]
    pub fn with_bytes(max_bytes: usize) -> Self {
        // Bounded by hand: by bytes, and a bounded LruCache takes the memory for its bound at once.
        let states = LruCache::unbounded();
        let kept = Mutex::new(Kept { states, bytes: 0 });
        Self(Arc::new(Inner { max_bytes, kept }))
    }

    /// The state of a stream, if it is here.
    pub(super) fn get<A: Aggregate + 'static>(
        &self,
        ledger: LedgerId,
        stream: &Arc<str>,
    ) -> Option<Loaded<A>> {
        let key = (ledger, Arc::clone(stream));
        let mut kept = self.lock();
        kept.states.get(&key)?.loaded(stream)
    }

    /// Keeps the newer of what is known and what is given: loads may finish out of order.
    pub(super) fn keep<A: Aggregate + 'static>(&self, ledger: LedgerId, loaded: &Loaded<A>) {
        let key = (ledger, Arc::clone(&loaded.stream));
        let bytes = size_of(&*loaded.aggregate) + loaded.stream.len() + OVERHEAD;
        let mut kept = self.lock();
        let known = kept.states.peek(&key);
        if known.is_some_and(|known| known.version > loaded.version) {
            return;
        }
        let aggregate: Arc<dyn Any + Send + Sync> = loaded.aggregate.clone();
        let version = loaded.version;
        let state = State {
            aggregate,
            version,
            bytes,
        };
        let before = kept.states.put(key, state).map_or(0, |state| state.bytes);
        kept.bytes = kept.bytes + bytes - before;
        kept.shrink(self.0.max_bytes);
        kept.report();
    }

    /// Folds committed events into the state if it is at the version `before` them; answers what is
    /// known of the stream then. `bytes` is what the state may have grown by; [`keep`](Self::keep)
    /// counts it anew.
    pub(super) fn fold<A: Aggregate + Clone + 'static>(
        &self,
        ledger: LedgerId,
        stream: &Arc<str>,
        before: u64,
        events: Vec<A::Event>,
        bytes: usize,
    ) -> Option<Loaded<A>> {
        let key = (ledger, Arc::clone(stream));
        let mut kept = self.lock();
        let state = kept.states.get_mut(&key)?;
        if state.version != before {
            return state.loaded(stream);
        }
        state.version += events.len() as u64;
        state.bytes += bytes;
        state.change(|aggregate: &mut A| {
            for event in events {
                aggregate.apply(event);
            }
        });
        let folded = state.loaded(stream);
        kept.bytes += bytes;
        kept.shrink(self.0.max_bytes);
        folded
    }

    /// Forgets a stream of which another process has written more.
    pub(super) fn forget(&self, ledger: LedgerId, stream: &Arc<str>) {
        let mut kept = self.lock();
        if let Some(state) = kept.states.pop(&(ledger, Arc::clone(stream))) {
            kept.bytes -= state.bytes;
            kept.report();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn bytes(&self) -> (usize, usize) {
        let kept = self.lock();
        (kept.bytes, kept.states.len())
    }
}

impl State {
    fn loaded<A: Aggregate + 'static>(&self, stream: &Arc<str>) -> Option<Loaded<A>> {
        let aggregate = Arc::clone(&self.aggregate).downcast().ok()?;
        Some(Loaded {
            aggregate,
            stream: Arc::clone(stream),
            version: self.version,
        })
    }

    /// In place, unless somebody decides on the state at this moment: what was loaded stays as it is.
    fn change<A: Aggregate + Clone + 'static>(&mut self, change: impl FnOnce(&mut A)) {
        if let Some(own) = Arc::get_mut(&mut self.aggregate) {
            if let Some(aggregate) = own.downcast_mut() {
                change(aggregate);
            }
        } else if let Some(shared) = self.aggregate.downcast_ref::<A>() {
            let mut aggregate = shared.clone();
            change(&mut aggregate);
            self.aggregate = Arc::new(aggregate);
        }
    }
}

impl Kept {
    fn shrink(&mut self, max_bytes: usize) {
        while self.bytes > max_bytes
            && let Some((_, state)) = self.states.pop_lru()
        {
            self.bytes -= state.bytes;
            metrics::counter!("sealrock_aggregate_cache_evicted_total").increment(1);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    fn report(&self) {
        metrics::gauge!("sealrock_aggregate_cache_bytes").set(self.bytes as f64);
        metrics::gauge!("sealrock_aggregate_cache_states").set(self.states.len() as f64);
    }
}

/// The length of a state's JSON, without writing it.
fn size_of(state: &impl Serialize) -> usize {
    struct Length(usize);
    impl io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    // What cannot be written as JSON has no snapshot either, and counts as far as it got.
    let _ = serde_json::to_writer(&mut length, state);
    length.0
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use cqrs_es::DomainEvent;
    use cqrs_es::event_sink::EventSink;
    use serde::Deserialize;

    use super::*;

    const LEDGER: LedgerId = LedgerId(1);

    /// All texts that were said.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    struct Said(String);

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Word(String);

    #[derive(Debug, thiserror::Error)]
    #[error("never")]
    struct Never;

    impl DomainEvent for Word {
        fn event_type(&self) -> String {
            "Word".to_owned()
        }
        fn event_version(&self) -> String {
            "1".to_owned()
        }
    }

    impl Aggregate for Said {
        const TYPE: &'static str = "said";
        type Command = ();
        type Event = Word;
        type Error = Never;
        type Services = ();

        async fn handle(&mut self, (): (), (): &(), _: &EventSink<Self>) -> Result<(), Never> {
            Ok(())
        }

        fn apply(&mut self, Word(word): Word) {
            self.0.push_str(&word);
        }
    }

    fn said(stream: &Arc<str>, version: u64, text: &str) -> Loaded<Said> {
        Loaded {
            aggregate: Arc::new(Said(text.to_owned())),
            stream: Arc::clone(stream),
            version,
        }
    }

    fn known(cache: &AggregateCache, stream: &Arc<str>) -> Option<(u64, String)> {
        let loaded = cache.get::<Said>(LEDGER, stream)?;
        Some((loaded.version, loaded.aggregate.0.clone()))
    }

    fn word(text: &str) -> Vec<Word> {
        vec![Word(text.to_owned())]
    }

    #[test]
    fn the_bytes_of_all_states_stay_below_the_bound_and_the_longest_unused_goes() {
        let cache = AggregateCache::with_bytes(10 * (1000 + OVERHEAD));
        let streams: Vec<Arc<str>> = (0..100).map(|n| format!("said/{n}").into()).collect();
        for (n, stream) in streams.iter().enumerate() {
            cache.keep(LEDGER, &said(stream, 1, &"x".repeat(900)));
            known(&cache, &streams[0]).unwrap();
            let (bytes, states) = cache.bytes();
            assert!(bytes <= 10 * (1000 + OVERHEAD), "{bytes} with {n}");
            assert!(states <= 11, "{states} with {n}");
        }
        assert!(known(&cache, &streams[1]).is_none());
        assert!(known(&cache, &streams[99]).is_some());
    }

    #[test]
    fn a_state_that_grows_is_counted_as_it_grows_and_anew_when_it_is_kept() {
        let (cache, stream) = (AggregateCache::default(), Arc::from("said/1"));
        cache.keep(LEDGER, &said(&stream, 1, "a"));
        let before = cache.bytes().0;
        let folded = cache
            .fold::<Said>(LEDGER, &stream, 1, word("bc"), 100)
            .unwrap();
        assert_eq!(cache.bytes().0, before + 100);
        cache.keep(LEDGER, &folded);
        assert_eq!(cache.bytes().0, before + 2);
        cache.forget(LEDGER, &stream);
        assert_eq!(cache.bytes(), (0, 0));
    }

    #[test]
    fn what_was_loaded_stays_as_it_is_while_the_cache_goes_on() {
        let (cache, stream) = (AggregateCache::default(), Arc::from("said/1"));
        cache.keep(LEDGER, &said(&stream, 1, "a"));
        let loaded = cache.get::<Said>(LEDGER, &stream).unwrap();
        cache
            .fold::<Said>(LEDGER, &stream, 1, word("b"), 1)
            .unwrap();
        assert_eq!(loaded.aggregate.0, "a");
        assert_eq!(known(&cache, &stream), Some((2, "ab".to_owned())));
    }

    #[test]
    fn events_are_folded_only_into_the_version_before_them() {
        let (cache, stream) = (AggregateCache::default(), Arc::from("said/1"));
        cache.keep(LEDGER, &said(&stream, 3, "abc"));
        for before in [2, 4] {
            cache.fold::<Said>(LEDGER, &stream, before, word("x"), 1);
            assert_eq!(known(&cache, &stream), Some((3, "abc".to_owned())));
        }
        let nowhere = Arc::from("said/2");
        assert!(
            cache
                .fold::<Said>(LEDGER, &nowhere, 0, word("x"), 1)
                .is_none()
        );
    }

    #[test]
    fn an_older_state_does_not_replace_a_newer_one() {
        let (cache, stream) = (AggregateCache::default(), Arc::from("said/1"));
        cache.keep(LEDGER, &said(&stream, 3, "abc"));
        cache.keep(LEDGER, &said(&stream, 2, "ab"));
        assert_eq!(known(&cache, &stream), Some((3, "abc".to_owned())));
    }

    #[test]
    fn one_name_in_two_ledgers_is_two_streams() {
        let (cache, stream) = (AggregateCache::default(), Arc::from("said/1"));
        cache.keep(LEDGER, &said(&stream, 1, "a"));
        assert!(cache.get::<Said>(LedgerId(2), &stream).is_none());
    }
}
