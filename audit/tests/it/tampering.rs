//! The tamper matrix of the database: each kind of damage at a hundred random positions at once,
//! each of which must be named with its entry and cause, and nothing else.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use sealrock_audit::{Code, FsckFinding};

use crate::ledger::Ledger;

const SIZE: u64 = 700;
const POSITIONS: usize = 100;

/// Positions that are no neighbours, so that no two faults become one finding.
fn positions(rng: &mut StdRng) -> BTreeSet<u64> {
    let mut all: Vec<u64> = (0..SIZE / 3)
        .map(|third| third * 3 + rng.gen_range(0..2))
        .collect();
    all.shuffle(rng);
    all.truncate(POSITIONS);
    all.into_iter().collect()
}

/// What fsck finds after `damage` of each position of a new ledger.
async fn found(
    positions: &BTreeSet<u64>,
    mut damage: impl FnMut(u64) -> String,
) -> Vec<FsckFinding> {
    let ledger = Ledger::of(usize::try_from(SIZE).unwrap()).await;
    let statements: Vec<String> = positions.iter().map(|index| damage(*index)).collect();
    ledger.damage(&statements.join(";\n")).await;
    sealrock_audit::fsck(
        &ledger.store,
        &ledger.info,
        sealrock_audit::Pace::Full,
        &mut |_| {},
    )
    .await
    .unwrap()
    .findings
}

/// Every position is found with this cause, and there are no other findings.
fn assert_exactly(positions: &BTreeSet<u64>, code: Code, findings: &[FsckFinding]) {
    let expected: Vec<_> = positions.iter().map(|index| (code, *index)).collect();
    let mut named: Vec<_> = findings
        .iter()
        .map(|finding| {
            (
                finding.code,
                finding.index.map_or(u64::MAX, |index| index.0),
            )
        })
        .collect();
    named.sort_unstable();
    assert_eq!(named, expected, "{findings:#?}");
}

/// Flips a random bit of a bytea column of the row of an entry.
fn flip(rng: &mut StdRng, table: &str, column: &str, bytes: u32, index: u64) -> String {
    let (byte, bit) = (rng.gen_range(0..bytes), rng.gen_range(0..8));
    let (byte, bit) = (format!("{byte} % octet_length({column})"), 1 << bit);
    format!(
        "UPDATE {table} SET {column} = \
         set_byte({column}, {byte}, get_byte({column}, {byte}) # {bit}) WHERE index = {index}"
    )
}

