//! A bundle of entries has one form, and so does each entry that is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealrock_ledger::{Entry, decode_entries, encode_entries};

fuzz_target!(|bundle: &[u8]| {
    for count in [0, 1, 2, 3, 256] {
        if let Ok(entries) = decode_entries(bundle, count) {
            assert_eq!(entries.len(), count);
            assert_eq!(encode_entries(entries), bundle);
        }
    }
    if let Ok(entry) = Entry::read_canonical(bundle) {
        assert_eq!(entry.to_bytes().expect("it was read"), bundle);
    }
});
