//! Messages of other makes, and devices that a broker of others lets in.

use chrono::{DateTime, Utc};
use sealrock_commands::{BatchError, BatchReceipt, DeviceIdentity, SignIn};
use sealrock_domain::telemetry::{MAPPED_BATCH, MappedBatch, decode_recorded};
use sealrock_testkit::DeviceSigner;

use crate::batches::{json, record, recorded};
use crate::fixture::{Fixture, admin, slug, with_a_device};

const TOPIC: &str = "vidyutai/plant-1/meter-7/pv_generation";

async fn vouched(f: &Fixture, org: &str, name: &str) -> Result<DeviceIdentity, BatchError> {
    let (org, site, name) = (slug(org), slug("plant-1"), slug(name));
    f.devices.vouched_for(&org, &site, &name).await
}

async fn let_in() -> (Fixture, DeviceIdentity) {
    let (f, _) = with_a_device().await;
    let identity = vouched(&f, "northsea", "meter-7").await.unwrap();
    (f, identity)
}

fn payload(original: &str, at: &str, timed_by_receipt: bool) -> Vec<u8> {
    let batch =
        format!(r#"{{"readings":[{{"metric":"pv_generation","at":"{at}","value":4.20}}]}}"#);
    let mapped = MappedBatch {
        topic: TOPIC.to_owned(),
        original: original.to_owned(),
        batch: batch.as_bytes(),
        timed_by_receipt,
    };
    mapped.encode().unwrap()
}

async fn record_mapped(
    f: &Fixture,
    identity: &DeviceIdentity,
    payload: Vec<u8>,
) -> Result<BatchReceipt, BatchError> {
    let via = format!("mqtt:{TOPIC}");
    f.devices
        .record_mapped(identity, &via, Utc::now(), payload)
        .await
}

async fn refusal(f: &Fixture, identity: &DeviceIdentity, bytes: &[u8]) -> String {
    let error = record(f, identity, bytes).await.unwrap_err();
    assert!(matches!(error, BatchError::Refused(_)), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_message_of_another_make_is_kept_with_what_it_was_read_as() {
    let (f, identity) = let_in().await;
    let sent = payload("{ \"value\": 4.20 }", "2026-11-21T03:12:45Z", false);
    let receipt = record_mapped(&f, &identity, sent.clone()).await.unwrap();
    assert_eq!((receipt.seq, receipt.index), (None, 4));
    let stored = recorded(&f).await.remove(0);
    assert_eq!(stored.entry.kind, "SensorBatchRecorded");
    assert_eq!(stored.entry.stream, identity.device.telemetry_stream());
    let kept = stored.payload.unwrap();
    assert_eq!((kept.media.as_str(), &kept.bytes), (MAPPED_BATCH, &sent));
    assert!(decode_recorded(&kept.media, &kept.bytes).is_ok());
}

#[tokio::test]
async fn the_same_message_on_the_same_topic_is_one_however_the_mapping_reads_it() {
    let (f, identity) = let_in().await;
    let first = payload("{\"value\":4.20}", "2026-11-21T03:12:45Z", false);
    let index = record_mapped(&f, &identity, first).await.unwrap().index;
    // The mapping was changed between the delivery and its repetition.
    let again = payload("{\"value\":4.20}", "2026-11-21T03:12:46Z", false);
    let again = record_mapped(&f, &identity, again).await.unwrap();
    assert_eq!((again.index, again.duplicate), (index, true));
    let other = payload("{\"value\":4.21}", "2026-11-21T03:12:45Z", false);
    assert!(!record_mapped(&f, &identity, other).await.unwrap().duplicate);
}

#[tokio::test]
async fn the_same_number_at_another_time_is_another_reading() {
    let (f, identity) = let_in().await;
    for (at, duplicate) in [
        ("2026-11-21T03:12:45Z", false),
        ("2026-11-21T03:12:45Z", true),
        ("2026-11-21T03:13:45Z", false),
    ] {
        let sent = payload("4.20", at, true);
        let receipt = record_mapped(&f, &identity, sent).await.unwrap();
        assert_eq!(receipt.duplicate, duplicate, "{at}");
    }
}

#[tokio::test]
async fn what_is_no_mapped_batch_is_not_recorded() {
    let (f, identity) = let_in().await;
    let empty = br#"{"topic":"a","original":"b","batch":{"readings":[]}}"#;
    for bytes in [json("", 1.0), empty.to_vec()] {
        let error = record_mapped(&f, &identity, bytes).await.unwrap_err();
        assert!(matches!(error, BatchError::Undecodable(_)), "{error:?}");
    }
    // Nor may a device itself send what only a mapping makes.
    let forged = payload("x", "2026-11-21T03:12:45Z", false);
    let error = record(&f, &identity, &forged).await.unwrap_err();
    assert!(matches!(error, BatchError::Undecodable(_)), "{error:?}");
    assert_eq!(recorded(&f).await.len(), 0);
}

#[tokio::test]
async fn a_broker_lets_in_devices_that_are_registered_and_no_others() {
    let (f, identity) = let_in().await;
    assert_eq!(identity.sign_in, SignIn::Broker);
    for (org, name) in [("northsea", "meter-8"), ("southsea", "meter-7")] {
        let error = vouched(&f, org, name).await.unwrap_err();
        assert!(matches!(error, BatchError::UnknownDevice(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_device_that_is_locked_out_is_refused_whichever_broker_lets_it_in() {
    let (f, identity) = let_in().await;
    record(&f, &identity, &json("\"seq\":1,", 1.0))
        .await
        .unwrap();
    let (org, site, name) = (slug("northsea"), slug("plant-1"), slug("meter-7"));
    let ada = admin();
    let revoked = f.commands.revoke_credential(&ada, &org, &site, &name);
    revoked.await.unwrap();
    let message = refusal(&f, &identity, &json("\"seq\":2,", 1.0)).await;
    assert!(message.contains("rotate"), "{message}");
    // What is in the ledger already is answered as it was.
    let first = record(&f, &identity, &json("\"seq\":1,", 1.0)).await;
    assert!(first.unwrap().duplicate);
}

#[tokio::test]
async fn a_device_that_signs_cannot_slip_in_a_message_of_another_make() {
    let (f, identity) = let_in().await;
    let (org, site, name) = (slug("northsea"), slug("plant-1"), slug("meter-7"));
    let key = DeviceSigner::new(1).public_key().parse().unwrap();
    let ada = admin();
    let rotated = f.commands.rotate_key(&ada, &org, &site, &name, key);
    rotated.await.unwrap();
    let at = DateTime::<Utc>::UNIX_EPOCH.to_rfc3339();
    let error = record_mapped(&f, &identity, payload("4.20", &at, false)).await;
    assert!(matches!(error, Err(BatchError::Refused(_))), "{error:?}");
}