/// Entries whose number divides by three are aggregates', the others batches.
fn payload_table(index: u64) -> &'static str {
    if index.is_multiple_of(3) {
        "payloads"
    } else {
        "batch_payloads"
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_of_any_entry_is_named() {
    let mut rng = StdRng::seed_from_u64(1);
    let at = positions(&mut rng);
    let findings = found(&at, |index| flip(&mut rng, "events", "entry", 400, index)).await;
    assert_exactly(&at, Code::EntryChanged, &findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_of_any_leaf_hash_is_named() {
    let mut rng = StdRng::seed_from_u64(2);
    let at = positions(&mut rng);
    let findings = found(&at, |index| {
        flip(&mut rng, "events", "leaf_hash", 32, index)
    })
    .await;
    assert_exactly(&at, Code::LeafHashChanged, &findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_of_any_payload_or_salt_is_named() {
    for (seed, column, bytes) in [(3, "bytes", 7), (4, "salt", 16)] {
        let mut rng = StdRng::seed_from_u64(seed);
        let at = positions(&mut rng);
        let damage = |index| flip(&mut rng, payload_table(index), column, bytes, index);
        let findings = found(&at, damage).await;
        assert_exactly(&at, Code::PayloadChanged, &findings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_salt_that_is_not_sixteen_bytes_and_another_media_type_are_named() {
    let set = |column: &'static str, value: &'static str| {
        move |index| {
            let table = payload_table(index);
            format!("UPDATE {table} SET {column} = {value} WHERE index = {index}")
        }
    };
    let mut rng = StdRng::seed_from_u64(5);
    let at = positions(&mut rng);
    for damage in [
        set("salt", "substr(salt, 1, 15)"),
        set("salt", "salt || '\\x00'"),
        set("media", "media || ';'"),
    ] {
        assert_exactly(&at, Code::PayloadChanged, &found(&at, damage).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_is_gone_without_an_entry_that_erases_it_is_named() {
    let mut rng = StdRng::seed_from_u64(6);
    let at = positions(&mut rng);
    let damage = |index| format!("DELETE FROM {} WHERE index = {index}", payload_table(index));
    assert_exactly(&at, Code::PayloadMissing, &found(&at, damage).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_swapped_between_entries_are_named_on_both_sides() {
    let mut rng = StdRng::seed_from_u64(7);
    // Of one table each, so that the rows stay where they belong.
    let at = positions(&mut rng);
    let mut batches: Vec<u64> = at.into_iter().filter(|index| index % 3 == 1).collect();
    batches.truncate(batches.len() / 2 * 2);
    let pairs: BTreeSet<u64> = batches.chunks(2).map(|pair| pair[0]).collect();
    let partner = |index| batches[batches.iter().position(|b| *b == index).unwrap() + 1];
    let findings = found(&pairs, |index| {
        let other = partner(index);
        format!(
            "UPDATE batch_payloads a SET salt = b.salt, media = b.media, bytes = b.bytes \
             FROM batch_payloads b WHERE (a.index, b.index) IN (({index}, {other}), ({other}, {index}))"
        )
    })
    .await;
    let both: BTreeSet<u64> = batches.iter().copied().collect();
    assert_exactly(&both, Code::PayloadChanged, &findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_swapped_are_named_on_both_sides() {
    let mut rng = StdRng::seed_from_u64(8);
    let mut at: Vec<u64> = positions(&mut rng).into_iter().collect();
    at.truncate(at.len() / 2 * 2);
    let pairs: BTreeSet<u64> = at.chunks(2).map(|pair| pair[0]).collect();
    let findings = found(&pairs, |index| {
        let other = at[at.iter().position(|a| *a == index).unwrap() + 1];
        format!(
            "UPDATE events a SET entry = b.entry FROM events b \
             WHERE (a.index, b.index) IN (({index}, {other}), ({other}, {index}))"
        )
    })
    .await;
    let both: BTreeSet<u64> = at.iter().copied().collect();
    assert_exactly(&both, Code::EntryChanged, &findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_were_removed_are_named() {
    let mut rng = StdRng::seed_from_u64(9);
    let at = positions(&mut rng);
    let findings = found(&at, |index| {
        format!("DELETE FROM events WHERE index = {index}")
    })
    .await;
    let missing: BTreeSet<u64> = findings
        .iter()
        .filter(|finding| finding.code == Code::EventMissing)
        .flat_map(|finding| {
            let (first, last) = (finding.index.unwrap(), finding.through.unwrap());
            first.0..=last.0
        })
        .collect();
    assert!(missing.is_superset(&at), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_says_something_else_than_its_entry_is_named() {
    for (seed, column, value) in [
        (10, "stream", "stream || '-x'"),
        (11, "type", "type || 'x'"),
        (12, "version", "version + 10000"),
        (13, "recorded_at", "recorded_at + interval '1 microsecond'"),
    ] {
        let mut rng = StdRng::seed_from_u64(seed);
        let at = positions(&mut rng);
        let damage = |index| format!("UPDATE events SET {column} = {value} WHERE index = {index}");
        assert_exactly(&at, Code::ColumnDiffers, &found(&at, damage).await);
    }
}

/// Places such as `checkpoints size 25`.
fn assert_places(places: &BTreeSet<String>, code: Code, findings: &[FsckFinding]) {
    let named: BTreeSet<String> = findings.iter().map(|f| f.place.clone()).collect();
    assert_eq!(&named, places, "{findings:#?}");
    assert!(findings.iter().all(|f| f.code == code), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_signed_checkpoint_that_was_changed_or_removed_is_named() {
    // Commits of 25 entries.
    let sizes: BTreeSet<u64> = (1..=SIZE / 25).map(|commit| commit * 25).collect();
    let place = |size: &u64| format!("checkpoints size {size}");
    let places: BTreeSet<String> = sizes.iter().map(place).collect();
    let mut rng = StdRng::seed_from_u64(14);
    let findings = found(&sizes, |size| {
        // A character of the signature's base64, well inside the line.
        let back = rng.gen_range(4..60);
        format!(
            "UPDATE checkpoints SET note = overlay(note placing \
             (CASE substr(note, length(note) - {back}, 1) WHEN 'A' THEN 'B' ELSE 'A' END) \
             from length(note) - {back} for 1) WHERE size = {size}"
        )
    })
    .await;
    assert_places(&places, Code::CheckpointInvalid, &findings);
    let findings = found(&sizes, |size| {
        format!("DELETE FROM checkpoints WHERE size = {size}")
    })
    .await;
    assert!(!findings.is_empty());
    assert!(
        findings.iter().all(|f| f.code == Code::CheckpointMissing),
        "{findings:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_anywhere_in_a_tile_names_the_tile() {
    let mut rng = StdRng::seed_from_u64(15);
    let tiles: BTreeSet<u64> = (0..SIZE / 256).collect();
    for _ in 0..10 {
        let findings = found(&tiles, |n| {
            let (byte, bit) = (rng.gen_range(0..8192), 1 << rng.gen_range(0..8));
            format!(
                "UPDATE tiles SET hashes = set_byte(hashes, {byte}, get_byte(hashes, {byte}) # {bit}) \
                 WHERE level = 0 AND n = {n}"
            )
        })
        .await;
        let places = tiles
            .iter()
            .map(|n| format!("tiles level 0 n {n}"))
            .collect();
        assert_places(&places, Code::TileChanged, &findings);
    }
}
