//! Exports that somebody changed who does not have the log's key.

use std::collections::BTreeSet;

use rand::Rng;
use rand::rngs::StdRng;
use sealrock_ledger::verify::Cause;
use sealrock_ledger::{Policy, Slot, decode_payloads};

use crate::log::Files;
use crate::story::honest;
use crate::{TRIES, any, files, found, must_show, random};

pub type Changed = (Vec<Vec<u8>>, Vec<Slot>);

/// Entries and payloads of the honest log, to be changed.
pub fn contents() -> Changed {
    (honest().entries.clone(), honest().slots.clone())
}

/// The honest export with other bundles.
pub fn with_bundles((entries, slots): &Changed) -> Files {
    let mut files = files();
    files.put_bundles(entries, slots);
    files
}

/// Entries that erase: without them, what they erased is missing as well.
pub fn erases(index: usize) -> bool {
    let kind = honest().entry(index as u64).kind;
    kind == "PayloadRedacted" || kind == "RetentionApplied"
}

/// Expects one finding, of one of these causes, at that entry; and nothing else but what was erased
/// by entries that can no longer be read.
#[track_caller]
pub fn must_show_one_of(files: &Files, causes: &[Cause], index: usize, what: &str) {
    let report = files.checked().report;
    let (of_erased, others): (Vec<_>, Vec<_>) = report
        .findings
        .iter()
        .partition(|finding| finding.cause == Cause::PayloadMissing);
    let [finding] = others[..] else {
        panic!("{what}: {:#?}", report.findings)
    };
    assert!(causes.contains(&finding.cause), "{what}: {finding}");
    assert_eq!(
        finding.index.map(|index| index.0),
        Some(index as u64),
        "{what}: {finding}"
    );
    let erasing_lost = (index..honest().entries.len().min(index / 256 * 256 + 256)).any(erases);
    assert!(
        of_erased.is_empty() || erasing_lost,
        "{what}: {of_erased:#?}"
    );
}

/// Where the items of a bundle begin and end.
pub fn places(bundle: &[u8], payloads: bool) -> Vec<(usize, usize)> {
    let (mut places, mut at) = (Vec::new(), 0);
    while at < bundle.len() {
        let begin = at;
        at += 2 + usize::from(u16::from_be_bytes([bundle[at], bundle[at + 1]]));
        if payloads {
            let length = [bundle[at], bundle[at + 1], bundle[at + 2], bundle[at + 3]];
            at += 4 + u32::from_be_bytes(length) as usize;
        }
        places.push((begin, at));
    }
    places
}

/// A random entry's place in a file, and one of its bytes.
fn byte_of(random: &mut StdRng, files: &Files, folder: &str) -> (String, usize, usize) {
    let index = any(random, honest().entries.len());
    let n = index / 256;
    let prefix = format!("{folder}/{n:03}");
    let path = files
        .map
        .keys()
        .find(|path| path.starts_with(&prefix))
        .unwrap();
    let (begin, end) = places(&files.map[path], folder == "payloads")[index % 256];
    (path.clone(), index, random.gen_range(begin..end))
}

#[test]
fn a_flipped_bit_in_an_entry() {
    let mut random = random(1);
    for _ in 0..2 * TRIES {
        let mut files = files();
        let (path, index, byte) = byte_of(&mut random, &files, "tile/entries");
        files.file(&path)[byte] ^= 1 << any(&mut random, 8);
        let causes = [Cause::EntryChanged, Cause::BundleUnreadable];
        must_show_one_of(&files, &causes, index, &format!("{path} byte {byte}"));
    }
}

#[test]
fn a_flipped_bit_in_a_payload() {
    let mut random = random(2);
    for _ in 0..2 * TRIES {
        let mut files = files();
        let (path, index, byte) = byte_of(&mut random, &files, "payloads");
        files.file(&path)[byte] ^= 1 << any(&mut random, 8);
        let causes = [Cause::PayloadChanged, Cause::PayloadUnreadable];
        must_show_one_of(&files, &causes, index, &format!("{path} byte {byte}"));
    }
}

#[test]
fn a_flipped_bit_in_a_tile() {
    let mut random = random(3);
    let paths: Vec<String> = files().map.keys().cloned().collect();
    let tiles: Vec<&String> = paths
        .iter()
        .filter(|path| path.starts_with("tile/0") || path.starts_with("tile/1"))
        .collect();
    for _ in 0..TRIES {
        let mut files = files();
        let path = tiles[any(&mut random, tiles.len())];
        let byte = any(&mut random, files.map[path].len());
        files.file(path)[byte] ^= 1 << any(&mut random, 8);
        let first = match path.as_str() {
            "tile/0/000" => 0,
            path if path.starts_with("tile/0/001") => 256,
            _ => 0,
        };
        let index = if path.starts_with("tile/0") {
            byte / 32
        } else {
            0
        } as u64;
        must_show(&files, &[(Cause::TileChanged, Some(first + index))], path);
    }
}

