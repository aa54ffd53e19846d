//! Entries of a ledger.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sealrock_ledger::{LedgerName, Payload};
use sealrock_projections::ledger::LedgerEntry as Stored;

use super::Checkpoint;
use crate::schema::position::Position;
use crate::schema::scalars::{Count, Time};

/// One entry of a ledger: a small envelope that commits to its payload.
pub(crate) struct LedgerEntry {
    ledger: LedgerName,
    stored: Arc<Stored>,
}

impl LedgerEntry {
    pub(crate) fn new(ledger: LedgerName, stored: impl Into<Arc<Stored>>) -> Self {
        Self {
            ledger,
            stored: stored.into(),
        }
    }

    fn entry(&self) -> &sealrock_ledger::Entry {
        &self.stored.recorded.entry
    }
}

/// One entry of a ledger: a small envelope that commits to its payload.
#[Object]
impl LedgerEntry {
    /// Name of the ledger.
    async fn ledger(&self) -> &str {
        self.ledger.as_str()
    }

    /// Its place in the ledger, from 0.
    async fn index(&self) -> Count {
        self.entry().index.into()
    }

    /// The position behind it.
    async fn position(&self) -> Position {
        Position::entry(self.ledger.clone(), self.entry().index)
    }

    /// Type of the event, past tense.
    #[graphql(name = "type")]
    async fn kind(&self) -> &str {
        &self.entry().kind
    }

    /// Version of the event type's schema.
    async fn schema(&self) -> u32 {
        self.entry().schema
    }

    /// The stream it belongs to, `<aggregate type>/<id>`.
    async fn stream(&self) -> &str {
        &self.entry().stream
    }

    /// Its place in the stream, from 1.
    async fn version(&self) -> Count {
        Count(self.entry().version)
    }

    /// Who caused it: `user/<id>`, `device/<id>` or `service/<name>`.
    async fn actor(&self) -> &str {
        &self.entry().actor
    }

    /// Id of the command.
    async fn command(&self) -> &str {
        &self.entry().command
    }

    /// `<origin>#<index>` of the entry that led to it, or empty.
    async fn cause(&self) -> &str {
        &self.entry().cause
    }

    /// How it came: `mqtt:<topic>`, `http:/ingest`, `graphql`, `cli` or `process:<name>`.
    async fn via(&self) -> &str {
        &self.entry().via
    }

    /// When it came, by our clock.
    async fn received_at(&self) -> Time {
        self.entry().received_at.into()
    }

    /// When it was appended, by our clock.
    async fn recorded_at(&self) -> Time {
        self.entry().recorded_at.into()
    }

    /// The entry byte for byte (RFC 8785 JSON): its hash is the leaf.
    async fn json(&self) -> String {
        String::from_utf8_lossy(&self.stored.recorded.entry_bytes).into_owned()
    }

    /// Merkle leaf hash, base64.
    async fn leaf_hash(&self) -> String {
        STANDARD.encode(self.stored.recorded.leaf_hash.0)
    }

    /// What the entry commits to; null where it was erased.
    async fn payload(&self) -> Option<EntryPayload> {
        self.stored
            .recorded
            .payload
            .as_ref()
            .map(EntryPayload::from)
    }

    /// Whether the payload was erased. An entry `PayloadRedacted` or `RetentionApplied` in the stream
    /// `ledger/<name>` says so; this entry and its proofs stay.
    async fn redacted(&self) -> bool {
        self.stored.recorded.payload.is_none()
    }

    /// The first signed checkpoint whose tree contains it.
    async fn covering_checkpoint(&self) -> Checkpoint {
        (&self.stored.checkpoint).into()
    }
}

/// What an entry commits to.
#[derive(Debug, Clone, SimpleObject)]
struct EntryPayload {
    /// Media type.
    media: String,
    /// Number of bytes.
    size: Count,
    /// The bytes as text, if they are JSON.
    text: Option<String>,
    /// The bytes in base64, if they are not.
    base64: Option<String>,
    /// The salt of the commitment, base64.
    salt: String,
}

impl From<&Payload> for EntryPayload {
    fn from(payload: &Payload) -> Self {
        let json = payload.media == "application/json" || payload.media.ends_with("+json");
        let text = json
            .then(|| String::from_utf8(payload.bytes.clone()).ok())
            .flatten();
        Self {
            media: payload.media.clone(),
            size: Count(payload.bytes.len() as u64),
            base64: text.is_none().then(|| STANDARD.encode(&payload.bytes)),
            text,
            salt: STANDARD.encode(payload.salt),
        }
    }
}
