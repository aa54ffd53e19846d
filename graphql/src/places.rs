//! Places for what is held in memory at a time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sealrock_access::{ClientAddress, Share, Shares};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::allowance::{Allowance, Room};
use crate::caller::Caller;
use crate::endpoint::Limits;

/// Accounts that are remembered before those are forgotten that hold nothing.
const REMEMBERED: usize = 1_000;

/// Strangers' places of each address, so that no one keeps the others from signing in.
#[derive(Debug, Clone)]
pub(crate) struct ByAddress {
    held: Shares<IpAddr>,
    most: usize,
}

impl ByAddress {
    fn new(most: usize) -> Self {
        let held = Shares::default();
        Self { held, most }
    }

    fn take(&self, address: ClientAddress) -> Option<Share<IpAddr>> {
        self.held.take(address.network(), self.most)
    }
}

/// Places of each account, so that no one keeps the others from asking. Who has taken all of his waits
/// for one of his own.
#[derive(Debug, Clone)]
struct ByAccount {
    held: Arc<Mutex<HashMap<String, Weak<Semaphore>>>>,
    most: usize,
}

impl ByAccount {
    fn new(most: usize) -> Self {
        let held = Arc::default();
        Self { held, most }
    }

    fn of(&self, account: String) -> Arc<Semaphore> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = held.get(&account).and_then(Weak::upgrade) {
            return places;
        }
        if held.len() > REMEMBERED {
            held.retain(|_, places| places.strong_count() > 0);
        }
        let places = Arc::new(Semaphore::new(self.most));
        held.insert(account, Arc::downgrade(&places));
        places
    }
}

/// Places for what is held in memory, by [`Limits`].
#[derive(Debug, Clone)]
pub(crate) struct Places {
    requests: Arc<Semaphore>,
    requests_of_one: ByAccount,
    strangers: Arc<Semaphore>,
    strangers_of_one: ByAddress,
    entries: Room,
    pub(crate) sockets: Arc<Semaphore>,
    pub(crate) subscriptions: Shares<String>,
}

/// Whose a place is.
#[derive(Debug)]
#[expect(dead_code, reason = "it is given back when it is dropped")]
enum Own {
    Account(OwnedSemaphorePermit),
    Address(Option<Share<IpAddr>>),
}

/// What an operation holds until its answer is written.
#[derive(Debug)]
pub(crate) struct Holding {
    _own: Own,
    _place: OwnedSemaphorePermit,
    pub(crate) allowance: Allowance,
}

/// Whose places are taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// All of this account.
    Own,
    /// All.
    All,
}

impl Places {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(limits.requests)),
            requests_of_one: ByAccount::new(limits.requests_of_one),
            strangers: Arc::new(Semaphore::new(limits.strangers)),
            strangers_of_one: ByAddress::new(limits.strangers_of_one),
            entries: Room::default(),
            sockets: Arc::new(Semaphore::new(limits.sockets)),
            subscriptions: Shares::default(),
        }
    }

    /// A place for an operation, if there is one now.
    pub(crate) fn try_take(
        &self,
        caller: &Caller,
        address: Option<ClientAddress>,
    ) -> Result<Holding, Taken> {
        let (places, own) = match caller {
            Caller::Known(principal) => {
                let own = self.requests_of_one.of(principal.actor());
                let own = own.try_acquire_owned().map_err(|_| Taken::Own)?;
                (&self.requests, Own::Account(own))
            }
            Caller::Anonymous => {
                let of = |address| self.strangers_of_one.take(address).ok_or(Taken::Own);
                (&self.strangers, Own::Address(address.map(of).transpose()?))
            }
        };
        let place = Arc::clone(places).try_acquire_owned();
        Ok(self.holding(own, place.map_err(|_| Taken::All)?))
    }

    /// The same of this account; waits for it.
    pub(crate) async fn take(&self, account: String) -> Holding {
        const OPEN: &str = "nobody closes this semaphore";
        let own = self.requests_of_one.of(account).acquire_owned().await;
        let place = Arc::clone(&self.requests).acquire_owned().await;
        self.holding(Own::Account(own.expect(OPEN)), place.expect(OPEN))
    }

    fn holding(&self, own: Own, place: OwnedSemaphorePermit) -> Holding {
        Holding {
            _own: own,
            _place: place,
            allowance: Allowance::new(&self.entries),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn accounts_that_hold_nothing_are_forgotten() {
        let places = ByAccount::new(1);
        let held = places.of("ada".to_owned()).try_acquire_owned().unwrap();
        for n in 0..5 * REMEMBERED {
            drop(places.of(format!("account {n}")));
        }
        assert!(places.held.lock().unwrap().len() <= REMEMBERED + 1);
        assert!(places.of("ada".to_owned()).try_acquire_owned().is_err());
        drop(held);
        assert!(places.of("ada".to_owned()).try_acquire_owned().is_ok());
    }
}
