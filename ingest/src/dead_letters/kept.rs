//! A dead letter as it is read back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// A kept letter as it is listed.
///
/// As JSON its `bytes` are `{"text": …}` if they are UTF-8 and `{"base64": …}` otherwise, and
/// `sha256` is hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptLetter {
    /// The letter's id; pass the last one of a page as `before` to get the next page.
    pub id: Uuid,
    /// Who sent it.
    pub device: DeviceId,
    /// When the bytes came in.
    pub received_at: DateTime<Utc>,
    /// `mqtt:<topic>` or `http:/ingest`.
    pub via: String,
    /// A [`RejectionCode`](crate::RejectionCode) as text.
    pub reason: String,
    /// What the device was told.
    pub message: String,
    /// The first [`KEPT_BYTES`](super::KEPT_BYTES) of what it sent.
    #[serde(serialize_with = "text_or_base64")]
    pub bytes: Vec<u8>,
    /// How many bytes it sent.
    pub full_length: u64,
    /// SHA-256 of all the bytes it sent.
    #[serde(serialize_with = "hexadecimal")]
    pub sha256: Vec<u8>,
}

fn text_or_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    match std::str::from_utf8(bytes) {
        Ok(text) => map.serialize_entry("text", text)?,
        Err(_) => map.serialize_entry("base64", &STANDARD.encode(bytes))?,
    }
    map.end()
}

fn hexadecimal<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn letter(bytes: &[u8]) -> serde_json::Value {
        serde_json::to_value(KeptLetter {
            id: Uuid::nil(),
            device: DeviceId(Uuid::nil()),
            received_at: DateTime::UNIX_EPOCH,
            via: "http:/ingest".into(),
            reason: "undecodable".into(),
            message: "no batch".into(),
            bytes: bytes.to_vec(),
            full_length: 70_000,
            sha256: vec![0xAB, 0x01],
        })
        .unwrap()
    }

    #[test]
    fn a_letter_of_text_is_json_that_can_be_read() {
        let nil = "00000000-0000-0000-0000-000000000000";
        let expected = json!({
            "id": nil, "device": nil, "receivedAt": "1970-01-01T00:00:00Z", "via": "http:/ingest",
            "reason": "undecodable", "message": "no batch", "bytes": { "text": "{\"seq\":" },
            "fullLength": 70_000, "sha256": "ab01",
        });
        assert_eq!(letter(b"{\"seq\":"), expected);
    }

    #[test]
    fn a_letter_of_other_bytes_is_base64() {
        assert_eq!(letter(&[0xA0, 0xFF])["bytes"], json!({ "base64": "oP8=" }));
    }
}
