//! One flipped bit anywhere is never passed over in silence.

mod sample;

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sample::{Draft, Files};
use sealrock_ledger::verify::{CannotRun, Report, verify};
use sealrock_ledger::{Entry, Index, LogVerifier, Policy, decode_entries, decode_payloads};

/// Small enough to be verified hundreds of times, large enough for full and partial tiles of two
/// levels.
const COUNT: u64 = 270;

fn judged(files: &Files) -> Result<Report, CannotRun> {
    verify(files, &files.policy, &mut |_| {})
}

/// The place of each item in a bundle: `(begin, end)`.
fn items(bundle: &[u8], payloads: bool) -> Vec<(usize, usize)> {
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

#[test]
fn a_flipped_bit_in_each_file_is_found() {
    let honest = Draft::of(COUNT).sign();
    let mut random = StdRng::seed_from_u64(1);
    for (path, bytes) in &honest.map {
        for _ in 0..30 {
            let (byte, bit) = (random.gen_range(0..bytes.len()), random.gen_range(0..8));
            let mut files = honest.clone();
            files.flip(path, byte, bit);
            if let Ok(report) = judged(&files) {
                let count = report.findings.len();
                assert!(
                    (1..=2).contains(&count),
                    "{path} byte {byte} bit {bit}: {count} findings"
                );
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_checkpoint_and_policy_is_found() {
    let honest = Draft::of(3).sign();
    for path in ["checkpoint", "policy"] {
        for byte in 0..honest.map[path].len() {
            for bit in 0..8 {
                let mut files = honest.clone();
                files.flip(path, byte, bit);
                let found = judged(&files).map_or(1, |report| report.findings.len());
                assert_eq!(found, 1, "{path} byte {byte} bit {bit}");
            }
        }
    }
}

/// A flipped bit in the auditor's own policy, with the export untouched.
#[test]
fn every_flipped_bit_of_the_auditors_key_is_found() {
    let honest = Draft::of(3).sign();
    let text = honest.policy.to_string();
    let key = text
        .lines()
        .next()
        .map(str::len)
        .expect("a policy has a line");
    for byte in 0..key {
        for bit in 0..7 {
            let mut changed = text.clone().into_bytes();
            changed[byte] ^= 1 << bit;
            let parsed = String::from_utf8(changed).map(|text| text.parse::<Policy>());
            let Ok(Ok(policy)) = parsed else { continue };
            if policy == honest.policy {
                continue; // another kind of white space between the words
            }
            let report = verify(&honest, &policy, &mut |_| {});
            assert!(
                report.is_ok_and(|report| !report.is_verified()),
                "byte {byte} bit {bit}"
            );
        }
    }
}

#[test]
fn every_flipped_bit_in_an_entry_or_payload_names_its_index_and_nothing_else() {
    let honest = Draft::of(40).sign();
    for (path, payloads) in [
        ("tile/entries/000.p/40", false),
        ("payloads/000.p/40", true),
    ] {
        // First, last and one between, framing included.
        let places = items(&honest.map[path], payloads);
        for index in [0, 17, 39] {
            let (begin, end) = places[index];
            for byte in begin..end {
                let mut files = honest.clone();
                files.flip(path, byte, u8::try_from(byte % 8).expect("below 8"));
                let finding = files.only_finding();
                assert_eq!(
                    finding.index,
                    Some(Index(index as u64)),
                    "{path} byte {byte}: {finding}"
                );
                assert_eq!(
                    finding.through, finding.index,
                    "{path} byte {byte}: {finding}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn decoders_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), count in 0usize..300) {
        let _ = decode_entries(&bytes, count);
        let _ = decode_payloads(&bytes, count);
        let _ = Entry::read_canonical(&bytes);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = text.parse::<Policy>();
            let _ = LogVerifier::new(text);
        }
    }

    #[test]
    fn nearly_right_bundles_never_panic(
        at in any::<prop::sample::Index>(),
        with in prop::collection::vec(any::<u8>(), 0..9),
        cut in 0usize..9,
    ) {
        let draft = Draft::of(5);
        let mut files = draft.sign();
        for path in ["tile/entries/000.p/5", "payloads/000.p/5", "tile/0/000.p/5", "checkpoint"] {
            let file = files.file(path);
            let begin = at.index(file.len());
            let end = (begin + cut).min(file.len());
            file.splice(begin..end, with.clone());
        }
        let _ = judged(&files);
    }

    #[test]
    fn a_checkpoint_reader_never_panics(note in "\\PC{0,40}\n[0-9]{0,25}\n\\PC{0,50}\n\n— \\PC{0,80}\n?") {
        let vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        let verifier = LogVerifier::new(vkey).expect("the vector of the specification");
        prop_assert!(verifier.verify(note.as_bytes()).is_err());
    }
}