#[test]
fn a_flipped_bit_in_checkpoint_or_policy() {
    let mut random = random(4);
    for (path, cause) in [
        ("checkpoint", Cause::CheckpointInvalid),
        ("policy", Cause::PolicyDiffers),
    ] {
        for _ in 0..TRIES {
            let mut files = files();
            let byte = any(&mut random, files.map[path].len());
            files.file(path)[byte] ^= 1 << any(&mut random, 8);
            must_show(&files, &[(cause, None)], &format!("{path} byte {byte}"));
        }
    }
}

#[test]
fn a_flipped_bit_in_the_auditors_key() {
    let mut random = random(5);
    let honest = files();
    let text = honest.policy.to_string();
    let key = text.lines().next().unwrap().len();
    for _ in 0..4 * TRIES {
        let mut changed = text.clone().into_bytes();
        changed[any(&mut random, key)] ^= 1 << any(&mut random, 7);
        // A key that does not have its id is refused at once.
        let parsed = String::from_utf8(changed).unwrap().parse::<Policy>();
        let Ok(policy) = parsed else { continue };
        if policy == honest.policy {
            continue; // another kind of white space
        }
        let files = Files {
            policy,
            ..honest.clone()
        };
        assert!(!files.checked().report.is_verified(), "{}", files.policy);
    }
}

#[test]
fn a_salt_that_is_not_sixteen_bytes() {
    let mut random = random(11);
    for _ in 0..TRIES {
        let mut files = files();
        let path = "payloads/000";
        let bundle = files.file(path);
        let index = any(&mut random, 256);
        let (begin, end) = places(bundle, true)[index];
        let salt = bundle[begin..end]
            .windows(8)
            .position(|text| text == br#""salt":""#);
        let Some(salt) = salt else { continue };
        let digits = 2 * (1 + any(&mut random, 16));
        let from = begin + salt + 8;
        bundle.drain(from..from + digits);
        let length = u16::from_be_bytes([bundle[begin], bundle[begin + 1]]);
        let length = length - u16::try_from(digits).unwrap();
        bundle[begin..begin + 2].copy_from_slice(&length.to_be_bytes());
        must_show_one_of(&files, &[Cause::PayloadUnreadable], index, "salt");
    }
}

#[test]
fn bytes_left_over() {
    let mut random = random(12);
    let last = honest().entries.len() - 1;
    let paths: Vec<String> = files().map.keys().cloned().collect();
    for path in paths.iter().filter(|path| path.contains('/')) {
        for _ in 0..10 {
            let mut files = files();
            let more = 1 + any(&mut random, 99);
            files.file(path).extend((0..more).map(|_| 7));
            let end = if path.contains("001") { last } else { 255 };
            let cause = match path {
                path if path.starts_with("payloads") => Cause::PayloadUnreadable,
                path if path.starts_with("tile/entries") => Cause::BundleUnreadable,
                _ => Cause::TileMalformed,
            };
            let index = if cause == Cause::TileMalformed {
                end / 256 * 256
            } else {
                end
            };
            let index = if path.starts_with("tile/1") { 0 } else { index };
            must_show(&files, &[(cause, Some(index as u64))], path);
        }
    }
}

#[test]
fn a_payload_missing_or_marked_as_erased_or_withheld() {
    let mut random = random(13);
    for _ in 0..TRIES {
        let (entries, mut slots) = contents();
        let index = any(&mut random, slots.len());
        if slots[index].shown().is_none() || erases(index) {
            continue;
        }
        let place = Some(index as u64);
        slots[index] = Slot::Erased;
        let files = with_bundles(&(entries.clone(), slots.clone()));
        must_show(&files, &[(Cause::PayloadMissing, place)], "erased");
        slots[index] = Slot::Withheld;
        let files = with_bundles(&(entries, slots));
        must_show(&files, &[(Cause::PayloadWithheld, place)], "withheld");
    }
    let mut files = files();
    files.map.remove("payloads/000");
    let found: BTreeSet<_> = found(&files).into_iter().collect();
    assert!(
        found.contains(&(Cause::PayloadMissing, Some(0))),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .all(|(cause, _)| *cause == Cause::PayloadMissing),
        "{found:?}"
    );
}

/// What a decoder makes of it is the same as what was put in.
#[test]
fn the_honest_payloads_are_what_the_files_hold() {
    let files = files();
    let slots = decode_payloads(&files.map["payloads/000"], 256).unwrap();
    assert_eq!(slots, honest().slots[..256]);
}
