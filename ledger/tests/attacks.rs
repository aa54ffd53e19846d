//! What a forger can do to an export, and what `verify` says of it.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod sample;

use std::sync::OnceLock;

use sample::{Draft, Files, origin, tiles, time};
use sealrock_ledger::verify::{CannotRun, Cause, Progress, verify};
use sealrock_ledger::{
    Index, KeyRange, LogKey, Origin, Policy, decode_entries, encode_entries, leaf_hash,
};

const COUNT: u64 = 600;
const LAST_ENTRIES: &str = "tile/entries/002.p/88";

fn draft() -> &'static Draft {
    static DRAFT: OnceLock<Draft> = OnceLock::new();
    DRAFT.get_or_init(|| Draft::of(COUNT))
}

fn files() -> Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| draft().sign()).clone()
}

/// The export of a draft whose bundles were exchanged for those of `other`.
fn with_bundles_of(other: &Draft) -> Files {
    let mut files = files();
    other.bundles(&mut files.map);
    files
}

#[test]
fn an_honest_ledger_verifies_at_every_interesting_size() {
    for size in [1, 2, 255, 256, 257, 511, 512, 513, 600] {
        let report = Draft::of(size).sign().verify();
        assert_eq!(report.findings, [], "size {size}");
        assert_eq!((report.size, report.origin), (size, origin()));
    }
}

#[test]
fn an_empty_ledger_verifies() {
    assert!(Draft::of(0).sign().verify().is_verified());
}

#[test]
fn progress_is_told_bundle_by_bundle() {
    let (mut told, files) = (Vec::new(), files());
    verify(&files, &files.policy, &mut |progress| told.push(progress)).unwrap();
    let expected = [256, 512, 600].map(|done| Progress { done, total: COUNT });
    assert_eq!(told, expected);
}

#[test]
fn a_finding_reads_as_one_line_and_as_json() {
    let mut files = files();
    files.flip("tile/entries/000", 20, 0);
    let finding = files.only_finding();
    let line = finding.to_string();
    assert!(
        line.starts_with("sealrock.example/ledger/northsea#0: entry-changed: "),
        "{line}"
    );
    let json = serde_json::to_value(&finding).unwrap();
    assert_eq!(json["cause"], "entry-changed");
    assert_eq!(
        (&json["index"], &json["ledger"]),
        (&0.into(), &origin().as_str().into())
    );
}

// Without a checkpoint or a usable policy nothing can be said.

#[test]
fn an_export_without_a_checkpoint_cannot_be_judged() {
    let mut files = files();
    files.map.remove("checkpoint");
    let result = verify(&files, &files.policy, &mut |_| {});
    assert!(matches!(result, Err(CannotRun::NoCheckpoint)));
}

#[test]
fn a_policy_with_a_broken_key_cannot_be_used() {
    let result = verify(&files(), &Policy::of_log("nonsense"), &mut |_| {});
    assert!(matches!(result, Err(CannotRun::Policy(_))));
}

// Checkpoint, key, policy.

#[test]
fn a_checkpoint_of_another_key_is_refused_and_nothing_else_is_said() {
    let mut files = files();
    files.policy = Policy::of_log(LogKey::generate(&origin()).unwrap().vkey());
    files.map.remove("policy");
    files.must_show(Cause::CheckpointInvalid, None);
}

#[test]
fn a_checkpoint_of_another_ledger_is_refused() {
    let other = Origin::new("sealrock.example", &"southsea".parse().unwrap());
    let mut files = files();
    files.policy = Policy::of_log(LogKey::generate(&other).unwrap().vkey());
    files.map.remove("policy");
    files.must_show(Cause::CheckpointInvalid, None);
}

#[test]
fn a_policy_file_that_became_more_than_the_auditors_is_noted_and_no_finding() {
    let mut files = files();
    let next = LogKey::generate(&origin()).unwrap();
    let mut keys = files.policy.keys().to_vec();
    keys.push(KeyRange {
        vkey: next.vkey().to_owned(),
        from: 1_000_000,
        through: None,
    });
    let newer = Policy::of_keys(&keys).to_string();
    files.map.insert("policy".into(), newer.into_bytes());
    let report = files.verify();
    assert_eq!(report.findings, []);
    assert!(report.notes.iter().any(|note| note.code == "policy-newer"));
}

#[test]
fn a_policy_file_that_names_another_key_is_pointed_out() {
    let mut files = files();
    let other = Policy::of_log(LogKey::generate(&origin()).unwrap().vkey());
    files
        .map
        .insert("policy".into(), other.to_string().into_bytes());
    files.must_show(Cause::PolicyDiffers, None);
}

