//! The format, to the byte.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod sample;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use sample::{Draft, origin};
use sealrock_ledger::{
    Entry, Frontier, Hash, Index, Origin, Payload, Slot, TilePath, decode_entries, decode_payloads,
    encode_entries, encode_payloads, leaf_hash,
};

const ENTRY: &[u8] = include_bytes!("golden/entry.json");
const PAYLOADS: &[u8] = include_bytes!("golden/payloads.bin");

fn golden_entry() -> Entry {
    Entry {
        actor: "device/01927a3e-0000-5000-8000-000000000007".into(),
        cause: String::new(),
        command: "01927a3e-0000-5000-8000-0000000000c1".into(),
        index: Index(12),
        ledger: origin(),
        payload: golden_payloads()[0].shown().unwrap().commitment(),
        prev: [0xab; 32],
        received_at: "2026-11-21T03:12:45.120001Z".parse().unwrap(),
        recorded_at: "2026-11-21T03:12:45.123456Z".parse().unwrap(),
        schema: 1,
        stream: "telemetry/01927a3e-0000-5000-8000-000000000007".into(),
        kind: "SensorBatchRecorded".into(),
        v: 1,
        version: 42,
        via: "mqtt:sealrock/v1/northsea/plant-1/meter-7/batch".into(),
    }
}

fn golden_payloads() -> Vec<Slot> {
    let json = Payload {
        media: "application/json".into(),
        salt: [0x0f; 16],
        bytes: br#"{"co2_ppm":417}"#.to_vec(),
    };
    let empty = Payload {
        media: "application/cbor".into(),
        salt: [0xf0; 16],
        bytes: Vec::new(),
    };
    vec![Slot::Shown(json), Slot::Erased, Slot::Shown(empty)]
}

#[test]
fn the_golden_entry_has_these_bytes() {
    assert_eq!(
        String::from_utf8(golden_entry().to_bytes().unwrap()).unwrap(),
        std::str::from_utf8(ENTRY).unwrap()
    );
    assert_eq!(Entry::read_canonical(ENTRY).unwrap(), golden_entry());
}

#[test]
fn the_golden_payload_bundle_has_these_bytes() {
    let payloads = golden_payloads();
    assert_eq!(encode_payloads(payloads.iter().map(Slot::as_ref)), PAYLOADS);
    assert_eq!(decode_payloads(PAYLOADS, 3).unwrap(), payloads);
}

#[test]
fn a_withheld_payload_is_a_header_and_no_bytes() {
    let bytes = b"\x00\x11{\"withheld\":true}\x00\x00\x00\x00";
    assert_eq!(encode_payloads([Slot::Withheld]), bytes);
    assert_eq!(decode_payloads(bytes, 1).unwrap(), [Slot::Withheld]);
    for refused in [
        &b"\x00\x11{\"withheld\":true}\x00\x00\x00\x01x"[..],
        b"\x00\x12{\"withheld\":false}\x00\x00\x00\x00",
        b"\x00\x21{\"redacted\":true,\"withheld\":true}\x00\x00\x00\x00",
    ] {
        assert!(decode_payloads(refused, 1).is_err());
    }
}

