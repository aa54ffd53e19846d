//! What a device is told about a batch.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::gate::{BatchReceipt, Rejection};

/// Key id and signature before a signed batch's bytes: `0x01 ‖ 8 ‖ 64`.
const SIGNED_HEADER: usize = 73;

/// The receipt as `POST /ingest` answers it: everything.
pub(crate) fn full(receipt: &BatchReceipt) -> Value {
    json!({
        "seq": receipt.seq,
        "index": receipt.index,
        "ledger": receipt.ledger,
        "checkpoint": receipt.checkpoint,
        "duplicate": receipt.duplicate,
        "suspect": receipt.suspect,
    })
}

/// The receipt as the receipt topic carries it: without the checkpoint, and only what is so,
/// because radio time costs.
pub(crate) fn short(receipt: &BatchReceipt) -> Vec<u8> {
    let mut fields = Map::new();
    fields.insert("seq".into(), receipt.seq.into());
    fields.insert("index".into(), receipt.index.into());
    fields.insert("ledger".into(), receipt.ledger.as_str().into());
    if receipt.duplicate {
        fields.insert("duplicate".into(), true.into());
    }
    if !receipt.suspect.is_empty() {
        fields.insert("suspect".into(), json!(receipt.suspect));
    }
    Value::Object(fields).to_string().into_bytes()
}

/// The error receipt of the receipt topic.
pub(crate) fn error(seq: Option<u64>, rejection: &Rejection) -> Vec<u8> {
    let error = json!({ "code": rejection.code.as_str(), "message": rejection.message });
    json!({ "seq": seq, "error": error })
        .to_string()
        .into_bytes()
}

/// The `seq` of a batch that was not accepted, where it can still be read.
pub(crate) fn seq_of(bytes: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Seq {
        seq: Option<u64>,
    }
    let batch = match bytes.first()? {
        1 => bytes.get(SIGNED_HEADER..)?,
        _ => bytes,
    };
    let seq: Option<Seq> = match batch.first()? {
        b'{' => serde_json::from_slice(batch).ok(),
        0xA0..=0xBF => ciborium::from_reader(batch).ok(),
        _ => None,
    };
    seq?.seq
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{RejectionCode, Suspect};

    fn receipt() -> BatchReceipt {
        BatchReceipt {
            seq: Some(42),
            index: 1234,
            ledger: "example.org/acme".into(),
            checkpoint: "example.org/acme\n1235\n".into(),
            duplicate: false,
            suspect: vec![],
        }
    }

    #[test]
    fn the_receipt_topic_carries_seq_index_and_ledger() {
        let text = r#"{"index":1234,"ledger":"example.org/acme","seq":42}"#;
        assert_eq!(String::from_utf8_lossy(&short(&receipt())), text);
    }

    #[test]
    fn a_suspect_reading_is_named_in_the_short_receipt() {
        let suspect = vec![Suspect {
            metric: "co2".into(),
            reason: "unknown metric".into(),
        }];
        let value: Value = serde_json::from_slice(&short(&BatchReceipt {
            suspect,
            ..receipt()
        }))
        .unwrap_or_default();
        assert_eq!(value["suspect"][0]["metric"], "co2");
    }

    #[test]
    fn an_error_receipt_has_the_code_and_the_message() {
        let rejection = Rejection {
            code: RejectionCode::Conflict,
            message: "seq 7 is taken".into(),
        };
        let text = r#"{"error":{"code":"conflict","message":"seq 7 is taken"},"seq":7}"#;
        assert_eq!(String::from_utf8_lossy(&error(Some(7), &rejection)), text);
    }

    #[test]
    fn the_seq_is_read_from_json_cbor_and_signed_frames_and_from_nothing_else() {
        let cbor = [0xA1, 0x63, b's', b'e', b'q', 0x18, 42];
        let signed = [&[1u8][..], &[0; 72], br#"{"seq":42}"#].concat();
        assert_eq!(seq_of(br#"{"seq":42,"readings":"?"}"#), Some(42));
        assert_eq!(seq_of(&cbor), Some(42));
        assert_eq!(seq_of(&signed), Some(42));
        for bytes in [&b""[..], b"\x01short", b"{", br#"{"seq":-1}"#, b"seq=42"] {
            assert_eq!(seq_of(bytes), None, "{bytes:?}");
        }
    }
}
