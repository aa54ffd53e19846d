//! A message of another make with its batch: what is read is written again the same, and the batch
//! in it is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealrock_domain::telemetry::{MAPPED_BATCH, MappedBatch, decode_recorded};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(mapped) = MappedBatch::parse(bytes)
        && let Ok(written) = mapped.encode()
    {
        assert_eq!(MappedBatch::parse(&written).as_ref(), Ok(&mapped));
    }
    let _ = decode_recorded(MAPPED_BATCH, bytes);
});
