//! What a log writes that holds the key and is not honest: everything is hashed, chained and signed.

use std::collections::HashSet;

use rand::rngs::StdRng;
use sealrock_ledger::verify::Cause;
use sealrock_ledger::{Entry, Payload};
use serde_json::Value;

use crate::log::{Files, Twist};
use crate::story::{Plan, honest, tell};
use crate::{any, must_show, random};

/// Each story is told anew, so fewer places are tried.
const TRIES: usize = 30;

/// The story, changed at one entry.
pub fn twisted(index: u64, change: Twist<'_>) -> Files {
    let twist = |entry: &mut Entry, payload: &mut Payload| {
        if entry.index.0 == index {
            change(entry, payload);
        }
    };
    let plan = Plan {
        twist: Some(&twist),
        ..Plan::default()
    };
    tell(plan).sign()
}

/// Random entries of a kind.
pub fn some(random: &mut StdRng, of: &dyn Fn(&Entry) -> bool) -> Vec<u64> {
    let all: Vec<u64> = (0..honest().size())
        .filter(|index| of(&honest().entry(*index)))
        .collect();
    let picked: HashSet<u64> = (0..TRIES).map(|_| all[any(random, all.len())]).collect();
    picked.into_iter().collect()
}

pub fn of_kind(kind: &'static str) -> impl Fn(&Entry) -> bool {
    move |entry| entry.kind == kind
}

/// A change of the JSON of a payload.
pub fn edited(payload: &mut Payload, edit: impl Fn(&mut Value)) {
    let mut json = serde_json::from_slice(&payload.bytes).unwrap();
    edit(&mut json);
    payload.bytes = serde_json_canonicalizer::to_vec(&json).unwrap();
}

#[test]
fn the_chain_of_entries() {
    let mut random = random(20);
    for index in some(&mut random, &|entry| entry.index.0 > 0) {
        let change: [(Cause, Twist<'_>); 4] = [
            (Cause::WrongPrev, &|entry, _| entry.prev[7] ^= 1),
            (Cause::WrongIndex, &|entry, _| entry.index.0 += 1),
            (Cause::UnknownFormat, &|entry, _| entry.v = 2),
            (Cause::ClockBackwards, &|entry, _| {
                entry.recorded_at = "2026-11-21T02:00:00Z".parse().unwrap();
            }),
        ];
        let (cause, change) = change[any(&mut random, 4)];
        must_show(&twisted(index, change), &[(cause, Some(index))], "chain");
    }
}

#[test]
fn a_version_gap_in_a_stream() {
    let mut random = random(21);
    // A seal's stream has one version in general, so the first is as good as any.
    for index in some(&mut random, &|_| true) {
        let files = twisted(index, &|entry, _| entry.version += 1);
        must_show(&files, &[(Cause::VersionGap, Some(index))], "version");
    }
}

#[test]
fn an_entry_or_payload_that_is_not_canonical() {
    let mut random = random(22);
    for index in some(&mut random, &|_| true) {
        let spaced = |at: u64, bytes: &mut Vec<u8>| {
            if at == index {
                bytes.insert(1, b' ');
            }
        };
        let plan = Plan {
            bytes_twist: Some(&spaced),
            ..Plan::default()
        };
        let expected = [(Cause::EntryNotCanonical, Some(index))];
        must_show(&tell(plan).sign(), &expected, "entry");
    }
    for index in some(&mut random, &|entry| {
        !entry.stream.starts_with("telemetry/")
    }) {
        let files = twisted(index, &|_, payload| payload.bytes.insert(1, b' '));
        must_show(
            &files,
            &[(Cause::PayloadNotCanonical, Some(index))],
            "payload",
        );
    }
}

#[test]
fn an_event_type_of_a_newer_version_is_a_note_and_no_finding() {
    let corrected = honest().first("OrganisationRegistered");
    let files = twisted(corrected, &|entry, _| entry.kind.push('2'));
    let report = files.checked().report;
    assert_eq!(report.findings, []);
    assert_eq!(report.notes[0].code, "unknown-event-type");
}

#[test]
fn a_schema_of_a_newer_version_is_a_note_and_makes_nothing_else_wrong() {
    for kind in [
        "SensorBatchRecorded",
        "GapDetected",
        "WindowSealed",
        "DeviceRegistered",
        "DeviceKeyRotated",
        "DeviceKeyRevoked",
        "ClockCorrected",
    ] {
        let files = twisted(honest().first(kind), &|entry, _| entry.schema = 2);
        let report = files.checked().report;
        assert_eq!(report.findings, [], "{kind}");
        let mut codes = report.notes.iter().map(|note| note.code);
        assert!(codes.any(|code| code == "unknown-event-type"), "{kind}");
    }
}

#[test]
fn an_event_is_json_and_says_so() {
    for kind in ["OrganisationRegistered", "WindowSealed", "GapDetected"] {
        let index = honest().first(kind);
        let files = twisted(index, &|_, payload| payload.media = "text/plain".into());
        let expected = [(Cause::PayloadMalformed, Some(index))];
        must_show(&files, &expected, kind);
    }
}
