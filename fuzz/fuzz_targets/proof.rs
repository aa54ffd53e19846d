//! A proof file has one form, and proves only what was signed.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealrock_ledger::{Index, Policy, TlogProof};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let text = include_str!("../../ledger/tests/golden/policy");
    text.parse().expect("a policy")
});

fuzz_target!(|text: &[u8]| {
    let Ok(proof) = TlogProof::parse(text) else {
        return;
    };
    assert_eq!(proof.to_string().as_bytes(), text);
    if proof.verify(b"entry 77", &POLICY).is_ok() {
        assert_eq!(proof.index, Index(77));
    }
});
