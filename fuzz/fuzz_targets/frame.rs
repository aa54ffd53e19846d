//! The frame of a signed batch: taken apart without loss, and a batch in it is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealrock_domain::telemetry::SIGNED_BATCH;
use sealrock_domain::telemetry::frame::{FRAME_VERSION, Frame, decode_recorded};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(frame) = Frame::parse(bytes) {
        let rebuilt = [
            &[FRAME_VERSION][..],
            frame.key.as_bytes(),
            frame.signature,
            frame.batch,
        ]
        .concat();
        assert_eq!(rebuilt, bytes);
    }
    let _ = decode_recorded(SIGNED_BATCH, bytes);
});