#[test]
fn a_checkpoint_over_another_root_is_told_once() {
    let key = LogKey::generate(&origin()).unwrap();
    let mut files = draft().sign_with(&key);
    let forged = key.sign(COUNT, leaf_hash(b"other")).unwrap();
    files
        .map
        .insert("checkpoint".into(), forged.note.into_bytes());
    files.must_show(Cause::TreeMismatch, None);
}

// Entries.

#[test]
fn a_flipped_bit_in_an_entry_names_it() {
    for index in [0, 1, 255, 256, 300, 599] {
        let mut changed = draft().clone();
        changed.entries[index][100] ^= 4;
        with_bundles_of(&changed).must_show(Cause::EntryChanged, index as u64);
    }
}

#[test]
fn a_changed_entry_whose_tile_was_changed_with_it_is_named() {
    for index in [0, 300, 512, 598] {
        let mut changed = draft().clone();
        changed.entries[index][15] ^= 4;
        let mut files = with_bundles_of(&changed);
        let leaves: Vec<_> = changed
            .entries
            .iter()
            .map(|entry| leaf_hash(entry))
            .collect();
        tiles(&leaves, &mut files.map);
        let findings = files.verify().findings;
        let at = |cause| findings.iter().find(|f| f.cause == cause).map(|f| f.index);
        assert!(findings.len() <= 2, "{findings:#?}");
        assert!(at(Cause::TreeMismatch).is_some(), "{findings:#?}");
        assert_eq!(
            at(Cause::WrongPrev),
            Some(Some(Index(index as u64 + 1))),
            "{findings:#?}"
        );
    }
}

#[test]
fn where_entry_and_tile_were_changed_apart_both_are_named() {
    let mut changed = draft().clone();
    changed.entries[300][100] ^= 4;
    let mut files = with_bundles_of(&changed);
    files.flip("tile/0/001", 32 * 100, 0);
    let findings = files.verify().findings;
    let found: Vec<_> = findings.iter().map(|f| (f.cause, f.index)).collect();
    let expected = [(Cause::TileChanged, 356), (Cause::EntryChanged, 300)];
    assert_eq!(
        found,
        expected.map(|(cause, index)| (cause, Some(Index(index))))
    );
}

#[test]
fn swapped_entries_are_named() {
    let mut changed = draft().clone();
    changed.entries.swap(300, 301);
    let finding = with_bundles_of(&changed).only_finding();
    assert_eq!(finding.cause, Cause::EntryChanged);
    assert_eq!(
        (finding.index, finding.through),
        (Some(Index(300)), Some(Index(301)))
    );
    assert!(
        finding.message.contains("it says that it is entry 301"),
        "{finding}"
    );
}

#[test]
fn reordered_entries_are_named() {
    let mut changed = draft().clone();
    changed.entries[290..300].reverse();
    let finding = with_bundles_of(&changed).only_finding();
    assert_eq!(finding.cause, Cause::EntryChanged);
    assert_eq!(
        (finding.index, finding.through),
        (Some(Index(290)), Some(Index(299)))
    );
}

#[test]
fn an_entry_removed_from_its_bundle_is_named() {
    for (at, path) in [
        (0, "tile/entries/001"),
        (44, "tile/entries/001"),
        (87, LAST_ENTRIES),
    ] {
        let mut files = files();
        let count = if path == LAST_ENTRIES { 88 } else { 256 };
        let bundle = files.file(path).clone();
        let mut entries = decode_entries(&bundle, count).unwrap();
        entries.remove(at);
        *files.file(path) = encode_entries(entries);
        let first = if path == LAST_ENTRIES { 512 } else { 256 };
        files.must_show(Cause::BundleUnreadable, first + at as u64);
    }
}

#[test]
fn an_entry_inserted_into_its_bundle_is_named() {
    let mut files = files();
    let bundle = files.file("tile/entries/001").clone();
    let mut entries = decode_entries(&bundle, 256).unwrap();
    let copy = entries[10];
    entries.insert(44, copy);
    *files.file("tile/entries/001") = encode_entries(entries);
    files.must_show(Cause::BundleUnreadable, 300);
}

#[test]
fn an_entry_removed_and_the_rest_moved_up_is_one_finding_per_fault() {
    let mut shorter = draft().clone();
    shorter.entries.remove(300);
    shorter.payloads.remove(300);
    let mut files = with_bundles_of(&shorter);
    files.map.remove(LAST_ENTRIES);
    let findings = files.verify().findings;
    assert!(findings.len() <= 5, "{findings:#?}");
    assert_eq!(findings[0].index, Some(Index(300)));
}

#[test]
fn a_truncated_tail_is_found() {
    for path in [LAST_ENTRIES, "tile/entries/001"] {
        let mut files = files();
        files.map.remove(path);
        files.must_show(
            Cause::BundleMissing,
            if path == LAST_ENTRIES { 512 } else { 256 },
        );
    }
}

