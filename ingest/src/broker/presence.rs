//! Presence, told in order, in memory that the number of devices bounds.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sealrock_domain::DeviceId;
use tokio::sync::Notify;

use super::Presence;

/// Every [`Presence`] from the broker's start, in order. While nobody reads it, it keeps of each device
/// the first change and the last: a lost `offline` would stay wrong for long, and what a device did
/// between is past.
#[derive(Debug)]
pub struct PresenceStream(Arc<Shared>);

/// The end that tells; the stream ends with the last of them.
#[derive(Debug, Clone)]
pub(crate) struct PresenceTeller(Arc<Alive>);

#[derive(Debug)]
struct Alive(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    told: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Whose change is next; a device stands here as often as it has changes in `changes`.
    order: VecDeque<DeviceId>,
    /// At most two of a device.
    changes: HashMap<DeviceId, VecDeque<Presence>>,
    ended: bool,
}

/// A stream and who tells it.
pub(crate) fn channel() -> (PresenceTeller, PresenceStream) {
    let shared = Arc::new(Shared::default());
    let alive = Arc::new(Alive(Arc::clone(&shared)));
    (PresenceTeller(alive), PresenceStream(shared))
}

impl PresenceTeller {
    pub(crate) fn tell(&self, presence: Presence) {
        self.0.0.lock().push(presence);
        self.0.0.told.notify_one();
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.told.notify_one();
    }
}

impl PresenceStream {
    /// The next change; `None` when the broker is gone.
    pub async fn recv(&mut self) -> Option<Presence> {
        loop {
            {
                let mut waiting = self.0.lock();
                if let Some(presence) = waiting.pop() {
                    return Some(presence);
                }
                if waiting.ended {
                    return None;
                }
            }
            self.0.told.notified().await;
        }
    }

    /// The next change, if there is one now.
    pub fn try_recv(&mut self) -> Option<Presence> {
        self.0.lock().pop()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn push(&mut self, presence: Presence) {
        let device = presence.device.device;
        let changes = self.changes.entry(device).or_default();
        if changes.len() == 2 {
            changes[1] = presence;
        } else {
            changes.push_back(presence);
            self.order.push_back(device);
        }
    }

    fn pop(&mut self) -> Option<Presence> {
        let device = self.order.pop_front()?;
        let changes = self.changes.get_mut(&device)?;
        let next = changes.pop_front();
        if changes.is_empty() {
            self.changes.remove(&device);
        }
        next
    }
}
