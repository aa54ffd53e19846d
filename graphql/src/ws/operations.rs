//! The operations that run on one socket.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};

use async_graphql::Response;
use futures::StreamExt;
use futures::stream::BoxStream;

/// One answer of an operation, or `None` at its end.
pub(super) type Answer = (String, Option<Response>);

/// Running operations by id. Each in turn gives an answer, so none keeps the others waiting.
#[derive(Default)]
pub(super) struct Operations {
    running: VecDeque<(String, BoxStream<'static, Response>)>,
}

impl Operations {
    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    /// Whether this one runs, and no other.
    pub(super) fn is_only(&self, id: &str) -> bool {
        self.running.len() == 1 && self.contains(id)
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.running.iter().any(|(running, _)| running == id)
    }

    pub(super) fn start(&mut self, id: String, answers: BoxStream<'static, Response>) {
        self.running.push_back((id, answers));
    }

    /// Drops an operation; of one that does not run nothing is left to drop.
    pub(super) fn stop(&mut self, id: &str) {
        self.running.retain(|(running, _)| running != id);
    }

    /// The next answer of any operation; waits while none runs. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Answer {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Answer> {
        for _ in 0..self.running.len() {
            self.running.rotate_left(1);
            let Some((id, answers)) = self.running.back_mut() else {
                break;
            };
            let Poll::Ready(answer) = answers.poll_next_unpin(context) else {
                continue;
            };
            let id = id.clone();
            if answer.is_none() {
                self.running.pop_back();
            }
            return Poll::Ready((id, answer));
        }
        Poll::Pending
    }
}
