//! Batches that a dishonest log records of devices.

use sealrock_domain::telemetry::frame::Frame;
use sealrock_domain::telemetry::{JSON, SIGNED_BATCH};
use sealrock_ledger::Entry;
use sealrock_ledger::verify::Cause;

use crate::dishonest::{some, twisted};
use crate::story::{SIGNING, device, device_key, frame, honest};
use crate::{any, must_show, random};

fn is_signed(entry: &Entry) -> bool {
    entry.stream == format!("telemetry/{}", device(SIGNING))
}

#[test]
fn a_device_signature_that_fails_is_missing_or_of_a_key_that_is_not_valid() {
    let mut random = random(23);
    for index in some(&mut random, &is_signed) {
        let byte = 9 + any(&mut random, 64);
        let flipped = twisted(index, &|_, payload| payload.bytes[byte] ^= 2);
        let expected = [(Cause::DeviceSignatureInvalid, Some(index))];
        must_show(&flipped, &expected, &format!("byte {byte}"));

        let unsigned = twisted(index, &|_, payload| {
            payload.bytes = Frame::parse(&payload.bytes).unwrap().batch.to_vec();
            payload.media = JSON.into();
        });
        must_show(
            &unsigned,
            &[(Cause::BatchUnsigned, Some(index))],
            "unsigned",
        );

        let signed_by = |key: u8| {
            twisted(index, &|_, payload| {
                let batch = Frame::parse(&payload.bytes).unwrap().batch.to_vec();
                payload.bytes = frame(&device_key(key), device(SIGNING), &batch);
            })
        };
        let expected = [(Cause::DeviceKeyNotValid, Some(index))];
        must_show(&signed_by(9), &expected, "another key");
        // The first key until it is revoked, the second from where it is introduced.
        let at = |kind| honest().first(kind);
        let (introduced, revoked) = (at("DeviceKeyRotated"), at("DeviceKeyRevoked"));
        let wrong = u8::from(index <= revoked);
        if index > revoked || index < introduced {
            must_show(&signed_by(wrong), &expected, "not its turn");
        }
    }
}

#[test]
fn a_batch_of_a_device_that_nobody_registered_or_for_another_device() {
    let mut random = random(24);
    let stranger = format!("telemetry/{}", device(99));
    let is_seal = |at: &u64| honest().entry(*at).kind == "WindowSealed";
    let sealed = (0..honest().size()).rev().find(is_seal).unwrap();
    for index in some(&mut random, &|entry| {
        entry.kind == "SensorBatchRecorded" && !is_signed(entry) && entry.index.0 > sealed
    }) {
        let files = twisted(index, &|entry, _| {
            entry.stream.clone_from(&stranger);
            entry.version = 1;
        });
        let found = files.checked().report.findings;
        let causes: Vec<_> = found
            .iter()
            .map(|f| (f.cause, f.index.unwrap().0))
            .collect();
        assert!(
            causes.contains(&(Cause::DeviceUnknown, index)),
            "{found:#?}"
        );
    }
}

#[test]
fn the_media_type_decides_how_a_batch_is_read() {
    let mut random = random(26);
    for index in some(&mut random, &is_signed).into_iter().take(3) {
        let files = twisted(index, &|_, payload| {
            assert_eq!(payload.media, SIGNED_BATCH);
            payload.media = JSON.into();
        });
        let found = files.checked().report.findings;
        assert!(
            found
                .iter()
                .any(|f| f.cause == Cause::PayloadMalformed && f.index.unwrap().0 == index)
        );
    }
}
