//! Turns what changes into a stream of states: all of it at first, then what changed since.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use futures::{Stream, stream};
use sealrock_projections::QueryError;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::follow::AGAIN;
use super::tail::{Page, RETRY, Tail, Topic};
use crate::schema::problem::Problem;

/// What one subscriber wants to know the state of.
pub(super) trait States: Send + 'static {
    type Topic: Topic<Key: Clone>;
    /// What has a state.
    type Id: Eq + Hash + Send;

    fn id(item: &<Self::Topic as Topic>::Item) -> Self::Id;

    /// Whether an item is one of his.
    fn wants(&self, item: &<Self::Topic as Topic>::Item) -> bool;

    /// His states that changed behind `after`, or all of them.
    fn fetch(
        &self,
        after: Option<<Self::Topic as Topic>::Place>,
    ) -> impl Future<Output = Result<Page<Self::Topic>, QueryError>> + Send;
}

type Item<S> = <<S as States>::Topic as Topic>::Item;
type Place<S> = <<S as States>::Topic as Topic>::Place;

/// What changed, and the place that it shows.
pub(super) struct Change<S: States> {
    pub(super) items: Vec<Arc<Item<S>>>,
    pub(super) reached: Option<Place<S>>,
}

struct Follower<S: States> {
    source: S,
    tail: Arc<Tail<S::Topic>>,
    key: <S::Topic as Topic>::Key,
    wake: watch::Receiver<()>,
    /// Whether all states have been sent once.
    begun: bool,
    after: Option<Place<S>>,
    /// Whether the tail does not reach him, so that nobody may wake him.
    by_itself: bool,
    /// The place of each state that was sent: the read model may answer a change twice.
    sent: HashMap<S::Id, Place<S>>,
    failed: bool,
}

/// All states, then those that changed. Changes that come faster than they are taken are merged.
pub(super) fn follow<S: States>(
    source: S,
    tail: Arc<Tail<S::Topic>>,
    key: <S::Topic as Topic>::Key,
) -> impl Stream<Item = Result<Change<S>, Problem>> {
    let follower = Follower {
        source,
        wake: tail.watch(key.clone()),
        key,
        tail,
        begun: false,
        by_itself: false,
        after: None,
        sent: HashMap::new(),
        failed: false,
    };
    stream::unfold(follower, |mut follower| async {
        let change = follower.next().await?;
        Some((change, follower))
    })
}

impl<S: States> Follower<S> {
    async fn next(&mut self) -> Option<Result<Change<S>, Problem>> {
        while !self.failed {
            // Marked before looking: what comes meanwhile wakes us afterwards.
            self.wake.borrow_and_update();
            let change = match self.look().await {
                Ok(change) => change,
                Err(error) if error.may_pass() => {
                    tracing::debug!(%error, "a subscription looks again in a moment");
                    sleep(RETRY).await;
                    continue;
                }
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error.into()));
                }
            };
            let first = !std::mem::replace(&mut self.begun, true);
            self.after = change.reached;
            if first || !change.items.is_empty() {
                return Some(Ok(change));
            }
            self.woken().await?;
        }
        None
    }

    /// Waits for a change, or a moment if nobody may tell of one; `None` if there will be none.
    async fn woken(&mut self) -> Option<()> {
        if !self.by_itself {
            return self.wake.changed().await.ok();
        }
        let told = timeout(AGAIN, self.wake.changed()).await;
        told.map_or(Some(()), Result::ok)
    }

    /// What changed since the last look: by the tail, or by asking where it does not reach.
    async fn look(&mut self) -> Result<Change<S>, QueryError> {
        let wants = |item: &Item<S>| self.source.wants(item);
        let at_hand = || self.tail.after(&self.key, self.after, usize::MAX, wants);
        let step = self.begun.then(at_hand).flatten();
        self.by_itself = step.is_none();
        let (items, reached) = if let Some(step) = step {
            (step.items, step.reached)
        } else {
            let page = self.source.fetch(self.after).await?;
            (page.items.into_iter().map(Arc::new).collect(), page.reached)
        };
        Ok(Change {
            items: self.news(items),
            reached: reached.max(self.after),
        })
    }

    /// The newest of each state that is newer than what was sent, in the order of the answer.
    fn news(&mut self, items: Vec<Arc<Item<S>>>) -> Vec<Arc<Item<S>>> {
        let mut news = Vec::new();
        for item in items.into_iter().rev() {
            let place = <S::Topic as Topic>::place(&item);
            let sent = self.sent.entry(S::id(&item));
            let newer = match &sent {
                std::collections::hash_map::Entry::Occupied(sent) => *sent.get() < place,
                std::collections::hash_map::Entry::Vacant(_) => true,
            };
            if newer {
                sent.insert_entry(place);
                news.push(item);
            }
        }
        news.reverse();
        news
    }
}
