//! What goes into the writer and what comes out.

use chrono::{DateTime, Utc};
use sealrock_ledger::{Index, Origin};
use uuid::Uuid;

use crate::error::AppendError;

/// Events of one command, appended together or not at all.
#[derive(Debug, Clone)]
pub struct Append {
    /// `user/<id>`, `device/<id>` or `service/<name>`.
    pub actor: String,
    /// Idempotency key, unique for the actor within the ledger.
    pub command: Uuid,
    /// SHA-256 of the command's input: tells a repetition from a reused id.
    pub input_hash: [u8; 32],
    /// `<origin>#<index>` of the entry that led to this, or empty.
    pub cause: String,
    /// How it reached us.
    pub via: String,
    /// When it reached us.
    pub received_at: DateTime<Utc>,
    /// A stream and its version on which the decision rests, though nothing is appended to it: the
    /// append is admitted only while that stream is still there, otherwise it is a conflict.
    pub unchanged: Option<(String, u64)>,
    /// At least one.
    pub events: Vec<NewEvent>,
}

/// An event on its way into the ledger.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// `<aggregate type>/<id>`.
    pub stream: String,
    /// What the stream must be at.
    pub expected: Expected,
    /// Event type, past tense.
    pub kind: String,
    /// Version of its schema, from 1.
    pub schema: u32,
    /// Media type of the payload.
    pub media: String,
    /// The payload, stored as it is.
    pub bytes: Vec<u8>,
    /// How long the payload is kept.
    pub retention: Retention,
}

/// Optimistic concurrency: the version of the stream that an event was decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Exactly this version (0: the stream must be new); otherwise a conflict.
    Version(u64),
    /// Whatever it is; the writer numbers.
    Any,
}

/// Which table keeps the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// `payloads`: kept.
    Kept,
    /// `batch_payloads`: by day, may be dropped when sealed and past its evidence period.
    Batch,
}

/// Proof that an append is durable: its entries lie in a tree whose checkpoint is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The ledger.
    pub ledger: Origin,
    /// Index of the first entry.
    pub first: Index,
    /// Index of the last entry.
    pub last: Index,
    /// The signed note of the commit that appended them.
    pub checkpoint: String,
}

/// The answer to an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Where it stands.
    pub receipt: Receipt,
    /// Whether it stood there before: the same command with the same input.
    pub duplicate: bool,
}

/// Bounds that keep every entry far below the format's 65,535 bytes, even if each byte were escaped.
const MAX_TEXT: usize = 512;
const MAX_VIA: usize = 4096;

impl Append {
    /// Refuses what could never be stored, before it reaches the writer.
    pub(crate) fn check(&self) -> Result<(), AppendError> {
        if self.events.is_empty() {
            return Err(AppendError::Invalid(
                "an append needs at least one event".into(),
            ));
        }
        bounded("actor", &self.actor, MAX_TEXT)?;
        bounded("cause", &self.cause, MAX_TEXT)?;
        bounded("via", &self.via, MAX_VIA)?;
        if let Some((stream, _)) = &self.unchanged {
            bounded("unchanged stream", stream, MAX_TEXT)?;
        }
        self.events.iter().try_for_each(NewEvent::check)
    }

    /// Bytes of payload, for the writer's bound on one commit.
    pub(crate) fn weight(&self) -> usize {
        self.events.iter().map(|event| event.bytes.len()).sum()
    }
}

impl NewEvent {
    fn check(&self) -> Result<(), AppendError> {
        bounded("stream", &self.stream, MAX_TEXT)?;
        bounded("event type", &self.kind, MAX_TEXT)?;
        bounded("media type", &self.media, 255)
    }
}

fn bounded(what: &str, text: &str, most: usize) -> Result<(), AppendError> {
    if text.len() > most {
        let length = text.len();
        return Err(AppendError::Invalid(format!(
            "{what} has {length} bytes, at most {most} fit"
        )));
    }
    if text.contains('\0') {
        // Postgres has no such texts, and would refuse all that shares the commit.
        return Err(AppendError::Invalid(format!("{what} has a NUL character")));
    }
    Ok(())
}
