//! A tile's path has one spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealrock_ledger::TilePath;

fuzz_target!(|path: &str| {
    if let Ok(read) = path.parse::<TilePath>() {
        assert_eq!(read.to_string(), path);
    }
});
