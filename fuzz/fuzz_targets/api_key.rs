//! API keys: what is taken for one is written again in the same text, and is not shown by `Debug`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealrock_access::ApiKeySecret;

fuzz_target!(|text: &str| {
    if let Some(key) = ApiKeySecret::parse(text) {
        assert_eq!(key.reveal(), text);
        assert!(text.contains(key.prefix()) && !format!("{key:?}").contains(text));
    }
});
