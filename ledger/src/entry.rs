//! The Merkle leaf: a small envelope in RFC 8785 canonical JSON.

pub(crate) mod canonical;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::envelope::Envelope;
use crate::name::{Index, Origin};

/// The largest entry, in bytes: tlog-tiles frames an entry with a 16-bit length.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// One entry of a ledger. The bytes that [`Entry::to_bytes`] gives are the truth: they are written
/// once, stored as they are, and hashed into the tree.
///
/// The fields stand in the order of their JSON keys, which is the canonical order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who: `user/<id>`, `device/<id>` or `service/<name>`; never a name or mail address.
    pub actor: String,
    /// `<origin>#<index>` of the entry that led to this one, or empty.
    pub cause: String,
    /// Id of the command (its idempotency key).
    pub command: String,
    /// Zero-based position in the ledger.
    pub index: Index,
    /// The ledger's origin.
    pub ledger: Origin,
    /// Commitment to the payload, see [`crate::Payload::commitment`].
    #[serde(with = "hex_digest")]
    pub payload: [u8; 32],
    /// Leaf hash of the entry before; zeros for the first. A convenience: no proof rests on it.
    #[serde(with = "hex_digest")]
    pub prev: [u8; 32],
    /// When it reached us, by our clock, in microseconds.
    #[serde(with = "timestamp")]
    pub received_at: DateTime<Utc>,
    /// When it was appended, by our clock, in microseconds; never before the entry before.
    #[serde(with = "timestamp")]
    pub recorded_at: DateTime<Utc>,
    /// Version of the event type's schema, from 1.
    pub schema: u32,
    /// `<aggregate type>/<id>`.
    pub stream: String,
    /// Name of the event type, past tense.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version of this format: 1.
    pub v: u32,
    /// Place in its stream, from 1, gapless.
    pub version: u64,
    /// How it reached us: `mqtt:<topic>`, `http:/ingest`, `graphql`, `cli`, `process:<name>`.
    pub via: String,
}

/// Why bytes are no entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// The envelope holds too much text.
    #[error(
        "the entry has {0} bytes; the format allows {MAX_ENTRY_BYTES}: shorten stream, via or actor"
    )]
    TooLarge(usize),
    /// The bytes are not the JSON of an entry.
    #[error("not an entry: {0}")]
    Malformed(String),
    /// The bytes say what an entry says, but not in canonical form.
    #[error("not canonical: the entry's RFC 8785 form has other bytes")]
    NotCanonical,
}

impl Entry {
    /// The canonical bytes.
    ///
    /// # Errors
    /// [`EntryError::TooLarge`] above [`MAX_ENTRY_BYTES`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, EntryError> {
        self.envelope().to_bytes()
    }

    fn envelope(&self) -> Envelope<'_> {
        Envelope {
            actor: &self.actor,
            cause: &self.cause,
            command: &self.command,
            index: self.index,
            ledger: &self.ledger,
            payload: self.payload,
            prev: self.prev,
            received_at: self.received_at,
            recorded_at: self.recorded_at,
            schema: self.schema,
            stream: &self.stream,
            kind: &self.kind,
            v: self.v,
            version: self.version,
            via: &self.via,
        }
    }

    /// Reads an entry, in canonical form or not.
    ///
    /// # Errors
    /// [`EntryError::Malformed`] if a key is missing, unknown, doubled or of the wrong type.
    pub fn read(bytes: &[u8]) -> Result<Self, EntryError> {
        Self::read_and_judge(bytes).map(|(entry, _)| entry)
    }

    /// Reads an entry, and tells what keeps it from being in canonical form, if anything does.
    ///
    /// # Errors
    /// As [`Entry::read`].
    pub(crate) fn read_and_judge(bytes: &[u8]) -> Result<(Self, Option<EntryError>), EntryError> {
        if let Some(entry) = canonical::read(bytes) {
            return Ok((entry, None));
        }
        let entry: Self =
            serde_json::from_slice(bytes).map_err(|e| EntryError::Malformed(e.to_string()))?;
        let fault = match entry.to_bytes() {
            Ok(again) => (again != bytes).then_some(EntryError::NotCanonical),
            Err(error) => Some(error),
        };
        Ok((entry, fault))
    }

    /// Reads an entry and holds its bytes against the canonical form.
    ///
    /// # Errors
    /// As [`Entry::read`], and [`EntryError::NotCanonical`].
    pub fn read_canonical(bytes: &[u8]) -> Result<Self, EntryError> {
        match Self::read_and_judge(bytes)? {
            (entry, None) => Ok(entry),
            (_, Some(fault)) => Err(fault),
        }
    }
}

/// `time` cut to the format's resolution, one microsecond.
#[must_use]
pub fn micros(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time)
}

/// RFC 3339, UTC, exactly six decimals.
mod timestamp {
    use chrono::{DateTime, NaiveDateTime, Utc};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

    pub fn serialize<S: Serializer>(time: &DateTime<Utc>, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&time.format(FORMAT))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<DateTime<Utc>, D::Error> {
        let text = String::deserialize(d)?;
        NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.fZ")
            .map(|time| time.and_utc())
            .map_err(|e| D::Error::custom(format!("{text:?} is not a UTC time: {e}")))
    }
}

/// 32 bytes as 64 lower-case hex digits.
mod hex_digest {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(digest: &[u8; 32], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(digest))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(d)?;
        let mut digest = [0; 32];
        hex::decode_to_slice(&text, &mut digest).map_err(D::Error::custom)?;
        Ok(digest)
    }
}
