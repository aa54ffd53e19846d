//! Evidence that a log forked.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod sample;

use std::collections::{BTreeMap, HashMap};

use sample::{origin, tiles};
use sealrock_ledger::{
    Checkpoint, EvidenceError, ForkEvidence, Frontier, Hash, LogKey, LogVerifier, TilePath,
    leaf_hash,
};

/// A history of entries: those of `honest`, with other ones from `fork` on.
fn leaves(size: u64, fork: u64) -> Vec<Hash> {
    let leaf = |n| leaf_hash(format!("{n} {}", n < fork).as_bytes());
    (0..size).map(leaf).collect()
}

fn sign(key: &LogKey, leaves: &[Hash]) -> Checkpoint {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    key.sign(frontier.size(), frontier.root()).unwrap()
}

fn tiles_of(leaves: &[Hash]) -> HashMap<TilePath, Vec<u8>> {
    let mut files = BTreeMap::new();
    tiles(leaves, &mut files);
    files
        .into_iter()
        .map(|(path, bytes)| (path.parse().unwrap(), bytes))
        .collect()
}

fn key() -> (LogKey, LogVerifier) {
    let key = LogKey::generate(&origin()).unwrap();
    let verifier = LogVerifier::new(key.vkey()).unwrap();
    (key, verifier)
}

/// The evidence that two histories give, from the tiles that it asks for.
fn between(key: &LogKey, one: &[Hash], other: &[Hash]) -> Option<ForkEvidence> {
    let larger = if one.len() > other.len() { one } else { other };
    let all = tiles_of(larger);
    let wanted = ForkEvidence::tiles(one.len() as u64, other.len() as u64).unwrap();
    let some = wanted
        .iter()
        .map(|tile| (*tile, all[tile].clone()))
        .collect();
    ForkEvidence::between(&sign(key, one), &sign(key, other), &some).unwrap()
}

#[test]
fn two_histories_are_proven_by_one_file_and_the_ledgers_key() {
    let ((key, verifier), (_, stranger)) = (key(), key());
    for (size, fork, larger) in [
        (1, 0, 2),
        (5, 4, 5),
        (100, 99, 300),
        (256, 0, 257),
        (299, 3, 300),
    ] {
        let (honest, forked) = (leaves(size, u64::MAX), leaves(larger, fork));
        let text = between(&key, &honest, &forked).unwrap().to_string();
        let other_way_round = between(&key, &forked, &honest).unwrap();
        let fork = ForkEvidence::parse(text.as_bytes())
            .unwrap()
            .verify(&verifier)
            .unwrap();
        assert_eq!((fork.older.size, fork.newer.size), (size, larger));
        assert!(fork.to_string().contains("two histories"), "{fork}");
        other_way_round.verify(&verifier).unwrap();
        let refused = ForkEvidence::parse(text.as_bytes())
            .unwrap()
            .verify(&stranger);
        assert!(matches!(refused, Err(EvidenceError::Checkpoint(_))));
    }
}

#[test]
fn one_history_gives_no_evidence() {
    let (key, _) = key();
    for (size, larger) in [(0, 0), (0, 5), (5, 5), (100, 300), (256, 300)] {
        let one = leaves(size, u64::MAX);
        let other = leaves(larger, u64::MAX);
        assert_eq!(between(&key, &one, &other), None, "{size} and {larger}");
    }
}

#[test]
fn tiles_of_another_tree_than_the_signed_one_show_nothing() {
    let (key, _) = key();
    let (older, newer) = (
        sign(&key, &leaves(100, 50)),
        sign(&key, &leaves(300, u64::MAX)),
    );
    let others = tiles_of(&leaves(300, 70));
    assert!(ForkEvidence::between(&older, &newer, &others).is_err());
    assert!(ForkEvidence::between(&older, &newer, &HashMap::new()).is_err());
}

#[test]
fn a_file_that_shows_no_fork_is_refused() {
    let (key, verifier) = key();
    let (honest, forked) = (leaves(100, u64::MAX), leaves(300, 50));
    let text = between(&key, &honest, &forked).unwrap().to_string();
    let grown = sign(&key, &leaves(300, u64::MAX)).note;
    let (old, new) = (sign(&key, &honest).note, sign(&key, &forked).note);

    let verify = |text: &str| {
        ForkEvidence::parse(text.as_bytes())
            .unwrap()
            .verify(&verifier)
    };
    let head = text.split("\n\n").next().unwrap();
    let bare = "sealrock-fork-v1";
    for (what, text) in [
        ("a proof for another tree", text.replace(&new, &grown)),
        ("the notes exchanged", format!("{head}\n\n{new}\n{old}")),
        ("no proof", format!("{bare}\n\n{old}\n{new}")),
        ("one note twice", format!("{bare}\n\n{old}\n{old}")),
        (
            "one note twice, and a proof",
            format!("{head}\n\n{old}\n{old}"),
        ),
    ] {
        let refused = verify(&text);
        assert!(
            matches!(refused, Err(EvidenceError::NoFork(_))),
            "{what}: {refused:?}"
        );
    }
    let one_history = format!(
        "{bare}\nprefix {}\n{}\n{old}\n{grown}",
        sign(&key, &honest).root,
        {
            let plan = sealrock_ledger::ProofPlan::consistency(100, 300).unwrap();
            let proof = plan.prove(&tiles_of(&leaves(300, u64::MAX))).unwrap();
            proof
                .iter()
                .fold(String::new(), |text, hash| text + &format!("{hash}\n"))
        }
    );
    match verify(&one_history) {
        Err(EvidenceError::NoFork(reason)) => assert!(reason.contains("one history"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_file_of_evidence_is_refused() {
    let (key, _) = key();
    let text = between(&key, &leaves(100, u64::MAX), &leaves(300, 50))
        .unwrap()
        .to_string();
    assert_eq!(
        ForkEvidence::parse(text.as_bytes()).unwrap().to_string(),
        text
    );
    for (from, to) in [
        ("sealrock-fork-v1\n", "sealrock-fork-v2\n"),
        ("sealrock-fork-v1\n", ""),
        ("prefix ", "root "),
        ("prefix ", "prefix  "),
        ("=\n", "\n"),
        ("=\n\n", "=\n\n\n"),
        ("\n\nsealrock", "\nsealrock"),
        ("\n\n—", "\n\n\n—"),
        ("\n— ", "\n- "),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from:?} is not in the evidence");
        assert!(
            ForkEvidence::parse(changed.as_bytes()).is_err(),
            "{from:?} -> {to:?}"
        );
    }
    for bad in [
        format!("{text}\n"),
        format!("{text}\n{text}"),
        text[..text.len() - 1].to_owned(),
    ] {
        assert!(ForkEvidence::parse(bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert!(ForkEvidence::parse(b"\xff").is_err());
}
