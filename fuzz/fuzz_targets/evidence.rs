//! A file of fork evidence has one form, and a log that never forked is never shown to have.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealrock_ledger::{ForkEvidence, Policy};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let text = include_str!("../../ledger/tests/golden/policy");
    text.parse().expect("a policy")
});

fuzz_target!(|text: &[u8]| {
    let Ok(evidence) = ForkEvidence::parse(text) else {
        return;
    };
    assert_eq!(evidence.to_string().as_bytes(), text);
    let verifier = POLICY.verifier().expect("a key");
    assert!(
        evidence.verify(&verifier).is_err(),
        "this key signed one tree only"
    );
});
