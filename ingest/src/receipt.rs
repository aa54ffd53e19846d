//! What a device is told about a batch.

use sealrock_domain::telemetry::{frame, media_type_of};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::gate::{BatchReceipt, Rejection, Suspect};

/// Kinds of suspect readings that a receipt names, and characters of each text in it: a device
/// has a small buffer for its receipts, and a batch may have 10,000 readings.
const MAX_KINDS: usize = 20;
const MAX_TEXT: usize = 200;

/// The receipt as `POST /ingest` answers it: everything.
pub(crate) fn full(receipt: &BatchReceipt) -> Value {
    json!({
        "seq": receipt.seq,
        "index": receipt.index,
        "ledger": receipt.ledger,
        "checkpoint": receipt.checkpoint,
        "duplicate": receipt.duplicate,
        "suspect": kinds(&receipt.suspect),
        "suspectCount": receipt.suspect.len(),
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
        fields.insert("suspect".into(), kinds(&receipt.suspect));
        fields.insert("suspectCount".into(), receipt.suspect.len().into());
    }
    Value::Object(fields).to_string().into_bytes()
}

/// The suspect readings by metric and reason, each kind with its number, in the order of their
/// first reading; of more than [`MAX_KINDS`] the first.
fn kinds(suspects: &[Suspect]) -> Value {
    let mut kinds: Vec<(&Suspect, usize)> = Vec::new();
    for suspect in suspects {
        match kinds.iter().position(|(kind, _)| *kind == suspect) {
            Some(place) => kinds[place].1 += 1,
            None if kinds.len() < MAX_KINDS => kinds.push((suspect, 1)),
            None => {}
        }
    }
    let named = kinds.into_iter().map(|(Suspect { metric, reason }, count)| {
        json!({ "metric": clipped(metric), "reason": clipped(reason), "count": count })
    });
    named.collect()
}

/// Texts may quote what the device sent.
fn clipped(text: &str) -> &str {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// The error receipt of the receipt topic.
pub(crate) fn error(seq: Option<u64>, rejection: &Rejection) -> Vec<u8> {
    let error = json!({ "code": rejection.code.as_str(), "message": clipped(&rejection.message) });
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
    let batch = frame::batch_bytes(media_type_of(*bytes.first()?)?, bytes).ok()?;
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
        assert_eq!(
            value["suspect"],
            json!([{ "metric": "co2", "reason": "unknown metric", "count": 1 }])
        );
        assert_eq!(value["suspectCount"], 1);
    }

    fn suspects(number: usize) -> BatchReceipt {
        let suspect = |number: usize| Suspect {
            metric: format!("m{}", number % 100),
            reason: "\u{00B5}".repeat(1_000),
        };
        BatchReceipt {
            suspect: (0..number).map(suspect).collect(),
            ..receipt()
        }
    }

    #[test]
    fn equal_suspects_are_one_kind_with_their_number() {
        let value = full(&suspects(202));
        assert_eq!(value["suspectCount"], 202);
        assert_eq!(value["suspect"][1]["metric"], "m1");
        assert_eq!(value["suspect"][1]["count"], 3);
        assert_eq!(value["suspect"][2]["count"], 2);
    }

    #[test]
    fn a_receipt_stays_small_however_much_is_suspect() {
        let bytes = short(&suspects(10_000));
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        assert_eq!(value["suspect"].as_array().map(Vec::len), Some(MAX_KINDS));
        assert_eq!(value["suspectCount"], 10_000);
        assert!(bytes.len() < 16 * 1024, "{} bytes", bytes.len());
    }

    #[test]
    fn an_error_receipt_does_not_quote_without_end() {
        let rejection = Rejection {
            code: RejectionCode::WrongTopic,
            message: "x".repeat(60_000),
        };
        assert!(error(None, &rejection).len() < 300);
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
