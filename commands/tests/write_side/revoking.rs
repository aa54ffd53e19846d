//! A batch does not slip in behind the revocation of what its device signed in by: not even on a node
//! that hears of it only because the batch rests on an older version of the device.

use std::num::NonZeroU32;

use chrono::Utc;
use sealrock_commands::{BatchError, DeviceIdentity};
use sealrock_domain::Slug;
use sealrock_domain::device::Fingerprint;

use crate::batches::{json, record, recorded};
use crate::fixture::{Fixture, admin, secret, slug, with_a_device};

const CERTIFICATE: Fingerprint = Fingerprint::new([7; 32]);

fn path() -> (Slug, Slug, Slug) {
    (slug("northsea"), slug("plant-1"), slug("meter-7"))
}

fn numbered(seq: u32) -> Vec<u8> {
    json(&format!("\"seq\":{seq},"), 1.0)
}

/// `meter-7`, signed in by its secret and by a certificate, with a batch recorded by each.
async fn signed_in_by_both() -> (Fixture, DeviceIdentity, DeviceIdentity) {
    let (f, registered) = with_a_device().await;
    let (org, site, name) = path();
    let ada = admin();
    let added = f
        .commands
        .add_certificate(&ada, &org, &site, &name, CERTIFICATE);
    added.await.unwrap();
    let device = registered.device;
    let by_secret = f.devices.authenticate(device, &secret(&registered)).await;
    let by_certificate = f.devices.recognise(device, CERTIFICATE).await;
    let (by_secret, by_certificate) = (by_secret.unwrap(), by_certificate.unwrap());
    record(&f, &by_secret, &numbered(1)).await.unwrap();
    record(&f, &by_certificate, &numbered(2)).await.unwrap();
    (f, by_secret, by_certificate)
}

async fn is_signed_out(f: &Fixture, identity: &DeviceIdentity) {
    let before = recorded(f).await.len();
    let answer = record(f, identity, &numbered(9)).await;
    assert_eq!(answer.unwrap_err(), BatchError::SignedOut);
    assert_eq!(recorded(f).await.len(), before);
    // What is in the ledger is answered as ever.
    assert!(record(f, identity, &numbered(1)).await.unwrap().duplicate);
}

#[tokio::test]
async fn what_a_secret_signed_in_records_nothing_once_another_node_has_revoked_it() {
    let (f, by_secret, by_certificate) = signed_in_by_both().await;
    let (org, site, name) = path();
    let there = f.elsewhere().await;
    let ada = admin();
    let revoked = there.revoke_credential(&ada, &org, &site, &name);
    revoked.await.unwrap();
    is_signed_out(&f, &by_secret).await;
    is_signed_out(&f, &by_certificate).await;
}

#[tokio::test]
async fn what_an_old_secret_signed_in_records_nothing_after_a_rotation_and_a_certificate_goes_on() {
    let (f, by_secret, by_certificate) = signed_in_by_both().await;
    let (org, site, name) = path();
    let there = f.elsewhere().await;
    let ada = admin();
    let rotated = there.rotate_credential(&ada, &org, &site, &name);
    let rotated = rotated.await.unwrap();
    is_signed_out(&f, &by_secret).await;
    record(&f, &by_certificate, &numbered(3)).await.unwrap();
    let anew = f.sign_in(&rotated).await;
    record(&f, &anew, &numbered(9)).await.unwrap();
}

#[tokio::test]
async fn what_a_certificate_signed_in_records_nothing_after_its_revocation_and_a_secret_goes_on() {
    let (f, by_secret, by_certificate) = signed_in_by_both().await;
    let (org, site, name) = path();
    let there = f.elsewhere().await;
    let ada = admin();
    let revoked = there.revoke_certificate(&ada, &org, &site, &name, CERTIFICATE);
    revoked.await.unwrap();
    is_signed_out(&f, &by_certificate).await;
    record(&f, &by_secret, &numbered(3)).await.unwrap();
}

#[tokio::test]
async fn a_broker_of_others_is_not_held_up_by_the_rate_of_one_of_its_devices() {
    let (f, by_secret, _) = signed_in_by_both().await;
    let (org, site, name) = path();
    let slow = f.devices.clone().at_most(NonZeroU32::MIN);
    let vouched = slow.vouched_for(&org, &site, &name).await.unwrap();
    // The device itself has used up what it may send at once.
    while slow.within_rate(&by_secret).is_ok() {}
    for seq in 101..130 {
        let recorded = slow.record_batch(&vouched, "test", Utc::now(), numbered(seq));
        recorded.await.unwrap();
    }
}
