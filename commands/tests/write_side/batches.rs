//! Sensor batches, stored as the bytes that came.

use chrono::Utc;
use sealrock_commands::{BatchError, BatchReceipt, DeviceIdentity};
use sealrock_domain::telemetry::MAX_BATCH_BYTES;
use sealrock_eventstore::Recorded;
use sealrock_ledger::{Index, LogVerifier};

use crate::fixture::{Fixture, admin, device, with_a_device};

const VIA: &str = "mqtt:sealrock/v1/northsea/plant-1/meter-7/batch";

async fn signed_in() -> (Fixture, DeviceIdentity) {
    let (f, registered) = with_a_device().await;
    let identity = f.sign_in(&registered).await;
    (f, identity)
}

pub async fn record(
    f: &Fixture,
    identity: &DeviceIdentity,
    bytes: &[u8],
) -> Result<BatchReceipt, BatchError> {
    f.devices
        .record_batch(identity, VIA, Utc::now(), bytes.to_vec())
        .await
}

/// What the ledger holds beyond the four entries of the registry.
pub async fn recorded(f: &Fixture) -> Vec<Recorded> {
    f.entries().await.split_off(4)
}

/// A batch with a field or two before its readings.
pub fn json(fields: &str, value: f64) -> Vec<u8> {
    let reading = format!(
        r#"{{"metric":"co2_ppm","at":"2026-11-21T03:12:45.120Z","value":{value},"unit":"ppm"}}"#
    );
    format!("{{ {fields}\"readings\" : [{reading}] }}").into_bytes()
}

/// `{"seq": 7, "readings": [{"metric": "co2_ppm", "at": "2026-11-21T03:12:45Z", "value": 412}]}`.
fn cbor() -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).unwrap();
        [&[0x60 + length][..], text.as_bytes()].concat()
    };
    [
        vec![0xA2],
        text("seq"),
        vec![0x07],
        text("readings"),
        vec![0x81, 0xA3],
        text("metric"),
        text("co2_ppm"),
        text("at"),
        text("2026-11-21T03:12:45Z"),
        text("value"),
        vec![0x19, 0x01, 0x9C],
    ]
    .concat()
}

