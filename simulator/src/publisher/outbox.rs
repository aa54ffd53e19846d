//! The store-and-forward buffer: batches that no PUBACK has answered yet.

use std::collections::BTreeMap;

use bytes::Bytes;

/// Place of a batch in its device's order of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// A batch to send now.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) ticket: Ticket,
    pub(super) bytes: Bytes,
    pub(super) repeated: bool,
}

#[derive(Debug)]
struct Kept {
    bytes: Bytes,
    sent_before: bool,
}

/// Keeps up to `capacity` batches in order. A batch leaves it by an answer, or as
/// the oldest when the buffer overflows; a lost connection only rewinds it.
#[derive(Debug)]
pub(super) struct Outbox {
    capacity: usize,
    kept: BTreeMap<Ticket, Kept>,
    next_ticket: u64,
    /// First ticket that this connection has not sent.
    cursor: Ticket,
}

impl Outbox {
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self {
            capacity,
            kept: BTreeMap::new(),
            next_ticket: 0,
            cursor: Ticket(0),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.kept.len() >= self.capacity
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Adds a batch; says whether the oldest had to go for it.
    #[must_use]
    pub(super) fn push(&mut self, bytes: Bytes) -> bool {
        let overflow = self.is_full();
        if overflow {
            self.kept.pop_first();
        }
        self.kept.insert(
            Ticket(self.next_ticket),
            Kept {
                bytes,
                sent_before: false,
            },
        );
        self.next_ticket += 1;
        overflow
    }

    /// The next batch that this connection has not sent.
    pub(super) fn take_next(&mut self) -> Option<Outgoing> {
        let (&ticket, kept) = self.kept.range_mut(self.cursor..).next()?;
        self.cursor = Ticket(ticket.0 + 1);
        let repeated = std::mem::replace(&mut kept.sent_before, true);
        Some(Outgoing {
            ticket,
            bytes: kept.bytes.clone(),
            repeated,
        })
    }

    /// The broker has answered; false when the batch was dropped meanwhile.
    pub(super) fn answered(&mut self, ticket: Ticket) -> bool {
        self.kept.remove(&ticket).is_some()
    }

    /// A new connection sends everything unanswered again, in order.
    pub(super) fn rewind(&mut self) {
        self.cursor = Ticket(0);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    fn outbox(capacity: usize, batches: &[&'static str]) -> Outbox {
        let mut outbox = Outbox::new(capacity);
        for batch in batches {
            let _ = outbox.push(Bytes::from_static(batch.as_bytes()));
        }
        outbox
    }

    fn drain(outbox: &mut Outbox) -> Vec<(Bytes, bool)> {
        std::iter::from_fn(|| outbox.take_next())
            .map(|out| (out.bytes, out.repeated))
            .collect()
    }

    #[test]
    fn an_unanswered_batch_is_repeated_with_the_same_bytes_in_the_same_order() {
        let mut outbox = outbox(8, &["a", "b", "c"]);
        let first = outbox.take_next().unwrap();
        assert!(outbox.take_next().is_some());
        assert!(outbox.answered(first.ticket));
        outbox.rewind();
        assert_eq!(
            drain(&mut outbox),
            [(Bytes::from("b"), true), (Bytes::from("c"), false)]
        );
    }

    #[test]
    fn a_full_buffer_gives_up_the_oldest() {
        let mut outbox = outbox(2, &["a", "b"]);
        assert!(outbox.push(Bytes::from("c")));
        assert_eq!(outbox.len(), 2);
        let kept: Vec<_> = drain(&mut outbox)
            .into_iter()
            .map(|(bytes, _)| bytes)
            .collect();
        assert_eq!(kept, ["b", "c"]);
    }

    #[test]
    fn an_answer_for_a_dropped_batch_counts_for_nothing() {
        let mut outbox = outbox(1, &["a"]);
        let sent = outbox.take_next().unwrap();
        assert!(outbox.push(Bytes::from("b")));
        assert!(!outbox.answered(sent.ticket));
        assert!(!outbox.is_empty());
    }
}
