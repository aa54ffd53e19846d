//! The texts that carry proofs: what they say, and that each has one form.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod sample;

use std::collections::HashMap;

use sample::{Draft, Files, origin};
use sealrock_ledger::{
    AddCheckpoint, CheckError, Cosignature, Hash, Index, LogKey, Policy, ProofError, ProofPlan,
    TilePath, TlogProof, check_consistency, latest_cosigned, leaf_hash,
};

const SIZE: u64 = 300;

fn tiles(files: &Files) -> HashMap<TilePath, Vec<u8>> {
    let tile = |(path, bytes): (&String, &Vec<u8>)| Some((path.parse().ok()?, bytes.clone()));
    files.map.iter().filter_map(tile).collect()
}

fn note(files: &Files) -> String {
    String::from_utf8(files.map["checkpoint"].clone()).unwrap()
}

fn proof_of(files: &Files, index: u64) -> TlogProof {
    let plan = ProofPlan::inclusion(Index(index), SIZE).unwrap();
    TlogProof {
        extra: None,
        index: Index(index),
        hashes: plan.prove(&tiles(files)).unwrap(),
        checkpoint: note(files),
    }
}

#[test]
fn a_proof_file_shows_that_an_entry_is_in_the_ledger() {
    let draft = Draft::of(SIZE);
    let files = draft.sign();
    for index in [0, 77, 299] {
        let entry = &draft.entries[usize::try_from(index).unwrap()];
        let text = proof_of(&files, index).to_string();
        assert!(text.starts_with(&format!("c2sp.org/tlog-proof@v1\nindex {index}\n")));
        assert!(text.ends_with(&format!("=\n\n{}", note(&files))));
        let proof = TlogProof::parse(text.as_bytes()).unwrap();
        let checked = proof.verify(entry, &files.policy).unwrap();
        assert_eq!(checked.checkpoint.size, SIZE);
        proof.verify_leaf(leaf_hash(entry), &files.policy).unwrap();

        let other = proof.verify(&draft.entries[5], &files.policy);
        assert!(matches!(other, Err(ProofError::Wrong(_))));
        let stranger = Policy::of_log(LogKey::generate(&origin()).unwrap().vkey());
        let refused = proof.verify(entry, &stranger);
        assert!(matches!(
            refused,
            Err(ProofError::Checkpoint(CheckError::Log(_)))
        ));
    }
}

#[test]
fn extra_data_is_carried_and_vouches_for_nothing() {
    let draft = Draft::of(SIZE);
    let files = draft.sign();
    let mut proof = proof_of(&files, 77);
    proof.extra = Some(b"\0anything\xff".to_vec());
    let text = proof.to_string();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra AGFueXRoaW5n/w==\nindex 77\n"));
    let read = TlogProof::parse(text.as_bytes()).unwrap();
    assert_eq!(read, proof);
    read.verify(&draft.entries[77], &files.policy).unwrap();
}

#[test]
fn the_only_entry_of_a_ledger_has_a_proof_without_hashes() {
    let draft = Draft::of(1);
    let files = draft.sign();
    let text = format!("c2sp.org/tlog-proof@v1\nindex 0\n\n{}", note(&files));
    let proof = TlogProof::parse(text.as_bytes()).unwrap();
    assert_eq!(proof.to_string(), text);
    proof.verify(&draft.entries[0], &files.policy).unwrap();
}

#[test]
fn what_is_no_proof_file_is_refused() {
    let files = Draft::of(SIZE).sign();
    let mut proof = proof_of(&files, 77);
    proof.extra = Some(b"x".to_vec());
    let text = proof.to_string();
    let hash = proof.hashes[0].to_string();
    for (from, to) in [
        ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v2\n"),
        ("c2sp.org/tlog-proof@v1\n", ""),
        ("v1\n", "v1\r\n"),
        ("extra eA==\n", "extra \n"),
        ("extra eA==\n", "extra eA\n"),
        ("extra eA==\n", "extra eB==\n"),
        ("extra eA==\n", "extra eA==\nextra eA==\n"),
        ("extra eA==\nindex 77\n", "index 77\nextra eA==\n"),
        ("index 77\n", ""),
        ("index 77\n", "index 077\n"),
        ("index 77\n", "index +77\n"),
        ("index 77\n", "index  77\n"),
        ("index 77\n", "index 77 \n"),
        ("index 77\n", "index 18446744073709551616\n"),
        (hash.as_str(), &hash[..43]),
        (hash.as_str(), "AA=="),
        (hash.as_str(), ""),
        ("\n\nsealrock", "\nsealrock"),
        ("\n\nsealrock", "\n\n\nsealrock"),
        ("\n\n—", "\n"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from:?} is not in the proof");
        let read = TlogProof::parse(changed.as_bytes());
        let refused = read.is_err_and(|e| matches!(e, ProofError::Malformed { .. }));
        assert!(refused, "{from:?} -> {to:?}");
    }
    let long = text.replacen(
        "\n\n",
        &format!("\n{}\n", format!("{hash}\n").repeat(64)),
        1,
    );
    assert!(TlogProof::parse(long.as_bytes()).is_err());
    assert!(TlogProof::parse(b"").is_err());
    assert!(TlogProof::parse(b"\xff\n\n").is_err());
}