#[test]
fn a_payload_bundle_in_other_bytes_is_refused() {
    let header = br#"{"media":"application/json","salt":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"}"#;
    let bundle = |header: &[u8], bytes: &[u8]| {
        let mut bundle = u16::try_from(header.len()).unwrap().to_be_bytes().to_vec();
        bundle.extend_from_slice(header);
        bundle.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
        bundle.extend_from_slice(bytes);
        bundle
    };
    assert!(decode_payloads(&bundle(header, b"{}"), 1).is_ok());
    let text = std::str::from_utf8(header).unwrap();
    for changed in [
        text.replace("0f", "0F"),
        text.replace("0f0f\"", "0f\""),
        text.replace("media\":", "media\": "),
        text.replace("application/", "application\\/"),
        text.replace("json", "js\\u006fn"),
        text.replace("\"media\":\"application/json\",", ""),
        r#"{"salt":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","media":"application/json"}"#.into(),
        text.replace('}', r#","redacted":true}"#),
        text.replace('}', r#","redacted":null}"#),
        text.replace('}', r#","more":1}"#),
        r#"{"redacted":true}"#.into(),
        r#"{"withheld":true}"#.into(),
        "{}".into(),
    ] {
        assert!(
            decode_payloads(&bundle(changed.as_bytes(), b"{}"), 1).is_err(),
            "{changed}"
        );
    }
    for (header, is) in [
        (r#"{"redacted":true}"#, true),
        (r#"{"redacted":false}"#, false),
        (r#"{"withheld":true}"#, true),
        (r#"{"withheld":false}"#, false),
        (r#"{"redacted":true,"withheld":true}"#, false),
    ] {
        assert_eq!(
            decode_payloads(&bundle(header.as_bytes(), b""), 1).is_ok(),
            is,
            "{header}"
        );
    }
}

/// Hashes of a tree, in the order of `tlog_tiles::stored_hash_index`.
struct Stored(Vec<Hash>);

impl tlog_tiles::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::tlog::Error> {
        Ok(indexes
            .iter()
            .map(|at| self.0[usize::try_from(*at).unwrap()])
            .collect())
    }
}

#[test]
fn roots_are_those_of_an_implementation_nobody_here_wrote() {
    let draft = Draft::of(300);
    let mut stored = Stored(Vec::new());
    let mut frontier = Frontier::default();
    for (n, entry) in (0u64..).zip(&draft.entries) {
        let hashes = tlog_tiles::stored_hashes(n, entry, &stored).unwrap();
        assert_eq!(hashes[0], leaf_hash(entry));
        stored.0.extend(hashes);
        frontier.push(leaf_hash(entry));
        assert_eq!(
            frontier.root(),
            tlog_tiles::tree_hash(n + 1, &stored).unwrap(),
            "size {}",
            n + 1
        );
    }
}

#[test]
fn an_entry_in_other_bytes_is_not_canonical_or_no_entry() {
    let text = std::str::from_utf8(ENTRY).unwrap();
    for (from, to) in [
        (r#"{"actor""#, r#"{ "actor""#),
        (r#""cause":"","#, r#""cause":"\u0000","#),
        ("abab", "ABab"),
        (".120001Z", ".1200010Z"),
        (".120001Z", ".12000100Z"),
        (r#""v":1"#, r#""v":1.0"#),
        (r#""via":"#, r#""vib":"","via":"#),
        (r#""v":1,"#, r#""v":1,"v":1,"#),
        (r#""v":1,"#, ""),
        ("sealrock.example", r"sealrock\u002eexample"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from} is not in the golden entry");
        let read = Entry::read_canonical(changed.as_bytes());
        let same = read.is_ok_and(|entry| entry == golden_entry());
        assert!(!same, "{changed}");
    }
}

fn any_time() -> impl Strategy<Value = DateTime<Utc>> {
    (0i64..4_000_000_000_000_000)
        .prop_map(|micros| DateTime::from_timestamp_micros(micros).unwrap())
}

prop_compose! {
    fn any_entry()(
        texts in prop::collection::vec(any::<String>(), 7),
        ledger in any::<String>(),
        (index, version) in (0u64..1 << 53, 0u64..1 << 53),
        (payload, prev) in (any::<[u8; 32]>(), any::<[u8; 32]>()),
        (received_at, recorded_at) in (any_time(), any_time()),
        schema in any::<u32>(),
    ) -> Entry {
        let mut texts = texts.into_iter();
        let mut text = || texts.next().unwrap_or_default();
        Entry {
            actor: text(),
            cause: text(),
            command: text(),
            index: Index(index),
            ledger: Origin::from_stored(ledger),
            payload,
            prev,
            received_at,
            recorded_at,
            schema,
            stream: text(),
            kind: text(),
            v: 1,
            version,
            via: text(),
        }
    }
}

fn any_slot() -> impl Strategy<Value = Slot> {
    let payload = (
        "\\PC{0,60}",
        any::<[u8; 16]>(),
        prop::collection::vec(any::<u8>(), 0..300),
    );
    prop_oneof![
        4 => payload.prop_map(|(media, salt, bytes)| Slot::Shown(Payload { media, salt, bytes })),
        1 => Just(Slot::Erased),
        1 => Just(Slot::Withheld),
    ]
}

fn is_canonical(entry: &Entry) -> Result<(), TestCaseError> {
    let bytes = entry.to_bytes().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let canonical = serde_json_canonicalizer::to_vec(&json).unwrap();
    prop_assert_eq!(
        String::from_utf8_lossy(&bytes),
        String::from_utf8_lossy(&canonical)
    );
    prop_assert_eq!(&Entry::read_canonical(&bytes).unwrap(), entry);
    Ok(())
}

proptest! {
    #[test]
    fn entries_are_written_as_rfc_8785_asks(entry in any_entry()) {
        is_canonical(&entry)?;
    }

    #[test]
    fn control_characters_and_quotes_too(text in "[\\x00-\\x20\"\\\\/\\x7f\\u{80}-\\u{a0}\\u{2028}\\u{2029}😀]{0,40}") {
        is_canonical(&Entry { via: text, ..golden_entry() })?;
    }

    #[test]
    fn bundles_survive_their_bytes(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
        payloads in prop::collection::vec(
            any_slot(),
            0..20,
        ),
    ) {
        let bundle = encode_entries(entries.iter().map(Vec::as_slice));
        prop_assert_eq!(decode_entries(&bundle, entries.len()).unwrap(), entries);

        let bundle = encode_payloads(payloads.iter().map(Slot::as_ref));
        prop_assert_eq!(decode_payloads(&bundle, payloads.len()).unwrap(), payloads);
    }

    #[test]
    fn each_tile_path_is_of_its_tile_only(n in any::<u64>(), other in any::<u64>()) {
        let path = |n| TilePath::Entries { n, width: 256 }.to_string();
        prop_assert_eq!(path(n) == path(other), n == other);
    }
}