#[test]
fn bytes_left_over_in_a_bundle_are_found() {
    let mut files = files();
    files.file("tile/entries/001").push(0);
    files.must_show(Cause::BundleUnreadable, 511);
}

#[test]
fn the_files_of_a_shorter_history_do_not_fit_a_later_checkpoint() {
    let key = LogKey::generate(&origin()).unwrap();
    let late = draft().sign_with(&key);
    let mut files = Draft::of(500).sign_with(&key);
    files
        .map
        .insert("checkpoint".into(), late.map["checkpoint"].clone());
    assert!(!files.verify().is_verified());
}

#[test]
fn a_forked_tail_is_found() {
    let key = LogKey::generate(&origin()).unwrap();
    let honest = draft().sign_with(&key);
    let fork = |entry: &mut sealrock_ledger::Entry| {
        if entry.index >= Index(550) {
            "fork".clone_into(&mut entry.via);
        }
    };
    let mut forked = Draft::with(COUNT, fork).sign_with(&key);
    assert!(forked.verify().is_verified());
    forked
        .map
        .insert("checkpoint".into(), honest.map["checkpoint"].clone());
    forked.must_show(Cause::TreeMismatch, None);
}

// What a log writes that holds the key: everything is signed, and still wrong.

#[test]
fn a_signed_entry_with_another_index_is_found() {
    let dishonest = Draft::with(COUNT, |entry| {
        if entry.index == Index(300) {
            entry.index = Index(301);
        }
    });
    dishonest.sign().must_show(Cause::WrongIndex, 300);
}

#[test]
fn a_signed_entry_of_another_ledger_is_found() {
    let dishonest = Draft::with(COUNT, |entry| {
        if entry.index == Index(300) {
            entry.ledger = Origin::from_stored("elsewhere/ledger/northsea".into());
        }
    });
    dishonest.sign().must_show(Cause::WrongLedger, 300);
}

#[test]
fn a_signed_entry_with_another_prev_is_found() {
    for index in [0, 256, 300] {
        let dishonest = Draft::with(COUNT, |entry| {
            if entry.index == Index(index) {
                entry.prev[0] ^= 1;
            }
        });
        dishonest.sign().must_show(Cause::WrongPrev, index);
    }
}

#[test]
fn a_clock_that_ran_backwards_is_found() {
    let dishonest = Draft::with(COUNT, |entry| {
        if entry.index == Index(300) {
            entry.recorded_at = time(0);
        }
    });
    dishonest.sign().must_show(Cause::ClockBackwards, 300);
}

#[test]
fn a_version_gap_in_a_stream_is_found_once() {
    for index in [0, 300] {
        let dishonest = Draft::with(COUNT, |entry| {
            if entry.index >= Index(index) && entry.stream == "telemetry/meter-0" {
                entry.version += 1;
            }
        });
        let finding = dishonest.sign().only_finding();
        assert_eq!(finding.cause, Cause::VersionGap);
        assert!(finding.index >= Some(Index(index)) && finding.index < Some(Index(index + 7)));
    }
}

#[test]
fn an_unknown_format_version_is_found() {
    let dishonest = Draft::with(COUNT, |entry| {
        if entry.index == Index(300) {
            entry.v = 2;
        }
    });
    dishonest.sign().must_show(Cause::UnknownFormat, 300);
}

/// A draft whose entry 300 has other bytes, chained and signed as if all were well.
fn with_bytes_at_300(change: impl Fn(&mut Vec<u8>)) -> Files {
    let mut changed = draft().clone();
    change(&mut changed.entries[300]);
    let prev = leaf_hash(&changed.entries[300]).0;
    // The rest of the chain is not rebuilt: one broken link more must not drown the fault.
    let mut next = sealrock_ledger::Entry::read(&changed.entries[301]).unwrap();
    next.prev = prev;
    changed.entries[301] = next.to_bytes().unwrap();
    changed.sign()
}

#[test]
fn a_signed_entry_that_is_not_canonical_is_found() {
    let files = with_bytes_at_300(|bytes| bytes.insert(1, b' '));
    let causes: Vec<_> = files
        .verify()
        .findings
        .iter()
        .map(|f| (f.cause, f.index))
        .collect();
    assert_eq!(causes[0], (Cause::EntryNotCanonical, Some(Index(300))));
    assert_eq!(causes[1..], [(Cause::WrongPrev, Some(Index(302)))]);
}

#[test]
fn signed_bytes_that_are_no_entry_are_found() {
    let files = with_bytes_at_300(|bytes| *bytes = b"{}".to_vec());
    let causes: Vec<_> = files
        .verify()
        .findings
        .iter()
        .map(|f| (f.cause, f.index))
        .collect();
    assert_eq!(causes[0], (Cause::EntryMalformed, Some(Index(300))));
    assert_eq!(causes[1..], [(Cause::WrongPrev, Some(Index(302)))]);
}

