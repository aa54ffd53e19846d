//! Packages that hold less than a ledger.

use sealrock_domain::telemetry::JSON;
use sealrock_domain::telemetry::frame::Frame;
use sealrock_ledger::verify::{Cause, Scope};
use sealrock_ledger::{Index, KeyRange, LogSigner, Policy, Slot, sign_checkpoint};

use crate::log::{Files, Told};
use crate::story::{LOSSY, Plan, SIGNING, device, honest, log_key, tell};
use crate::{files, must_show};

/// The package of some streams' payloads.
fn only(streams: &[String]) -> (Files, Scope) {
    only_of(honest(), streams)
}

fn only_of(told: &Told, streams: &[String]) -> (Files, Scope) {
    let scope = Scope {
        range: None,
        only: Some(streams.iter().cloned().collect()),
    };
    let mut slots = told.slots.clone();
    for (index, slot) in (0..).zip(&mut slots) {
        let shown = scope.shows(Index(index), &told.entry(index).stream);
        if slot.shown().is_some() && !shown {
            *slot = Slot::Withheld;
        }
    }
    let mut files = told.sign();
    files.put_bundles(&told.entries, &slots);
    files.map.insert("scope".into(), scope.to_bytes());
    (files, scope)
}

#[test]
fn a_package_of_one_stream_shows_it_in_full_and_says_what_it_does_not_show() {
    let stream = format!("telemetry/{}", device(LOSSY));
    let (files, scope) = only(std::slice::from_ref(&stream));
    let report = files.checked().report;
    assert_eq!(report.findings, []);
    let codes: Vec<&str> = report.notes.iter().map(|note| note.code).collect();
    assert_eq!(codes, ["seals-not-checked", "signatures-not-checked"]);
    assert_eq!(report.shown.scope, Some(scope));
    let of = |index: &u64| honest().entry(*index).stream == stream;
    let own = |index: &u64| honest().entry(*index).stream.starts_with("ledger/");
    let shown = (0..honest().size())
        .filter(|index| of(index) || own(index))
        .count();
    assert_eq!(report.shown.payloads, shown as u64);
    assert_eq!(report.shown.entries, honest().size());
}

#[test]
fn a_package_of_a_device_with_its_keys_gaps_and_seals_is_checked_in_full() {
    for number in [SIGNING, LOSSY] {
        let id = device(number);
        let streams = ["telemetry/", "device/", "gap/"].map(|kind| format!("{kind}{id}"));
        let below = format!("window/{id}/");
        let (files, _) = only(&[&streams[..], std::slice::from_ref(&below)].concat());
        let checked = files.checked();
        assert_eq!(checked.report.findings, []);
        let seals =
            (0..honest().size()).filter(|at| honest().entry(*at).stream.starts_with(&below));
        assert_eq!(checked.facts.seals_with_figures, seals.count() as u64);
        let signed = checked.facts.signed_batches;
        assert_eq!(signed > 0, number == SIGNING);
        assert_eq!(checked.facts.unchecked_signatures, 0);
    }
}

#[test]
fn an_unsigned_batch_passes_nowhere_for_one_of_a_device_without_a_key() {
    let stream = format!("telemetry/{}", device(SIGNING));
    let of = |entry: &sealrock_ledger::Entry| entry.stream == stream;
    let index = (0..honest().size())
        .find(|at| of(&honest().entry(*at)))
        .unwrap();
    let twist = |entry: &mut sealrock_ledger::Entry, payload: &mut sealrock_ledger::Payload| {
        if entry.index.0 == index {
            payload.bytes = Frame::parse(&payload.bytes).unwrap().batch.to_vec();
            payload.media = JSON.into();
        }
    };
    let told = tell(Plan {
        twist: Some(&twist),
        ..Plan::default()
    });
    let (files, _) = only_of(&told, std::slice::from_ref(&stream));
    let facts = files.checked().facts;
    assert_eq!((facts.unsigned_batches, facts.signed_batches), (0, 0));
    assert!(facts.unchecked_signatures > 0);
}

#[test]
fn a_checkpoint_that_claims_very_many_entries_keeps_nobody_busy() {
    for size in [1 << 62, u64::MAX] {
        let key = log_key(0);
        let vkey = key.vkey().to_owned();
        let policy = Policy::of_keys(&[KeyRange::only(&vkey)]);
        let root = honest().leaf(0);
        let signers: [&dyn LogSigner; 1] = [&key];
        let checkpoint = sign_checkpoint(&signers, size, root).unwrap();
        let mut files = Files {
            map: std::collections::BTreeMap::new(),
            policy,
        };
        let policy = files.policy.to_string().into_bytes();
        files.map.insert("policy".into(), policy);
        files
            .map
            .insert("checkpoint".into(), checkpoint.note.into_bytes());
        let report = files.checked().report;
        let missing = report
            .findings
            .iter()
            .filter(|f| f.cause == Cause::BundleMissing);
        let places: Vec<_> = missing.map(|f| (f.index, f.through)).collect();
        assert_eq!(places, [(Some(Index(0)), Some(Index(size - 1)))]);
        assert!(report.notes.iter().any(|note| note.code == "not-read"));
    }
}

#[test]
fn a_payload_of_that_stream_that_is_withheld_is_found() {
    let stream = format!("telemetry/{}", device(LOSSY));
    let (mut files, scope) = only(std::slice::from_ref(&stream));
    let of = |index: &u64| honest().entry(*index).stream == stream;
    for index in (0..honest().size()).filter(of).step_by(7) {
        let mut slots = honest().slots.clone();
        for (at, slot) in (0..).zip(&mut slots) {
            let shown = scope.shows(Index(at), &honest().entry(at).stream) && at != index;
            if slot.shown().is_some() && !shown {
                *slot = Slot::Withheld;
            }
        }
        files.put_bundles(&honest().entries, &slots);
        must_show(&files, &[(Cause::PayloadWithheld, Some(index))], "withheld");
    }
}

#[test]
fn a_range_needs_its_bundles_and_the_tiles_above_them_only() {
    let last = honest().size() - 1;
    for (first, last, kept) in [(0, 255, "000"), (256, last, "001")] {
        let mut files = files();
        let range = Some((Index(first), Index(last)).into());
        let scope = Scope { range, only: None };
        files.map.insert("scope".into(), scope.to_bytes());
        let is_bundle =
            |path: &str| path.starts_with("tile/entries") || path.starts_with("payloads");
        files
            .map
            .retain(|path, _| !is_bundle(path) || path.contains(kept));
        let report = files.checked().report;
        assert_eq!(report.shown.entries, last - first + 1);
        let codes: Vec<&str> = report.notes.iter().map(|note| note.code).collect();
        assert!(codes.contains(&"log-keys-not-checked"), "{codes:?}");
        // What was erased may be erased by an entry behind the range.
        let erased = codes.contains(&"erasures-not-checked");
        assert_eq!(erased, last == 255, "{codes:?}");
        assert!(first == 0 || codes.contains(&"seals-not-checked"));
        assert_eq!(report.findings, []);
    }
}

#[test]
fn a_scope_that_promises_more_than_there_is_or_is_broken_is_found() {
    let range = Some((Index(0), Index(honest().size())).into());
    let beyond = Scope { range, only: None }.to_bytes();
    for bytes in [beyond, b"{}".to_vec(), b"{\"from\":0}".to_vec()] {
        let mut files = files();
        files.map.insert("scope".into(), bytes);
        must_show(&files, &[(Cause::ScopeInvalid, None)], "scope");
    }
}
