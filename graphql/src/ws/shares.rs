//! How many subscriptions each account has, on all of its sockets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::caller::Caller;

/// Running subscriptions by account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shares(Arc<Mutex<HashMap<String, usize>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    shares: Shares,
    account: String,
}

impl Shares {
    /// One more, if the account has fewer than `most`.
    pub(super) fn take(&self, caller: &Caller, most: usize) -> Option<Share> {
        let account = match caller {
            Caller::Known(principal) => principal.actor(),
            Caller::Anonymous => String::new(),
        };
        let mut running = self.running();
        let of_account = running.entry(account.clone()).or_default();
        if *of_account >= most {
            return None;
        }
        *of_account += 1;
        drop(running);
        Some(Share {
            shares: self.clone(),
            account,
        })
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut running = self.shares.running();
        if let Some(of_account) = running.get_mut(&self.account) {
            *of_account -= 1;
            if *of_account == 0 {
                running.remove(&self.account);
            }
        }
    }
}
