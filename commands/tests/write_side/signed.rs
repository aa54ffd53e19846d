//! Signed batches: whose signature counts, and from where to where in the ledger.

use sealrock_commands::{BatchError, DeviceIdentity, Devices};
use sealrock_domain::device::RegisterDevice;
use sealrock_domain::telemetry::{MAX_BATCH_BYTES, SIGNED_BATCH};
use sealrock_testkit::DeviceSigner;

use crate::batches::{json, record, recorded};
use crate::fixture::{Fixture, admin, device, slug, with_a_device, with_a_site};

const ORIGIN: &str = "sealrock.test/ledger/northsea";

/// `northsea` with `meter-7`, registered with this key and signed in.
async fn with_a_key(signer: &DeviceSigner) -> (Fixture, DeviceIdentity) {
    let f = with_a_site().await;
    let command = RegisterDevice {
        public_key: Some(signer.public_key().parse().unwrap()),
        ..device("meter-7")
    };
    let registered = f.commands.register_device(&admin(), command).await.unwrap();
    let identity = f.sign_in(&registered).await;
    (f, identity)
}

fn frame(signer: &DeviceSigner, identity: &DeviceIdentity, batch: &[u8]) -> Vec<u8> {
    signer.frame(ORIGIN, identity.device, batch)
}

fn numbered(seq: u32) -> Vec<u8> {
    json(&format!("\"seq\":{seq},"), 1.0)
}

async fn add_key(f: &Fixture, commands: &sealrock_commands::Commands, signer: &DeviceSigner) {
    let (org, site, name) = (slug("northsea"), slug("plant-1"), slug("meter-7"));
    let key = signer.public_key().parse().unwrap();
    let done = commands.rotate_key(&admin(), &org, &site, &name, key).await;
    assert_eq!(done.unwrap().receipt.ledger, f.ledger().await.origin);
}

async fn revoke_key(commands: &sealrock_commands::Commands, signer: &DeviceSigner) -> u64 {
    let (org, site, name) = (slug("northsea"), slug("plant-1"), slug("meter-7"));
    let id = signer.key_id().parse().unwrap();
    let done = commands.revoke_key(&admin(), &org, &site, &name, id).await;
    done.unwrap().receipt.first.0
}

