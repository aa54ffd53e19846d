//! A checkpoint that verifies is the note that was signed; anything else is refused.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealrock_ledger::{Policy, WitnessKey};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let text = include_str!("../../ledger/tests/golden/policy");
    text.parse().expect("a policy")
});

fuzz_target!(|note: &[u8]| {
    if let Ok(checked) = POLICY.check(note) {
        assert_eq!(checked.checkpoint.note.as_bytes(), note);
        assert_eq!(
            checked.checkpoint.size, 300,
            "only this one was ever signed"
        );
    }
    let witness = &POLICY.witnesses()[0];
    let key = WitnessKey::parse(&witness.vkey).expect("a key");
    let _ = key.cosigned(note);
    if let Ok(note) = std::str::from_utf8(note)
        && let Some((_, lines)) = note.rsplit_once("\n\n")
        && let Ok(merged) = POLICY.merge(note, lines)
    {
        assert_eq!(POLICY.merge(&merged, lines).expect("again"), merged);
    }
});
