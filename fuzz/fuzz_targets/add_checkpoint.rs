//! A request to a witness has one form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealrock_ledger::{AddCheckpoint, latest_cosigned};

fuzz_target!(|body: &[u8]| {
    if let Ok(request) = AddCheckpoint::parse(body) {
        assert_eq!(request.to_string().as_bytes(), body);
    }
    if let Ok(body) = std::str::from_utf8(body)
        && let Ok(size) = latest_cosigned(body)
    {
        assert_eq!(format!("{size}\n"), body);
    }
});
