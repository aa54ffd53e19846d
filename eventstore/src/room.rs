//! How much memory appends that wait may hold, over all ledgers of the process.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// 256 MiB, in KiB.
const KIB: u32 = 256 << 10;

/// Room for appends. Who finds none waits: that is back-pressure too.
pub(crate) struct Room {
    free: Arc<Semaphore>,
    kib: u32,
}

impl Default for Room {
    fn default() -> Self {
        Self::new(KIB)
    }
}

impl Room {
    fn new(kib: u32) -> Self {
        let free = Semaphore::new(usize::try_from(kib).unwrap_or(Semaphore::MAX_PERMITS));
        Self {
            free: Arc::new(free),
            kib,
        }
    }

    /// Waits until `bytes` find room, in the order of the callers. One append larger than all of it
    /// takes all of it.
    pub(crate) async fn take(&self, bytes: usize) -> OwnedSemaphorePermit {
        // What stands beside the payload counts as a KiB.
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        Arc::clone(&self.free)
            .acquire_many_owned(kib.min(self.kib))
            .await
            .expect("nobody closes this semaphore")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn an_append_waits_until_others_have_left_room_for_it() {
        let room = Room::new(8);
        let first = room.take(5000).await;
        let waiting = tokio::time::timeout(Duration::from_millis(20), room.take(5000)).await;
        assert!(waiting.is_err());
        drop(first);
        drop(room.take(5000).await);
    }

    #[tokio::test]
    async fn an_append_larger_than_all_room_takes_all_of_it() {
        let room = Room::new(8);
        let all = room.take(1 << 30).await;
        assert_eq!(room.free.available_permits(), 0);
        drop(all);
        assert_eq!(room.free.available_permits(), 8);
    }
}