#[tokio::test]
async fn the_bytes_are_stored_as_they_came() {
    let (f, identity) = signed_in().await;
    // Spaces, digits and the order of the fields are the device's.
    let bytes = json(r#""seq":42, "boot":"b1" ,"#, 412.70);
    let receipt = record(&f, &identity, &bytes).await.unwrap();
    assert_eq!(
        (receipt.seq, receipt.index, receipt.duplicate),
        (Some(42), 4, false)
    );
    let ledger = f.ledger().await;
    assert_eq!(receipt.ledger, ledger.origin.to_string());
    let checkpoint = LogVerifier::new(&ledger.vkey)
        .unwrap()
        .verify(receipt.checkpoint.as_bytes());
    assert_eq!(checkpoint.unwrap().size, 5);

    let stored = recorded(&f).await.remove(0);
    let payload = stored.payload.unwrap();
    assert_eq!(
        (payload.media.as_str(), payload.bytes),
        ("application/json", bytes)
    );
    let entry = stored.entry;
    assert_eq!(
        (entry.kind.as_str(), entry.schema),
        ("SensorBatchRecorded", 1)
    );
    assert_eq!(entry.stream, identity.device.telemetry_stream());
    assert_eq!(
        (entry.actor, entry.via.as_str()),
        (identity.device.actor(), VIA)
    );
}

#[tokio::test]
async fn a_cbor_batch_is_stored_as_cbor() {
    let (f, identity) = signed_in().await;
    let receipt = record(&f, &identity, &cbor()).await.unwrap();
    assert_eq!((receipt.seq, receipt.suspect.len()), (Some(7), 0));
    let payload = recorded(&f).await.remove(0).payload.unwrap();
    assert_eq!(
        (payload.media.as_str(), payload.bytes),
        ("application/cbor", cbor())
    );
}

#[tokio::test]
async fn the_same_batch_again_gets_its_first_receipt_by_any_way_in() {
    let (f, identity) = signed_in().await;
    let bytes = json(r#""seq":1,"#, 1.0);
    let first = record(&f, &identity, &bytes).await.unwrap();
    record(&f, &identity, &json(r#""seq":2,"#, 1.0))
        .await
        .unwrap();
    let again = f
        .devices
        .record_batch(&identity, "http:/ingest", Utc::now(), bytes)
        .await
        .unwrap();
    assert_eq!(
        again,
        BatchReceipt {
            duplicate: true,
            ..first
        }
    );
    assert_eq!(recorded(&f).await.len(), 2);
}

#[tokio::test]
async fn a_repeated_batch_names_the_suspects_of_its_first_receipt() {
    let (f, identity) = signed_in().await;
    let bytes = json(r#""seq":1,"#, 1.0);
    // An hour before the reading says that it was taken, and an hour after.
    let [early, late] = ["2026-11-21T02:12:45Z", "2026-11-21T04:12:45Z"].map(str::parse);
    let record = async |bytes: &[u8], at| {
        f.devices
            .record_batch(&identity, VIA, at, bytes.to_vec())
            .await
            .unwrap()
    };
    let (early, late) = (early.unwrap(), late.unwrap());
    let first = record(&bytes, early).await;
    assert_eq!((first.duplicate, first.suspect.len()), (false, 1));
    let again = record(&bytes, late).await;
    assert_eq!((again.duplicate, &again.suspect), (true, &first.suspect));

    let other = json(r#""seq":2,"#, 1.0);
    assert_eq!(record(&other, late).await.suspect, []);
    assert_eq!(record(&other, early).await.suspect, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_batch_sent_fifty_times_at_once_is_stored_once() {
    let (f, identity) = signed_in().await;
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (devices, identity) = (f.devices.clone(), identity.clone());
            let bytes = json(r#""seq":1,"#, 1.0);
            tokio::spawn(async move {
                devices
                    .record_batch(&identity, VIA, Utc::now(), bytes)
                    .await
            })
        })
        .collect();
    let mut first = 0;
    for task in tasks {
        first += usize::from(!task.await.unwrap().unwrap().duplicate);
    }
    assert_eq!((first, recorded(&f).await.len()), (1, 1));
}

#[tokio::test]
async fn other_bytes_under_the_same_seq_are_a_conflict_that_names_the_first() {
    let (f, identity) = signed_in().await;
    record(&f, &identity, &json(r#""seq":1,"#, 1.0))
        .await
        .unwrap();
    let conflict = record(&f, &identity, &json(r#""seq":1,"#, 2.0))
        .await
        .unwrap_err();
    assert!(
        matches!(conflict, BatchError::Conflict { first_index: 4, .. }),
        "{conflict:?}"
    );
    let message = conflict.to_string();
    assert!(
        message.contains("index 4") && message.contains("new boot"),
        "{message}"
    );
    assert_eq!(recorded(&f).await.len(), 1);

    // A new boot counts anew, and so does another device.
    record(&f, &identity, &json(r#""boot":"b2","seq":1,"#, 2.0))
        .await
        .unwrap();
    let other = f
        .commands
        .register_device(&admin(), device("meter-8"))
        .await
        .unwrap();
    let other = f.sign_in(&other).await;
    assert!(
        !record(&f, &other, &json(r#""seq":1,"#, 2.0))
            .await
            .unwrap()
            .duplicate
    );
}

#[tokio::test]
async fn without_seq_the_content_is_the_key() {
    let (f, identity) = signed_in().await;
    let first = record(&f, &identity, &json("", 1.0)).await.unwrap();
    assert_eq!((first.seq, first.duplicate), (None, false));
    let again = record(&f, &identity, &json("", 1.0)).await.unwrap();
    assert_eq!(
        again,
        BatchReceipt {
            duplicate: true,
            ..first
        }
    );
    assert!(
        !record(&f, &identity, &json("", 2.0))
            .await
            .unwrap()
            .duplicate
    );
    assert_eq!(recorded(&f).await.len(), 2);
}

#[tokio::test]
async fn what_is_no_batch_is_refused_and_not_stored() {
    let (f, identity) = signed_in().await;
    for bytes in [
        &b""[..],
        b"\x00",
        b"hello",
        b"{",
        b"{}",
        br#"{"readings":[],"extra":1}"#,
        br#"{"readings":[{"metric":"co2_ppm","at":"yesterday","value":1}]}"#,
        &cbor()[..10],
        b"\x01frame",
    ] {
        let error = record(&f, &identity, bytes).await.unwrap_err();
        assert!(matches!(error, BatchError::Undecodable(_)), "{error:?}");
        assert!(!error.to_string().is_empty());
    }
    assert_eq!(recorded(&f).await.len(), 0);
}

#[tokio::test]
async fn a_batch_above_the_limit_is_refused_and_says_to_split_it() {
    let (f, identity) = signed_in().await;
    let mut bytes = json(r#""seq":1,"#, 1.0);
    bytes.resize(MAX_BATCH_BYTES, b' ');
    record(&f, &identity, &bytes).await.unwrap();
    let mut bytes = json(r#""seq":2,"#, 1.0);
    bytes.resize(MAX_BATCH_BYTES + 1, b' ');
    let error = record(&f, &identity, &bytes).await.unwrap_err();
    assert!(
        matches!(&error, BatchError::TooLarge(message) if message.contains("split")),
        "{error:?}"
    );
    assert_eq!(recorded(&f).await.len(), 1);
}

#[tokio::test]
async fn suspect_readings_are_stored_and_named_in_the_receipt() {
    let (f, identity) = signed_in().await;
    let bytes = br#"{"seq":1,"readings":[
        {"metric":"co2_ppm","at":"2026-11-21T03:12:45Z","value":412},
        {"metric":"phlogiston","at":"2026-11-21T03:12:45Z","value":1},
        {"metric":"temperature","at":"2026-11-21T03:12:45Z","value":1,"unit":"kPa"},
        {"metric":"co2_ppm","at":"2099-01-01T00:00:00Z","value":412}]}"#;
    let receipt = record(&f, &identity, bytes).await.unwrap();
    let named: Vec<&str> = receipt
        .suspect
        .iter()
        .map(|one| one.metric.as_str())
        .collect();
    assert_eq!(named, ["phlogiston", "temperature", "co2_ppm"]);
    let reasons = ["not in the catalogue", "use Cel", "ahead of receipt"];
    for (suspect, reason) in receipt.suspect.iter().zip(reasons) {
        assert!(suspect.reason.contains(reason), "{suspect:?}");
    }
    assert_eq!(recorded(&f).await[0].payload.as_ref().unwrap().bytes, bytes);
    assert_eq!(recorded(&f).await[0].entry.index, Index(4));
}
