//! What is nearly right is refused, or is the same bytes when it is written again.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod sample;

use proptest::prelude::*;
use sample::{Draft, origin};
use sealrock_ledger::{
    AddCheckpoint, Checkpoint, ForkEvidence, Hash, LogKey, LogVerifier, Policy, TilePath,
    TlogProof, decode_entries, decode_payloads, encode_entries, encode_payloads,
};

const PROOF: &[u8] = include_bytes!("golden/cosigned.tlog-proof");
const ADD_CHECKPOINT: &[u8] = include_bytes!("golden/add-checkpoint");
const POLICY: &[u8] = include_bytes!("golden/policy");
const PAYLOADS: &[u8] = include_bytes!("golden/payloads.bin");

/// A few bytes put in, taken out or changed.
fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, Vec<u8>)>> {
    let likely =
        prop::sample::select(&b"\n\n\n  =+-/#.0123456789abxpAZ\"{}:,\\\0\r\t\xe2\x80\x94"[..]);
    let byte = prop_oneof![4 => likely, 1 => any::<u8>()];
    let edit = (
        any::<prop::sample::Index>(),
        0usize..4,
        prop::collection::vec(byte, 0..4),
    );
    prop::collection::vec(edit, 1..4)
}

fn edited(bytes: &[u8], edits: &[(prop::sample::Index, usize, Vec<u8>)]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    for (at, cut, with) in edits {
        let begin = at.index(changed.len() + 1);
        let end = (begin + cut).min(changed.len());
        changed.splice(begin..end, with.iter().copied());
    }
    changed
}

/// Text that is read is written in the same bytes.
fn one_form<T: ToString, E>(bytes: &[u8], read: Result<T, E>) -> Result<(), TestCaseError> {
    if let Ok(read) = read {
        prop_assert_eq!(read.to_string(), String::from_utf8_lossy(bytes));
    }
    Ok(())
}

fn evidence() -> String {
    let key = LogKey::generate(&origin()).unwrap();
    let sign = |byte| -> Checkpoint { key.sign(7, Hash([byte; 32])).unwrap() };
    let found = ForkEvidence::between(&sign(1), &sign(2), &std::collections::HashMap::new());
    found.unwrap().unwrap().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn proofs_requests_and_evidence_have_one_form(edits in edits()) {
        let bytes = edited(PROOF, &edits);
        one_form(&bytes, TlogProof::parse(&bytes))?;
        let bytes = edited(ADD_CHECKPOINT, &edits);
        one_form(&bytes, AddCheckpoint::parse(&bytes))?;
        let bytes = edited(evidence().as_bytes(), &edits);
        one_form(&bytes, ForkEvidence::parse(&bytes))?;
    }

    #[test]
    fn a_tile_path_has_one_form(edits in edits(), path in prop::sample::select(&[
        "tile/0/x001/x234/067", "tile/63/000.p/255", "tile/entries/005", "payloads/x001/001.p/1",
    ][..])) {
        let bytes = edited(path.as_bytes(), &edits);
        if let Ok(path) = std::str::from_utf8(&bytes) {
            one_form(&bytes, path.parse::<TilePath>())?;
        }
    }

    #[test]
    fn a_bundle_has_one_form(edits in edits()) {
        let bytes = edited(PAYLOADS, &edits);
        if let Ok(slots) = decode_payloads(&bytes, 3) {
            prop_assert_eq!(encode_payloads(slots.iter().map(sealrock_ledger::Slot::as_ref)), bytes);
        }
        let entries = encode_entries([&b"{}"[..], b"", b"another"]);
        let bytes = edited(&entries, &edits);
        if let Ok(entries) = decode_entries(&bytes, 3) {
            prop_assert_eq!(encode_entries(entries), bytes);
        }
    }

    #[test]
    fn a_policy_that_is_read_is_written_as_one_that_is_equal(edits in edits()) {
        let bytes = edited(POLICY, &edits);
        if let Ok(Ok(policy)) = std::str::from_utf8(&bytes).map(str::parse::<Policy>) {
            prop_assert_eq!(policy.to_string().parse::<Policy>().unwrap(), policy);
        }
    }

    #[test]
    fn a_checkpoint_that_verifies_is_the_one_that_was_signed(edits in edits()) {
        let files = Draft::of(2).sign();
        let note = &files.map["checkpoint"];
        let bytes = edited(note, &edits);
        let verifier: LogVerifier = files.policy.verifier().unwrap();
        if let Ok(checkpoint) = verifier.verify(&bytes) {
            prop_assert_eq!(checkpoint.note.as_bytes(), &bytes);
            prop_assert_eq!(&bytes, note);
        }
    }
}