// Tiles.

#[test]
fn a_flipped_bit_in_a_tile_is_told_once_and_names_the_tile_not_the_entry() {
    for (path, index) in [
        ("tile/0/000", 3),
        ("tile/0/001", 259),
        ("tile/0/002.p/88", 515),
    ] {
        let mut files = files();
        files.flip(path, 3 * 32 + 7, 5);
        files.must_show(Cause::TileChanged, index);
        assert!(files.only_finding().message.contains(path));
    }
    let mut files = files();
    files.flip("tile/1/000.p/2", 32 + 7, 5);
    let finding = files.only_finding();
    assert_eq!(finding.cause, Cause::TileChanged);
    assert_eq!(
        (finding.index, finding.through),
        (Some(Index(256)), Some(Index(511)))
    );
}

#[test]
fn a_tile_that_is_missing_or_short_or_long_is_told_once() {
    for path in ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2"] {
        let mut missing = files();
        missing.map.remove(path);
        assert_eq!(missing.only_finding().cause, Cause::TileMissing, "{path}");
        let mut short = files();
        short.file(path).pop();
        assert_eq!(short.only_finding().cause, Cause::TileMalformed, "{path}");
        let mut long = files();
        long.file(path).extend([0; 32]);
        assert_eq!(long.only_finding().cause, Cause::TileMalformed, "{path}");
    }
}

#[test]
fn tiles_above_full_tiles_are_checked_and_repaired_from_below() {
    let honest = Draft::of(66_000).sign();
    assert_eq!(honest.verify().findings, []);

    for (path, byte, index) in [("tile/1/000", 32 * 7, 7 * 256), ("tile/2/000.p/1", 1, 0)] {
        let mut files = honest.clone();
        files.flip(path, byte, 0);
        files.must_show(Cause::TileChanged, index);
    }
}

// Payloads.

#[test]
fn payloads_swapped_between_entries_are_named() {
    let mut changed = draft().clone();
    changed.payloads.swap(300, 302);
    let findings = with_bundles_of(&changed).verify().findings;
    let found: Vec<_> = findings.iter().map(|f| (f.cause, f.index)).collect();
    assert_eq!(
        found,
        [300, 302].map(|at| (Cause::PayloadChanged, Some(Index(at))))
    );
}

#[test]
fn a_changed_salt_or_media_type_names_the_entry() {
    let mut salt = draft().clone();
    salt.payloads[300].salt[15] ^= 1;
    with_bundles_of(&salt).must_show(Cause::PayloadChanged, 300);
    let mut media = draft().clone();
    media.payloads[300].media.push('x');
    with_bundles_of(&media).must_show(Cause::PayloadChanged, 300);
}

#[test]
fn a_salt_that_is_not_sixteen_bytes_is_found() {
    let mut files = files();
    let bundle = files.file("payloads/000");
    let salt = bundle
        .windows(8)
        .position(|text| text == br#""salt":""#)
        .unwrap()
        + 8;
    bundle.drain(salt..salt + 2);
    let header_length = u16::from_be_bytes([bundle[0], bundle[1]]) - 2;
    bundle[..2].copy_from_slice(&header_length.to_be_bytes());
    files.must_show(Cause::PayloadUnreadable, 0);
}

#[test]
fn a_header_that_says_the_same_in_other_bytes_is_found() {
    let mut files = files();
    let bundle = files.file("payloads/001");
    let text = bundle
        .windows(8)
        .position(|text| text == br#""salt":""#)
        .unwrap()
        + 8;
    let letter = text
        + bundle[text..]
            .iter()
            .position(u8::is_ascii_alphabetic)
            .unwrap();
    bundle[letter].make_ascii_uppercase();
    files.must_show(Cause::PayloadUnreadable, 256);
}

#[test]
fn a_payload_that_is_gone_is_found() {
    let mut files = files();
    files.map.remove("payloads/001");
    let finding = files.only_finding();
    assert_eq!(
        (finding.index, finding.through),
        (Some(Index(256)), Some(Index(511)))
    );
    assert_eq!(finding.cause, Cause::PayloadMissing);
}

#[test]
fn a_payload_that_is_marked_as_erased_is_found() {
    let mut files = files();
    let erased = draft().payloads[..256]
        .iter()
        .enumerate()
        .map(|(at, payload)| (at != 77).then_some(payload));
    *files.file("payloads/000") = sealrock_ledger::encode_payloads(erased);
    files.must_show(Cause::PayloadMissing, 77);
}

#[test]
fn bytes_left_over_in_a_payload_bundle_are_found() {
    let mut files = files();
    files.file("payloads/001").push(0);
    files.must_show(Cause::PayloadUnreadable, 511);
}