async fn refusal(f: &Fixture, identity: &DeviceIdentity, bytes: &[u8]) -> String {
    let error = record(f, identity, bytes).await.unwrap_err();
    assert!(matches!(error, BatchError::Refused(_)), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_signed_batch_is_recorded_as_the_whole_frame() {
    let signer = DeviceSigner::new(1);
    let (f, identity) = with_a_key(&signer).await;
    let bytes = frame(&signer, &identity, &numbered(42));
    let receipt = record(&f, &identity, &bytes).await.unwrap();
    assert_eq!((receipt.seq, receipt.duplicate), (Some(42), false));
    let entries = recorded(&f).await;
    let payload = entries[0].payload.as_ref().unwrap();
    assert_eq!(
        (payload.media.as_str(), &payload.bytes),
        (SIGNED_BATCH, &bytes)
    );
    assert_eq!(entries[0].entry.kind, "SensorBatchRecorded");
}

#[tokio::test]
async fn a_device_with_a_key_cannot_slip_in_an_unsigned_batch() {
    let signer = DeviceSigner::new(1);
    let (f, identity) = with_a_key(&signer).await;
    let message = refusal(&f, &identity, &numbered(1)).await;
    assert!(
        message.contains("meter-7") && message.contains("must be signed"),
        "{message}"
    );
    // Not even when its only key is revoked.
    revoke_key(&f.commands, &signer).await;
    let message = refusal(&f, &identity, &numbered(1)).await;
    assert!(message.contains("must be signed"), "{message}");
    assert_eq!(recorded(&f).await.len(), 1);
}

#[tokio::test]
async fn a_device_without_a_key_cannot_sign() {
    let (f, registered) = with_a_device().await;
    let identity = f.sign_in(&registered).await;
    let bytes = frame(&DeviceSigner::new(1), &identity, &numbered(1));
    let message = refusal(&f, &identity, &bytes).await;
    assert!(message.contains("which has none"), "{message}");
    assert!(message.contains("rotate-key"), "{message}");
    record(&f, &identity, &numbered(1)).await.unwrap();
}

#[tokio::test]
async fn a_signature_that_does_not_fit_is_refused() {
    let signer = DeviceSigner::new(1);
    let (f, identity) = with_a_key(&signer).await;
    let batch = numbered(1);
    let unknown = frame(&DeviceSigner::new(2), &identity, &batch);
    let message = refusal(&f, &identity, &unknown).await;
    assert!(message.contains(&signer.key_id()), "{message}");

    let mut flipped = frame(&signer, &identity, &batch);
    flipped[20] ^= 1;
    let mut changed = frame(&signer, &identity, &batch);
    let last_digit = changed.len() - 3;
    changed[last_digit] ^= 1;
    let elsewhere = signer.frame("sealrock.test/ledger/southsea", identity.device, &batch);
    let another = signer.frame(ORIGIN, uuid::Uuid::nil(), &batch);
    for bytes in [flipped, elsewhere, another] {
        let message = refusal(&f, &identity, &bytes).await;
        assert!(message.contains("does not fit"), "{message}");
    }
    record(&f, &identity, &changed).await.unwrap_err();
    assert_eq!(recorded(&f).await.len(), 0);
}

#[tokio::test]
async fn a_frame_around_something_else_is_no_batch() {
    let signer = DeviceSigner::new(1);
    let (f, identity) = with_a_key(&signer).await;
    let nested = frame(&signer, &identity, &frame(&signer, &identity, &numbered(1)));
    let empty = frame(&signer, &identity, b"");
    let text = frame(&signer, &identity, b"hello");
    for bytes in [nested, empty, text] {
        let error = record(&f, &identity, &bytes).await.unwrap_err();
        assert!(matches!(error, BatchError::Undecodable(_)), "{error:?}");
    }
    let mut batch = numbered(1);
    batch.resize(MAX_BATCH_BYTES, b' ');
    let largest = frame(&signer, &identity, &batch);
    record(&f, &identity, &largest).await.unwrap();
    batch.push(b' ');
    let larger = frame(&signer, &identity, &batch);
    let error = record(&f, &identity, &larger).await.unwrap_err();
    assert!(matches!(error, BatchError::TooLarge(_)), "{error:?}");
}

#[tokio::test]
async fn a_frame_that_is_sent_again_is_a_duplicate_and_other_content_a_conflict() {
    let signer = DeviceSigner::new(1);
    let (f, identity) = with_a_key(&signer).await;
    let bytes = frame(&signer, &identity, &numbered(1));
    let first = record(&f, &identity, &bytes).await.unwrap();
    let second = record(&f, &identity, &bytes).await.unwrap();
    assert!(second.duplicate && second.index == first.index);
    let other = frame(&signer, &identity, &json("\"seq\":1,", 2.0));
    let error = record(&f, &identity, &other).await.unwrap_err();
    assert!(matches!(error, BatchError::Conflict { .. }), "{error:?}");
    assert_eq!(recorded(&f).await.len(), 1);
}

#[tokio::test]
async fn a_batch_that_is_signed_anew_by_another_key_is_the_same_batch() {
    let (old, new) = (DeviceSigner::new(1), DeviceSigner::new(2));
    let (f, identity) = with_a_key(&old).await;
    let bytes = frame(&old, &identity, &numbered(1));
    let first = record(&f, &identity, &bytes).await.unwrap();
    add_key(&f, &f.commands, &new).await;
    revoke_key(&f.commands, &old).await;
    let again = frame(&new, &identity, &numbered(1));
    let second = record(&f, &identity, &again).await.unwrap();
    assert!(second.duplicate && second.index == first.index);
    let payload = recorded(&f).await[0].payload.clone().unwrap();
    assert_eq!(payload.bytes, bytes);
}

#[tokio::test]
async fn what_is_in_the_ledger_stays_answered_after_the_key_is_revoked() {
    let signer = DeviceSigner::new(1);
    let (f, identity) = with_a_key(&signer).await;
    let bytes = frame(&signer, &identity, &numbered(1));
    let first = record(&f, &identity, &bytes).await.unwrap();
    revoke_key(&f.commands, &signer).await;
    let second = record(&f, &identity, &bytes).await.unwrap();
    assert!(second.duplicate && second.index == first.index);
    let new = frame(&signer, &identity, &numbered(2));
    let message = refusal(&f, &identity, &new).await;
    assert!(message.contains("was revoked"), "{message}");
}

#[tokio::test]
async fn a_device_that_is_given_a_key_must_sign_from_then_on() {
    let (f, registered) = with_a_device().await;
    let identity = f.sign_in(&registered).await;
    let first = record(&f, &identity, &numbered(1)).await.unwrap();
    let signer = DeviceSigner::new(1);
    add_key(&f, &f.elsewhere().await, &signer).await;
    let again = record(&f, &identity, &numbered(1)).await.unwrap();
    assert!(again.duplicate && again.index == first.index);
    let message = refusal(&f, &identity, &numbered(2)).await;
    assert!(message.contains("must be signed"), "{message}");
    let second = frame(&signer, &identity, &numbered(2));
    record(&f, &identity, &second).await.unwrap();
}

#[tokio::test]
async fn keys_of_another_process_count_at_once() {
    let (old, new) = (DeviceSigner::new(1), DeviceSigner::new(2));
    let (f, identity) = with_a_key(&old).await;
    let elsewhere = f.elsewhere().await;
    let first = frame(&old, &identity, &numbered(1));
    record(&f, &identity, &first).await.unwrap();
    add_key(&f, &elsewhere, &new).await;
    for (seq, signer) in [(2, &old), (3, &new)] {
        let bytes = frame(signer, &identity, &numbered(seq));
        record(&f, &identity, &bytes).await.unwrap();
    }
    revoke_key(&elsewhere, &old).await;
    let message = refusal(&f, &identity, &frame(&old, &identity, &numbered(4))).await;
    assert!(message.contains("was revoked"), "{message}");
}

#[tokio::test]
async fn no_batch_of_a_revoked_key_stands_behind_its_revocation() {
    let (leaked, new) = (DeviceSigner::new(1), DeviceSigner::new(2));
    let (f, identity) = with_a_key(&leaked).await;
    let elsewhere = Devices::new(f.elsewhere().await);
    let mut tasks = Vec::new();
    for seq in 0..200 {
        let signer = if seq % 4 == 0 { &new } else { &leaked };
        let devices = if seq % 2 == 0 { &f.devices } else { &elsewhere };
        let (devices, identity) = (devices.clone(), identity.clone());
        let bytes = frame(signer, &identity, &numbered(seq));
        tasks.push(tokio::spawn(async move {
            let at = chrono::Utc::now();
            devices
                .record_batch(&identity, "http:/ingest", at, bytes)
                .await
        }));
        if seq == 60 {
            add_key(&f, &f.commands, &new).await;
        }
    }
    let revoked_at = revoke_key(&f.commands, &leaked).await;
    for task in tasks {
        if let Err(error) = task.await.unwrap() {
            assert!(matches!(error, BatchError::Refused(_)), "{error:?}");
        }
    }
    let leaked_id = leaked.key_id().parse().unwrap();
    let behind = recorded(&f)
        .await
        .into_iter()
        .filter(|one| one.entry.index.0 > revoked_at);
    for one in behind {
        let payload = one.payload.unwrap();
        let frame = sealrock_domain::telemetry::Frame::parse(&payload.bytes).unwrap();
        assert_ne!(frame.key, leaked_id, "entry {}", one.entry.index);
    }
    let bytes = frame(&new, &identity, &numbered(1_000));
    record(&f, &identity, &bytes).await.unwrap();
}

#[tokio::test]
async fn a_decommissioned_device_that_is_still_connected_sends_nothing() {
    let signer = DeviceSigner::new(1);
    let (f, identity) = with_a_key(&signer).await;
    let (org, site, name) = (slug("northsea"), slug("plant-1"), slug("meter-7"));
    let elsewhere = f.elsewhere().await;
    let context = admin();
    let done = elsewhere.decommission_device(&context, &org, &site, &name);
    done.await.unwrap();
    let message = refusal(&f, &identity, &frame(&signer, &identity, &numbered(1))).await;
    assert!(message.contains("decommissioned"), "{message}");
}