/// From c2sp.org/tlog-witness, "add-checkpoint".
const REQUEST: &str = "old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
";

#[test]
fn the_request_of_the_specification_is_read_and_written() {
    let request = AddCheckpoint::parse(REQUEST.as_bytes()).unwrap();
    assert_eq!((request.old, request.proof.len()), (20_852_014, 4));
    assert!(
        request
            .checkpoint
            .starts_with("example.com/behind-the-sofa\n")
    );
    assert_eq!(request.to_string(), REQUEST);

    let first = AddCheckpoint {
        old: 0,
        proof: Vec::new(),
        checkpoint: request.checkpoint.clone(),
    };
    assert_eq!(
        AddCheckpoint::parse(first.to_string().as_bytes()).unwrap(),
        first
    );
    for (from, to) in [
        ("old 20852014\n", ""),
        ("old 20852014\n", "old 020852014\n"),
        ("old 20852014\n", "Old 20852014\n"),
        ("old 20852014\n", "old 20852014\nold 20852014\n"),
        ("kaw=\n", "kax=\n"),
        ("kaw=\n", "kaw\n"),
        ("kaw=\n", "kaw= \n"),
        ("j/0=\n\n", "j/0=\n"),
        ("m9Q=\n", "m9Q="),
    ] {
        let changed = REQUEST.replacen(from, to, 1);
        assert_ne!(changed, REQUEST, "{from:?} is not in the request");
        assert!(
            AddCheckpoint::parse(changed.as_bytes()).is_err(),
            "{from:?} -> {to:?}"
        );
    }
    let with = |hashes| AddCheckpoint {
        proof: vec![Hash::default(); hashes],
        ..request.clone()
    };
    assert!(AddCheckpoint::parse(with(63).to_string().as_bytes()).is_ok());
    assert!(AddCheckpoint::parse(with(64).to_string().as_bytes()).is_err());
}

#[test]
fn a_conflict_names_the_size_that_the_witness_has() {
    assert_eq!(latest_cosigned("20852014\n").unwrap(), 20_852_014);
    assert_eq!(latest_cosigned("0\n").unwrap(), 0);
    for bad in ["", "\n", "5", "05\n", "5\n\n", " 5\n", "-5\n"] {
        assert!(latest_cosigned(bad).is_err(), "{bad:?}");
    }
}

/// Made by `aics-tlog` 0.2.1, a Python package, the texts put together by the specifications: a log key of 32
/// bytes 1, witness keys of bytes 2 and 3, entries `entry 0` to `entry 299`.
const POLICY: &str = include_str!("golden/policy");
const PROOF: &[u8] = include_bytes!("golden/cosigned.tlog-proof");
const ADD_CHECKPOINT: &[u8] = include_bytes!("golden/add-checkpoint");

#[test]
fn a_cosigned_proof_of_an_implementation_nobody_here_wrote_is_verified() {
    let policy: Policy = POLICY.parse().unwrap();
    assert_eq!(policy.to_string(), POLICY);
    let proof = TlogProof::parse(PROOF).unwrap();
    assert_eq!(proof.to_string().as_bytes(), PROOF);
    let checked = proof.verify(b"entry 77", &policy).unwrap();
    assert_eq!(checked.checkpoint.size, 300);
    let cosigned = |witness: &str, time| Cosignature {
        witness: witness.to_owned(),
        time,
    };
    assert_eq!(
        checked.cosigned_by,
        [cosigned("w1", 1_679_315_147), cosigned("w2", 1_679_315_148)]
    );
    assert!(proof.verify(b"entry 78", &policy).is_err());
}

#[test]
fn a_request_of_an_implementation_nobody_here_wrote_is_verified() {
    let policy: Policy = POLICY.parse().unwrap();
    let request = AddCheckpoint::parse(ADD_CHECKPOINT).unwrap();
    assert_eq!(request.to_string().as_bytes(), ADD_CHECKPOINT);
    let new = policy
        .check(request.checkpoint.as_bytes())
        .unwrap()
        .checkpoint;
    let root = Hash::parse_hash("KC0LJpq00Nhtp3EDkp4og5RM6fXy6n6DfY4BkshuAKo=").unwrap();
    check_consistency((200, root), (new.size, new.root), &request.proof).unwrap();
}
