//! A bundle of payloads has one form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealrock_ledger::{Slot, decode_payloads, encode_payloads, payloads_in_place};

fuzz_target!(|bundle: &[u8]| {
    for count in [0, 1, 2, 3, 256] {
        if let Ok(slots) = decode_payloads(bundle, count) {
            assert_eq!(slots.len(), count);
            assert_eq!(encode_payloads(slots.iter().map(Slot::as_ref)), bundle);
            let in_place = payloads_in_place(bundle, count).expect("the same reader");
            for (here, there) in in_place.iter().zip(&slots) {
                let of = |slot: &Slot| slot.shown().map(|payload| payload.commitment());
                assert_eq!(here.shown().map(|payload| payload.commitment()), of(there));
            }
            for payload in slots.iter().filter_map(Slot::shown) {
                let _ = payload.commitment();
            }
        }
    }
});
