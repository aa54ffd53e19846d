//! A policy that is read is written as one that is equal.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use sealrock_ledger::Policy;

fuzz_target!(|text: &str| {
    let Ok(policy) = text.parse::<Policy>() else {
        return;
    };
    let written = policy.to_string();
    assert_eq!(written.parse::<Policy>().expect("its own text"), policy);
    policy.verifier().expect("its keys were read");
    let everyone: BTreeSet<&str> = policy.witnesses().iter().map(|w| w.name.as_str()).collect();
    assert!(policy.quorum_met(&everyone), "every quorum can be met");
});
