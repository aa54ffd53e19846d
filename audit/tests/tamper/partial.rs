//! Packages that hold less than a ledger.

use sealrock_ledger::verify::{Cause, Scope};
use sealrock_ledger::{Index, Slot};

use crate::log::Files;
use crate::story::{LOSSY, device, honest};
use crate::{files, must_show};

/// The package of some streams' payloads.
fn only(streams: &[String]) -> (Files, Scope) {
    let scope = Scope {
        range: None,
        only: Some(streams.iter().cloned().collect()),
    };
    let mut slots = honest().slots.clone();
    for (index, slot) in (0..).zip(&mut slots) {
        let shown = scope.shows(Index(index), &honest().entry(index).stream);
        if slot.shown().is_some() && !shown {
            *slot = Slot::Withheld;
        }
    }
    let mut files = files();
    files.put_bundles(&honest().entries, &slots);
    files.map.insert("scope".into(), scope.to_bytes());
    (files, scope)
}

#[test]
fn a_package_of_one_stream_shows_it_in_full_and_says_what_it_does_not_show() {
    let stream = format!("telemetry/{}", device(LOSSY));
    let (files, scope) = only(std::slice::from_ref(&stream));
    let report = files.checked().report;
    assert_eq!(report.findings, []);
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
        // What is erased by entries outside of the range cannot be excused by them.
        let findings = report.findings.iter();
        let mut others = findings.filter(|finding| finding.cause != Cause::PayloadMissing);
        assert_eq!(others.next(), None);
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
