use super::*;
use crate::{Hash, KeyRange, LogKey, Origin, Threshold, Witness, sign_checkpoint};

fn origin() -> Origin {
    Origin::new("sealrock.example", &"northsea".parse().expect("a name"))
}

struct Setting {
    old: LogKey,
    new: LogKey,
    witnesses: Vec<Cosigner>,
    policy: Policy,
}

/// The old key signs up to 100 entries, the new one from 91 on; two of three witnesses are asked.
fn setting() -> Setting {
    let key = || LogKey::generate(&origin()).expect("a key");
    let (old, new) = (key(), key());
    let witnesses: Vec<Cosigner> = ["a", "b", "c"]
        .map(|name| Cosigner::generate(&format!("{name}.example/witness")).expect("a key"))
        .into();
    let keys = [
        KeyRange {
            vkey: old.vkey().to_owned(),
            from: 0,
            through: Some(100),
        },
        KeyRange {
            vkey: new.vkey().to_owned(),
            from: 91,
            through: None,
        },
    ];
    let named: Vec<Witness> = ["a", "b", "c"]
        .into_iter()
        .zip(&witnesses)
        .map(|(name, key)| Witness {
            name: name.to_owned(),
            vkey: key.vkey(),
            url: None,
        })
        .collect();
    let policy = Policy::of_keys(&keys)
        .with_witnesses(&named, Threshold::AtLeast(2))
        .expect("a policy");
    Setting {
        old,
        new,
        witnesses,
        policy,
    }
}

impl Setting {
    fn cosigned(&self, note: &str, by: &[(usize, u64)]) -> String {
        let lines: String = by
            .iter()
            .map(|(n, time)| {
                self.witnesses[*n]
                    .cosign(note.as_bytes(), *time)
                    .expect("a note")
            })
            .collect();
        format!("{note}{lines}")
    }
}

/// From c2sp.org/tlog-cosignature, which does not give the keys: the shape and the signed text.
#[test]
fn the_example_of_the_specification_is_read_and_signs_the_text_that_it_shows() {
    let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let read = Note::parse(note.as_bytes()).expect("a note");
    assert_eq!(read.to_string(), note);
    let blob = read.signatures[1].signature();
    assert_eq!(blob.len(), 72);
    let time = u64::from_be_bytes(*blob.first_chunk().expect("72 bytes"));
    assert_eq!(
        message(time, &read.text),
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    );
}

#[test]
fn a_quorum_of_witnesses_makes_a_checkpoint_trusted() {
    let set = setting();
    let signed = set.old.sign(42, Hash([9; 32])).expect("a checkpoint");
    let note = set.cosigned(&signed.note, &[(2, 1_700_000_003), (0, 1_700_000_001)]);
    let checked = set.policy.check(note.as_bytes()).expect("two of three");
    assert_eq!(checked.checkpoint.size, 42);
    assert_eq!(checked.checkpoint.note, note);
    let by: Vec<(&str, u64)> = checked
        .cosigned_by
        .iter()
        .map(|by| (by.witness.as_str(), by.time))
        .collect();
    assert_eq!(by, [("a", 1_700_000_001), ("c", 1_700_000_003)]);
    assert!(checked.unknown.is_empty());
}

#[test]
fn too_few_witnesses_are_told_from_a_wrong_log_signature() {
    let set = setting();
    let signed = set.old.sign(42, Hash([9; 32])).expect("a checkpoint");
    let one = set.cosigned(&signed.note, &[(1, 5)]);
    match set.policy.check(one.as_bytes()) {
        Err(CheckError::Quorum { size, cosigned_by }) => {
            assert_eq!((size, cosigned_by), (42, vec!["b".to_owned()]));
        }
        other => panic!("{other:?}"),
    }
    let by = set.policy.cosignatures(one.as_bytes()).expect("a note");
    assert_eq!((by[0].witness.as_str(), by[0].time, by.len()), ("b", 5, 1));
    // The same witness twice is one witness.
    let twice = set.cosigned(&signed.note, &[(1, 5), (1, 6)]);
    let refused = set.policy.check(twice.as_bytes());
    assert!(matches!(refused, Err(CheckError::Quorum { .. })));

    let stranger = LogKey::generate(&origin()).expect("a key");
    let forged = stranger.sign(42, Hash([9; 32])).expect("a checkpoint");
    let forged = set.cosigned(&forged.note, &[(0, 5), (1, 5), (2, 5)]);
    let refused = set.policy.check(forged.as_bytes());
    assert!(matches!(refused, Err(CheckError::Log(_))), "{refused:?}");
}

