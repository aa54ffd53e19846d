//! Turns a tail and questions by position into a stream that never ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Context;
use futures::{Stream, stream};
use sealrock_projections::QueryError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::frames::{Frame, FrameRoom};
use super::tail::{Page, RETRY, Tail, Topic};
use crate::schema::problem::Problem;

/// Pages of those who ask for themselves that are in memory at a time, all together. A page is held
/// until its last item is taken, so that a thousand who stall hold no thousand pages.
const PAGES: usize = 64;
/// How long who asks for himself waits when there is nothing.
pub(super) const AGAIN: Duration = Duration::from_millis(200);

/// What one subscriber wants of a topic.
pub(super) trait Source: Send + 'static {
    type Topic: Topic;

    /// Whether an item is one of his.
    fn wants(&self, item: &<Self::Topic as Topic>::Item) -> bool;

    /// His items behind `after`, where the tail does not reach: each call goes on where the last one
    /// ended.
    fn fetch(
        &self,
        after: Option<<Self::Topic as Topic>::Place>,
    ) -> impl Future<Output = Result<Page<Self::Topic>, QueryError>> + Send;
}

type Item<S> = <<S as Source>::Topic as Topic>::Item;

struct Follower<S: Source> {
    source: S,
    tail: Arc<Tail<S::Topic>>,
    key: <S::Topic as Topic>::Key,
    wake: watch::Receiver<()>,
    after: Option<<S::Topic as Topic>::Place>,
    room: Room,
    /// What is left of the page that he asked for himself.
    page: Option<(OwnedSemaphorePermit, VecDeque<Item<S>>)>,
    /// Held while the last item's frame is written: the next is asked for afterwards.
    frame: Frame,
    failed: bool,
}

/// Places for pages.
#[derive(Debug, Clone)]
pub(crate) struct Pages(Arc<Semaphore>);

impl Default for Pages {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PAGES)))
    }
}

/// What all subscribers share.
pub(super) struct Room {
    pages: Pages,
    frames: FrameRoom,
}

impl Room {
    pub(super) fn of(context: &Context<'_>) -> Self {
        Self {
            pages: context.data_unchecked::<Pages>().clone(),
            frames: context.data_unchecked::<FrameRoom>().clone(),
        }
    }
}

/// All items behind `after` that `source` wants, present and future, by the tail where it reaches. A
/// database that is away for a while is waited for. Nothing is fetched ahead of what the consumer
/// takes, but the rest of one answer.
pub(super) fn follow<S: Source>(
    source: S,
    tail: Arc<Tail<S::Topic>>,
    key: <S::Topic as Topic>::Key,
    after: Option<<S::Topic as Topic>::Place>,
    room: Room,
) -> impl Stream<Item = Result<Arc<Item<S>>, Problem>>
where
    <S::Topic as Topic>::Key: Clone,
{
    let follower = Follower {
        source,
        wake: tail.watch(key.clone()),
        key,
        tail,
        after,
        room,
        page: None,
        frame: Frame::default(),
        failed: false,
    };
    stream::unfold(follower, |mut follower| async {
        let item = follower.next().await?;
        Some((item, follower))
    })
}

impl<S: Source> Follower<S> {
    async fn next(&mut self) -> Option<Result<Arc<Item<S>>, Problem>> {
        // The frame before is written: that is when the next item is asked for.
        self.frame = Frame::default();
        loop {
            if self.failed {
                return None;
            }
            if let Some(item) = self.page.as_mut().and_then(|(_, items)| items.pop_front()) {
                self.frame = Frame::default();
                self.frame = self.room.frames.take(S::Topic::bytes(&item)).await;
                return Some(Ok(Arc::new(item)));
            }
            self.page = None;
            // Marked before looking: what comes meanwhile wakes us afterwards.
            self.wake.borrow_and_update();
            let wants = |item: &Item<S>| self.source.wants(item);
            let step = self.tail.after(&self.key, self.after, 1, wants);
            let Some(step) = step else {
                // Who waits for a page holds no room, which those who have pages wait for.
                self.frame = Frame::default();
                if let Err(problem) = self.catch_up().await {
                    self.failed = true;
                    return Some(Err(problem));
                }
                continue;
            };
            let Some(item) = step.items.into_iter().next() else {
                self.after = step.reached;
                self.frame = Frame::default();
                self.wake.changed().await.ok()?;
                continue;
            };
            let bytes = S::Topic::bytes(&item);
            if !self.frame.holds(bytes)
                && let Some(frame) = self.room.frames.try_take(bytes)
            {
                self.frame = frame;
            }
            if self.frame.holds(bytes) {
                self.after = step.reached;
                return Some(Ok(item));
            }
            // Who waits keeps no item that the tail may drop meanwhile, and looks again.
            drop(item);
            self.frame = Frame::default();
            self.frame = self.room.frames.take(bytes).await;
        }
    }

    async fn catch_up(&mut self) -> Result<(), Problem> {
        let place = Arc::clone(&self.room.pages.0).acquire_owned().await;
        let place = place.expect("nobody closes this semaphore");
        match self.source.fetch(self.after).await {
            Ok(page) => {
                let idle = page.items.is_empty() && !page.more && page.reached <= self.after;
                self.after = page.reached.max(self.after);
                self.page = Some((place, page.items.into()));
                if idle {
                    let _ = timeout(AGAIN, self.wake.changed()).await;
                }
                Ok(())
            }
            Err(error) if error.may_pass() => {
                tracing::debug!(%error, "a subscription looks again in a moment");
                sleep(RETRY).await;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}
