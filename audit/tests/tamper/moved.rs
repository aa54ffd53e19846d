//! Entries and payloads that somebody removed, inserted or moved who does not have the log's key.

use sealrock_ledger::Slot;
use sealrock_ledger::verify::Cause;

use crate::changed::{contents, erases, must_show_one_of, places, with_bundles};
use crate::story::honest;
use crate::{TRIES, any, files, found, random};

#[test]
fn an_entry_removed() {
    let mut random = random(6);
    for _ in 0..TRIES {
        let (mut entries, slots) = contents();
        let index = any(&mut random, 256);
        let removed = entries.remove(index);
        // Only that bundle is written again: the next one is as it was.
        let mut files = files();
        let mut bundle = files.map["tile/entries/000"].clone();
        let (begin, end) = places(&bundle, false)[index];
        bundle.drain(begin..end);
        *files.file("tile/entries/000") = bundle;
        assert!(!removed.is_empty());
        must_show_one_of(&files, &[Cause::BundleUnreadable], index, "removed");
        // The rest moved up, the tail cut off.
        let mut moved = with_bundles(&(entries, slots));
        let tail = format!("tile/entries/001.p/{}", honest().entries.len() - 256);
        moved.map.remove(&tail);
        let found = found(&moved);
        assert_eq!(
            found[0],
            (Cause::EntryChanged, Some(index as u64)),
            "{found:?}"
        );
        assert!(
            found.contains(&(Cause::BundleMissing, Some(256))),
            "{found:?}"
        );
    }
}

#[test]
fn an_entry_inserted() {
    let mut random = random(7);
    for _ in 0..TRIES {
        let mut files = files();
        let mut bundle = files.map["tile/entries/000"].clone();
        let places = places(&bundle, false);
        let (index, copied) = (any(&mut random, 256), any(&mut random, 256));
        if index == copied {
            continue;
        }
        let copy = bundle[places[copied].0..places[copied].1].to_vec();
        let at = places[index].0;
        bundle.splice(at..at, copy);
        *files.file("tile/entries/000") = bundle;
        must_show_one_of(&files, &[Cause::BundleUnreadable], index, "inserted");
    }
}

#[test]
fn entries_swapped_or_reordered() {
    let mut random = random(8);
    for _ in 0..TRIES {
        let (mut entries, slots) = contents();
        let (a, b) = (
            any(&mut random, entries.len()),
            any(&mut random, entries.len()),
        );
        let (a, b) = (a.min(b), a.max(b));
        if a == b {
            continue;
        }
        entries.swap(a, b);
        let swapped = found(&with_bundles(&(entries.clone(), slots.clone())));
        let expected = |index: usize| (Cause::EntryChanged, Some(index as u64));
        assert_eq!(swapped[0], expected(a), "{swapped:?}");
        assert!(b == a + 1 || swapped[1] == expected(b), "{swapped:?}");
        entries.swap(a, b);
        let end = (a + 2 + any(&mut random, 9)).min(entries.len());
        if end - a < 2 {
            continue;
        }
        entries[a..end].reverse();
        let reordered = found(&with_bundles(&(entries, slots)));
        assert_eq!(reordered[0], expected(a), "{reordered:?}");
    }
}

#[test]
fn the_tail_truncated() {
    let mut random = random(9);
    for _ in 0..TRIES {
        let (entries, slots) = contents();
        let cut = 1 + any(&mut random, entries.len() - 1);
        let mut files = files();
        let checkpoint = files.map["checkpoint"].clone();
        files.map.retain(|path, _| path == "policy");
        files.put_bundles(&entries[..cut], &slots[..cut]);
        files.put_tiles(&honest().leaves()[..cut]);
        files.map.insert("checkpoint".into(), checkpoint);
        let findings = files.checked().report.findings;
        let missing = findings
            .iter()
            .find(|f| f.cause == Cause::BundleMissing)
            .unwrap();
        let range = missing.index.unwrap().0..=missing.through.unwrap().0;
        assert!(range.contains(&(cut as u64)), "{cut}: {missing}");
    }
}

#[test]
fn payloads_swapped_between_entries() {
    let mut random = random(10);
    for _ in 0..TRIES {
        let (entries, mut slots) = contents();
        let (a, b) = (any(&mut random, slots.len()), any(&mut random, slots.len()));
        let shown = |slot: &Slot| slot.shown().is_some();
        if a == b || !shown(&slots[a]) || !shown(&slots[b]) {
            continue;
        }
        slots.swap(a, b);
        let found = found(&with_bundles(&(entries, slots)));
        for index in [a, b] {
            let near =
                [index, index.saturating_sub(1)].map(|at| (Cause::PayloadChanged, Some(at as u64)));
            assert!(
                near.iter().any(|one| found.contains(one)),
                "{a} {b}: {found:?}"
            );
        }
        let other = |cause: &Cause| *cause != Cause::PayloadChanged;
        let erasing = erases(a) || erases(b);
        assert!(
            erasing || !found.iter().any(|(cause, _)| other(cause)),
            "{a} {b}: {found:?}"
        );
    }
}
