//! Room for frames of large items: many who take no frames do not each hold a large one.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// KiB of large items whose frames are made and written at a time, over all sockets.
const KIB: u32 = 64 << 10;
/// Bytes up to which an item needs no room: as the number of sockets is bounded, so are their small
/// frames.
const SMALL: usize = 16 << 10;

/// Room for frames of large items.
#[derive(Debug, Clone)]
pub(crate) struct FrameRoom(Arc<Semaphore>);

/// What a frame takes of the room until it is written.
#[derive(Debug, Default)]
pub(super) struct Frame(Option<OwnedSemaphorePermit>);

impl Default for FrameRoom {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(KIB as usize)))
    }
}

impl FrameRoom {
    /// Waits for room for an item of so many bytes, in the order of the callers. One that is larger
    /// than all of it takes all of it.
    pub(super) async fn take(&self, bytes: usize) -> Frame {
        let kib = kib(bytes);
        if kib == 0 {
            return Frame::default();
        }
        let room = Arc::clone(&self.0).acquire_many_owned(kib).await;
        Frame(Some(room.expect("nobody closes this semaphore")))
    }

    /// Room for an item of so many bytes, if there is some now.
    pub(super) fn try_take(&self, bytes: usize) -> Option<Frame> {
        let kib = kib(bytes);
        if kib == 0 {
            return Some(Frame::default());
        }
        let room = Arc::clone(&self.0).try_acquire_many_owned(kib).ok()?;
        Some(Frame(Some(room)))
    }
}

impl Frame {
    /// Whether an item of so many bytes finds room in it.
    pub(super) fn holds(&self, bytes: usize) -> bool {
        let held = self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        held >= kib(bytes) as usize
    }
}

fn kib(bytes: usize) -> u32 {
    if bytes <= SMALL {
        return 0;
    }
    u32::try_from(bytes.div_ceil(1024)).map_or(KIB, |kib| kib.min(KIB))
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn a_large_frame_waits_until_others_have_left_room_for_it() {
        let room = FrameRoom::default();
        let half = KIB as usize / 2 * 1024;
        let (first, _second) = (room.take(half).await, room.take(half).await);
        let mut waiting = std::pin::pin!(room.take(half));
        assert!(poll!(&mut waiting).is_pending());
        assert!(room.try_take(SMALL + 1).is_none());
        drop(first);
        assert!(matches!(poll!(&mut waiting), Poll::Ready(frame) if frame.holds(half)));
    }

    #[tokio::test]
    async fn a_small_frame_needs_no_room_and_one_that_is_too_large_takes_all() {
        let room = FrameRoom::default();
        let all = room.take(usize::MAX).await;
        assert!(all.holds(usize::MAX));
        assert!(room.take(SMALL).await.holds(SMALL));
        assert!(room.try_take(SMALL).is_some());
    }
}
