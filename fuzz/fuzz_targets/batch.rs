//! A sensor batch, in JSON or CBOR: read within its limits, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealrock_domain::telemetry::{MAX_BATCH_BYTES, MAX_READINGS, decode};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(batch) = decode(bytes) {
        assert!(bytes.len() <= MAX_BATCH_BYTES && batch.readings.len() <= MAX_READINGS);
    }
});
