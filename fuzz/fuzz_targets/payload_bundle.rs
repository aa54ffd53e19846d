//! A bundle of payloads has one form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealrock_ledger::{Slot, decode_payloads, encode_payloads};

fuzz_target!(|bundle: &[u8]| {
    for count in [0, 1, 2, 3, 256] {
        if let Ok(slots) = decode_payloads(bundle, count) {
            assert_eq!(slots.len(), count);
            assert_eq!(encode_payloads(slots.iter().map(Slot::as_ref)), bundle);
            for payload in slots.iter().filter_map(Slot::shown) {
                let _ = payload.commitment();
            }
        }
    }
});