#[test]
fn a_cosignature_of_another_text_or_time_spoils_the_note() {
    let set = setting();
    let signed = set.old.sign(42, Hash([9; 32])).expect("a checkpoint");
    let other = set.old.sign(43, Hash([9; 32])).expect("a checkpoint");
    let line = |note: &str| set.witnesses[0].cosign(note.as_bytes(), 7).expect("a line");
    let note = format!(
        "{}{}",
        set.cosigned(&signed.note, &[(1, 5), (2, 5)]),
        line(&other.note)
    );
    match set.policy.check(note.as_bytes()) {
        Err(CheckError::Cosignature(witness)) => assert_eq!(witness, "a"),
        other => panic!("{other:?}"),
    }

    let right = line(&signed.note);
    for at in 0..72 {
        let mut parsed = signature_lines(&right).expect("a line").remove(0);
        let mut blob = parsed.signature().to_vec();
        blob[at] ^= 1;
        parsed = set.witnesses[0].key.line(&blob);
        let bent = String::from_utf8(parsed.to_bytes()).expect("text");
        assert!(set.policy.merge(&signed.note, &bent).is_err(), "byte {at}");
    }
}

#[test]
fn unknown_keys_are_named_and_count_for_nothing() {
    let set = setting();
    let signed = set.old.sign(42, Hash([9; 32])).expect("a checkpoint");
    let stranger = Cosigner::generate("a.example/witness").expect("a key");
    let line = stranger.cosign(signed.note.as_bytes(), 5).expect("a note");
    let note = format!("{}{line}", set.cosigned(&signed.note, &[(0, 5), (1, 5)]));
    let checked = set.policy.check(note.as_bytes()).expect("two of three");
    assert_eq!(checked.cosigned_by.len(), 2);
    let [unknown] = &checked.unknown[..] else {
        panic!("{:?}", checked.unknown)
    };
    assert!(stranger.vkey().starts_with(unknown.as_str()), "{unknown}");
}

#[test]
fn during_a_rotation_both_keys_sign_and_afterwards_one() {
    let set = setting();
    let check = |note: &str| {
        let note = set.cosigned(note, &[(0, 5), (1, 5)]);
        set.policy.check(note.as_bytes())
    };
    let both = sign_checkpoint(&[&set.old, &set.new], 95, Hash([9; 32])).expect("both");
    assert!(check(&both.note).is_ok());
    let spoilt = both.note.trim_end().to_owned();
    let last = spoilt.rfind(' ').expect("a signature") + 9;
    let other = if &spoilt[last..=last] == "A" {
        "B"
    } else {
        "A"
    };
    let spoilt = format!("{}{other}{}\n", &spoilt[..last], &spoilt[last + 1..]);
    assert!(
        matches!(
            check(&spoilt),
            Err(CheckError::Log(CheckpointError::Signature(_)))
        ),
        "one of two is wrong: {spoilt}"
    );

    for (key, size, trusted) in [
        (&set.old, 90, true),
        (&set.new, 90, false),
        (&set.old, 100, true),
        (&set.old, 101, false),
        (&set.new, 91, true),
        (&set.new, 1_000_000, true),
    ] {
        let signed = key.sign(size, Hash([9; 32])).expect("a checkpoint");
        assert_eq!(check(&signed.note).is_ok(), trusted, "{size}");
    }
}

#[test]
fn merging_keeps_log_signatures_first_and_one_cosignature_a_witness() {
    let set = setting();
    let signed = set.old.sign(42, Hash([9; 32])).expect("a checkpoint");
    let line = |n: usize, time| {
        set.witnesses[n]
            .cosign(signed.note.as_bytes(), time)
            .expect("a note")
    };
    let stranger = Cosigner::generate("d.example").expect("a key");
    let strange = stranger.cosign(signed.note.as_bytes(), 1).expect("a note");

    let once = set.policy.merge(&signed.note, &line(1, 10)).expect("b");
    assert_eq!(once, format!("{}{}", signed.note, line(1, 10)));
    let twice = set
        .policy
        .merge(&once, &format!("{strange}{}{}", line(0, 12), line(1, 11)))
        .expect("a, and b anew");
    assert_eq!(
        twice,
        format!("{}{}{}", signed.note, line(0, 12), line(1, 11))
    );
    let older = set.policy.merge(&twice, &line(1, 9)).expect("an older one");
    assert_eq!(older, twice);
    assert!(set.policy.merge(&twice, "").is_err());
    assert!(set.policy.merge(&twice, "nonsense\n").is_err());
}

#[test]
fn times_past_the_limit_of_the_specification_are_refused() {
    let set = setting();
    let signed = set.old.sign(42, Hash([9; 32])).expect("a checkpoint");
    let key = WitnessKey::parse(&set.witnesses[0].vkey()).expect("a key");
    let at = |time| set.cosigned(&signed.note, &[(0, time)]);
    assert_eq!(key.cosigned(signed.note.as_bytes()).expect("a note"), None);
    assert_eq!(
        key.cosigned(at(MAX_TIME).as_bytes()).expect("a note"),
        Some(MAX_TIME)
    );
    assert!(key.cosigned(at(MAX_TIME + 1).as_bytes()).is_err());
}
