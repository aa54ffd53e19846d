//! The way into a writer and back.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Answer;
use crate::append::Append;
use crate::error::AppendError;

/// Most appends in one commit. With larger ones nearly all callers wait for the same commit, and
/// nothing is gathered while it is under way.
const MAX_APPENDS: usize = 512;
/// Bytes of payload after which a commit takes no further append.
const MAX_BYTES: usize = 16 << 20;
/// Appends that may wait; more wait in their callers.
pub(super) const QUEUE: usize = 4096;

/// Answers from which on another task gives them.
const MANY: usize = 16;

pub(super) struct Request {
    append: Append,
    waiting: Waiting,
}

/// Who waits for an answer. The append's room is free again when it is answered, even if nobody
/// waits any more.
pub(super) struct Waiting {
    reply: oneshot::Sender<Answer>,
    _room: OwnedSemaphorePermit,
}

/// The way to a writer. When the last one and the store's own are dropped, the writer ends.
#[derive(Clone)]
pub(crate) struct WriterHandle {
    queue: mpsc::Sender<Request>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl WriterHandle {
    pub(super) fn new(queue: mpsc::Sender<Request>, task: JoinHandle<()>) -> Self {
        let task = Arc::new(Mutex::new(Some(task)));
        Self { queue, task }
    }

    pub(crate) async fn append(&self, append: Append, room: OwnedSemaphorePermit) -> Answer {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { reply, _room: room };
        let ended = "this ledger's writer ended; the next append starts another";
        self.queue
            .send(Request { append, waiting })
            .await
            .map_err(|_| AppendError::Unavailable(ended.into()))?;
        answer
            .await
            .map_err(|_| AppendError::OutcomeUnknown(ended.into()))?
    }

    /// Whether the writer is gone, which only a panic in it brings about.
    pub(crate) fn has_ended(&self) -> bool {
        self.queue.is_closed()
    }

    /// Returns when everything that was queued is answered.
    pub(crate) async fn close(self) {
        let Self { queue, task } = self;
        drop(queue);
        if let Some(task) = task.lock().await.take() {
            // A writer that panicked has answered nobody; there is nothing left to wait for.
            let _ = task.await;
        }
    }

    /// Ends the writer as a panic in it would.
    #[cfg(test)]
    pub(crate) async fn kill(&self) {
        if let Some(task) = self.task.lock().await.take() {
            task.abort();
            let _ = task.await;
        }
    }
}

/// What a commit still has room for.
pub(super) struct CommitRoom {
    appends: usize,
    bytes: usize,
}

impl Default for CommitRoom {
    fn default() -> Self {
        Self {
            appends: MAX_APPENDS,
            bytes: MAX_BYTES,
        }
    }
}

impl CommitRoom {
    pub(super) fn is_left(&self) -> bool {
        self.appends > 0 && self.bytes > 0
    }

    fn take(&mut self, append: &Append) {
        self.appends -= 1;
        self.bytes = self.bytes.saturating_sub(append.weight());
    }
}

/// Waits for one append, then takes all that wait and find room. Nothing is lost where it is dropped
/// while it waits. `None` when no more will come.
pub(super) async fn drain(
    requests: &mut mpsc::Receiver<Request>,
    room: &mut CommitRoom,
) -> Option<(Vec<Append>, Vec<Waiting>)> {
    let mut next = Some(requests.recv().await?);
    let (mut appends, mut all) = (Vec::new(), Vec::new());
    while let Some(Request { append, waiting }) = next {
        room.take(&append);
        appends.push(append);
        all.push(waiting);
        next = room.is_left().then(|| requests.try_recv().ok()).flatten();
    }
    Some((appends, all))
}

/// As [`acknowledge`]; where many wait, by a task of its own, so that Postgres works again before those
/// who were answered take the processors.
pub(super) fn acknowledge_beside(all: Vec<Waiting>, answers: Result<Vec<Answer>, AppendError>) {
    if all.len() > MANY {
        tokio::spawn(async move { acknowledge(all, answers) });
    } else {
        acknowledge(all, answers);
    }
}

/// A caller that went away needs no answer; what it sent is recorded all the same.
pub(super) fn acknowledge(all: Vec<Waiting>, answers: Result<Vec<Answer>, AppendError>) {
    match answers {
        // An answer that is not one's own would be worse than none.
        Ok(answers) if answers.len() != all.len() => {
            tracing::error!(
                appends = all.len(),
                answers = answers.len(),
                "a commit was answered wrongly"
            );
            drop(all);
        }
        Ok(answers) => {
            for (waiting, answer) in all.into_iter().zip(answers) {
                let _ = waiting.reply.send(answer);
            }
        }
        Err(error) => {
            tracing::warn!(%error, appends = all.len(), "a commit failed");
            for waiting in all {
                let _ = waiting.reply.send(Err(error.clone()));
            }
        }
    }
}
