//! The tails that are followed.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;

use super::{Tail, Topic};

/// The tails of a kind of topic, by what they are about; those that nobody follows are gone.
pub(crate) struct Registry<K, T: Topic>(Mutex<HashMap<K, Weak<Tail<T>>>>);

impl<K, T: Topic> Default for Registry<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, T: Topic> Registry<K, T> {
    /// The tail of `about`; one that is new begins behind `from`, which was the end a moment ago.
    pub(crate) fn join(
        &self,
        about: K,
        from: Option<T::Place>,
        begin: impl FnOnce() -> (T, watch::Receiver<u64>),
    ) -> Arc<Tail<T>> {
        let mut tails = self.tails();
        let known = tails.get(&about).and_then(Weak::upgrade);
        if let Some(tail) = known.filter(|tail| !tail.is_broken()) {
            return tail;
        }
        tails.retain(|_, tail| tail.strong_count() > 0);
        let (topic, more) = begin();
        let tail = Tail::start(topic, from, more);
        tails.insert(about, Arc::downgrade(&tail));
        tail
    }

    /// How many tails are followed whose subject is such.
    pub(crate) fn count(&self, of: impl Fn(&K) -> bool) -> usize {
        let tails = self.tails();
        let followed = tails.iter().filter(|(_, tail)| tail.strong_count() > 0);
        followed.filter(|(about, _)| of(about)).count()
    }

    fn tails(&self) -> MutexGuard<'_, HashMap<K, Weak<Tail<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
