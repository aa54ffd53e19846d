//! How many of something each may hold at a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is held, by whom. Cheap to clone; who holds nothing takes no memory.
#[derive(Debug)]
pub struct Shares<K: Hash + Eq + Clone>(Arc<Mutex<HashMap<K, usize>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Share<K: Hash + Eq + Clone> {
    shares: Shares<K>,
    of: K,
}

impl<K: Hash + Eq + Clone> Shares<K> {
    /// One more, if he has fewer than `most`.
    #[must_use]
    pub fn take(&self, of: K, most: usize) -> Option<Share<K>> {
        let mut held = self.held();
        match held.get_mut(&of) {
            Some(count) if *count >= most => return None,
            Some(count) => *count += 1,
            None if most == 0 => return None,
            None => {
                held.insert(of.clone(), 1);
            }
        }
        drop(held);
        let shares = self.clone();
        Some(Share { shares, of })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Hash + Eq + Clone> Default for Shares<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Hash + Eq + Clone> Drop for Share<K> {
    fn drop(&mut self) {
        let mut held = self.shares.held();
        if let Some(count) = held.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_as_many_as_he_may_and_what_is_given_back_is_forgotten() {
        let shares = Shares::default();
        let held: Vec<_> = (0..2).map(|_| shares.take("ada", 2)).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(shares.take("ada", 2).is_none());
        let other = shares.take("eve", 2);
        assert!(other.is_some() && shares.take("bob", 0).is_none());
        drop(held);
        assert!(shares.take("ada", 2).is_some());
        drop(other);
        assert!(shares.held().is_empty());
    }
}
