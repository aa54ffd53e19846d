//! Every item of "what verify must catch", at many random places of an export: found each time,
//! with the right entry and cause. An export that was not touched has no finding.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod changed;
mod devices;
mod dishonest;
mod log;
mod moved;
mod partial;
mod records;
mod sealed;
mod story;

use std::sync::OnceLock;

use log::Files;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sealrock_ledger::Index;
use sealrock_ledger::verify::Cause;

/// Random places that each way of tampering is tried at.
const TRIES: usize = 100;

/// The export of the honest story.
fn files() -> Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| story::honest().sign()).clone()
}

fn random(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// Any of `0..end`.
fn any(random: &mut StdRng, end: usize) -> usize {
    random.gen_range(0..end)
}

/// What was found, as causes and indexes.
fn found(files: &Files) -> Vec<(Cause, Option<u64>)> {
    let findings = files.checked().report.findings;
    let found = findings
        .iter()
        .map(|f| (f.cause, f.index.map(|Index(index)| index)));
    found.collect()
}

#[track_caller]
fn must_show(files: &Files, expected: &[(Cause, Option<u64>)], what: &str) {
    let findings = files.checked().report.findings;
    let found: Vec<_> = findings
        .iter()
        .map(|f| (f.cause, f.index.map(|Index(index)| index)))
        .collect();
    assert_eq!(found, expected, "{what}: {findings:#?}");
}

#[test]
fn what_was_not_touched_has_no_finding_and_everything_in_it_was_checked() {
    let checked = files().checked();
    let log = story::honest();
    assert_eq!(checked.report.findings, []);
    assert_eq!(checked.report.notes, []);
    let kinds: Vec<String> = (0..log.size()).map(|index| log.entry(index).kind).collect();
    let count = |kind: &str| kinds.iter().filter(|k| *k == kind).count() as u64;
    let facts = &checked.facts;
    assert!(log.size() > 300, "{} entries", log.size());
    assert_eq!(facts.seals, count("WindowSealed"));
    assert!(
        facts.seals >= 9 && facts.seals_with_figures >= 6,
        "{facts:?}"
    );
    assert!(count("GapDetected") >= 3);
    assert_eq!(facts.hidden_batches, checked.report.shown.erased);
    let batches = facts.signed_batches + facts.unsigned_batches + facts.hidden_batches;
    assert_eq!(batches, count("SensorBatchRecorded"));
    assert!(
        facts.signed_batches > 30 && facts.hidden_batches > 10,
        "{facts:?}"
    );
    assert_eq!(facts.unchecked_signatures, 0);
    let supersedes = (0..log.size()).filter(|index| {
        let payload = log.slots[usize::try_from(*index).unwrap()].shown();
        payload.is_some_and(|p| p.bytes.windows(12).any(|text| text == b"\"supersedes\""))
    });
    assert_eq!(supersedes.count(), 1);
}
