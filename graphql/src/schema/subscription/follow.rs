//! Turns questions by position into a stream that never ends.

use std::collections::VecDeque;
use std::time::Duration;

use futures::{Stream, stream};
use sealrock_projections::QueryError;
use tokio::sync::watch;

use crate::schema::problem::Problem;

/// How long to wait before asking again when the database is away.
const RETRY: Duration = Duration::from_secs(1);

/// Answers by position: each call goes on where the last one ended.
pub(super) trait Source: Send + 'static {
    type Item: Send + 'static;

    /// The next items in order, and whether asking again at once finds more. Moves on only when it
    /// answers: after an error the same question is asked again.
    fn fetch(&mut self) -> impl Future<Output = Result<Fetched<Self::Item>, QueryError>> + Send;
}

/// What a call found.
pub(super) struct Fetched<T> {
    pub(super) items: Vec<T>,
    pub(super) more: bool,
}

struct Follower<S: Source> {
    source: S,
    wake: watch::Receiver<u64>,
    ready: VecDeque<S::Item>,
    failed: bool,
}

/// All items of `source`, present and future. `wake` changes when there may be more; a database that
/// is away for a while is waited for. Nothing is fetched ahead of what the consumer takes, but the
/// rest of one answer.
pub(super) fn follow<S: Source>(
    source: S,
    wake: watch::Receiver<u64>,
) -> impl Stream<Item = Result<S::Item, Problem>> {
    let follower = Follower {
        source,
        wake,
        ready: VecDeque::new(),
        failed: false,
    };
    stream::unfold(follower, |mut follower| async {
        let item = follower.next().await?;
        Some((item, follower))
    })
}

impl<S: Source> Follower<S> {
    async fn next(&mut self) -> Option<Result<S::Item, Problem>> {
        loop {
            if self.failed {
                return None;
            }
            if let Some(item) = self.ready.pop_front() {
                return Some(Ok(item));
            }
            // Marked before asking: what comes while the question runs wakes us afterwards.
            self.wake.borrow_and_update();
            match self.source.fetch().await {
                Ok(Fetched { items, more }) => {
                    let idle = items.is_empty() && !more;
                    self.ready.extend(items);
                    if idle {
                        self.wake.changed().await.ok()?;
                    }
                }
                Err(error) if error.may_pass() => {
                    tracing::debug!(%error, "a subscription looks again in a moment");
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error.into()));
                }
            }
        }
    }
}
