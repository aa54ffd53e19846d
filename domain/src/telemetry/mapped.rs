//! The mapped batch: what a device of another make published, and the batch that it was read as.
//!
//! ```json
//! {"topic":"vidyutai/plant-1/pv/pv_generation","original":"{\"timestamp\":…,\"value\":4.20}","batch":{"readings":[…]}}
//! ```
//!
//! `original` is the message as it came, to the character; `batch` is how the operator's mapping
//! read it. So an auditor can hold one against the other without knowing the mapping, and what was
//! recorded decodes for ever, however mappings change. `"time":"received"` stands there when the
//! message bore no time of its own and its readings have that of receipt.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::DecodeError;

/// The largest message of another make, in bytes: its text is kept beside the batch.
pub const MAX_ORIGINAL_BYTES: usize = 256 * 1024;

/// A mapped batch's parts. That `batch` is one is for [`decode`](super::decode()) to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedBatch<'a> {
    /// The topic that the message came on.
    pub topic: String,
    /// The message as it came.
    pub original: String,
    /// The batch, JSON.
    pub batch: &'a [u8],
    /// Whether the readings have the time of receipt, because the message bore none.
    pub timed_by_receipt: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    topic: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<TimedBy>,
    original: String,
    #[serde(borrow)]
    batch: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TimedBy {
    Received,
}

impl<'a> MappedBatch<'a> {
    /// Takes a recorded payload apart.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] for bytes that are no mapped batch.
    pub fn parse(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let wire: Wire<'a> = serde_json::from_slice(payload).map_err(malformed)?;
        Ok(Self {
            topic: wire.topic,
            original: wire.original,
            batch: wire.batch.get().as_bytes(),
            timed_by_receipt: wire.time.is_some(),
        })
    }

    /// The payload to be recorded.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if `batch` is not JSON; [`DecodeError::TooLarge`] for an original
    /// of more than [`MAX_ORIGINAL_BYTES`].
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        let bytes = self.original.len();
        if bytes > MAX_ORIGINAL_BYTES {
            return Err(DecodeError::TooLarge { bytes });
        }
        let wire = Wire {
            topic: self.topic.clone(),
            time: self.timed_by_receipt.then_some(TimedBy::Received),
            original: self.original.clone(),
            batch: serde_json::from_slice(self.batch).map_err(malformed)?,
        };
        serde_json::to_vec(&wire).map_err(malformed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn malformed(error: serde_json::Error) -> DecodeError {
    DecodeError::Malformed {
        format: "JSON",
        reason: error.to_string(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::super::{MAPPED_BATCH, Value, decode_recorded};
    use super::*;

    const BATCH: &[u8] = br#"{"readings":[{"metric":"pv_generation","at":"2026-11-21T03:12:45Z","value":4.20,"unit":"kW"}]}"#;

    fn mapped() -> MappedBatch<'static> {
        MappedBatch {
            topic: "vidyutai/plant-1/pv/pv_generation".into(),
            original: "{\"value\":4.20,\"unit\":\"kW\"}\n".into(),
            batch: BATCH,
            timed_by_receipt: false,
        }
    }

    #[test]
    fn what_came_and_what_it_was_read_as_are_kept_to_the_character() {
        let payload = mapped().encode().unwrap();
        assert_eq!(MappedBatch::parse(&payload).unwrap(), mapped());
        let batch = decode_recorded(MAPPED_BATCH, &payload).unwrap();
        assert_eq!(batch.readings[0].value, Value::Number(4.2));
    }

    /// These bytes are in ledgers: they must decode for ever.
    #[test]
    fn a_recorded_payload_decodes_for_ever() {
        let recorded = br#"{"topic":"a/b","time":"received","original":"21.50","batch":{"readings":[{"metric":"temperature","at":"2026-11-21T03:12:45Z","value":21.50}]}}"#;
        let mapped = MappedBatch::parse(recorded).unwrap();
        assert!(mapped.timed_by_receipt);
        assert_eq!(mapped.encode().unwrap(), recorded);
        assert!(decode_recorded(MAPPED_BATCH, recorded).is_ok());
    }

    #[test]
    fn other_bytes_are_no_mapped_batch() {
        for bytes in [
            &b""[..],
            BATCH,
            br#"{"topic":"a","original":"b"}"#,
            br#"{"topic":"a","topic":"a","original":"b","batch":{}}"#,
            br#"{"topic":"a","original":"b","batch":{},"more":1}"#,
        ] {
            assert!(MappedBatch::parse(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn an_original_that_is_too_large_is_refused() {
        let original = "x".repeat(MAX_ORIGINAL_BYTES + 1);
        let error = MappedBatch {
            original,
            ..mapped()
        }
        .encode()
        .unwrap_err();
        assert!(matches!(error, DecodeError::TooLarge { .. }));
    }
}
