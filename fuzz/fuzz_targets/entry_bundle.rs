//! A bundle of entries has one form, and so does each entry that is read; the reader of that form
//! takes what parsing and writing again shows to be it, and nothing else.
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
    let parsed: Option<Entry> = serde_json::from_slice(bundle).ok();
    let canonical = parsed.filter(|entry| entry.to_bytes().is_ok_and(|again| again == bundle));
    assert_eq!(Entry::read_canonical(bundle).ok(), canonical);
});
