//! Devices sign in with a secret that the ledger names, and with no other.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::Utc;
use sealrock_access::{DeviceSecret, credentials};
use sealrock_commands::{AuthError, BatchError, CommandError, Devices};
use sealrock_domain::device::Fingerprint;
use sealrock_domain::{DeviceId, Slug};

use crate::fixture::{Fixture, admin, device, secret, slug, with_a_device, with_a_site};

fn path() -> (Slug, Slug, Slug) {
    (slug("northsea"), slug("plant-1"), slug("meter-7"))
}

async fn refused(devices: &Devices, device: DeviceId, secret: &str) {
    assert_eq!(
        devices.authenticate(device, secret).await,
        Err(AuthError::Refused)
    );
}

#[tokio::test]
async fn the_right_secret_tells_who_the_device_is() {
    let (f, registered) = with_a_device().await;
    let identity = f.sign_in(&registered).await;
    let (org, plant, name) = path();
    assert_eq!(identity.device, registered.device);
    assert_eq!(
        (identity.organisation, identity.site, identity.name),
        (org, plant, name)
    );
    assert_eq!(identity.ledger, f.ledger().await.id);
}

#[tokio::test]
async fn any_other_secret_is_refused() {
    let (f, registered) = with_a_device().await;
    let right = secret(&registered);
    let other = f
        .commands
        .register_device(&admin(), device("meter-8"))
        .await
        .unwrap();
    for wrong in [
        "",
        "password",
        &right[1..],
        &format!("{right}="),
        &DeviceSecret::generate().reveal(),
        &secret(&other),
    ] {
        refused(&f.devices, registered.device, wrong).await;
    }
    let (org, plant, _) = path();
    refused(
        &f.devices,
        DeviceId::of(&org, &plant, &slug("meter-9")),
        &right,
    )
    .await;
}

#[tokio::test]
async fn after_a_rotation_only_the_new_secret_opens() {
    let (f, registered) = with_a_device().await;
    let (org, plant, name) = path();
    let rotated = f
        .commands
        .rotate_credential(&admin(), &org, &plant, &name)
        .await
        .unwrap();
    refused(&f.devices, registered.device, &secret(&registered)).await;
    f.sign_in(&rotated).await;
}

#[tokio::test]
async fn a_revoked_device_stays_out_until_it_is_rotated() {
    let (f, registered) = with_a_device().await;
    let (org, plant, name) = path();
    f.commands
        .revoke_credential(&admin(), &org, &plant, &name)
        .await
        .unwrap();
    refused(&f.devices, registered.device, &secret(&registered)).await;
    let rotated = f
        .commands
        .rotate_credential(&admin(), &org, &plant, &name)
        .await
        .unwrap();
    f.sign_in(&rotated).await;
}

#[tokio::test]
async fn a_decommissioned_device_stays_out_for_good() {
    let (f, registered) = with_a_device().await;
    let (org, plant, name) = path();
    f.commands
        .decommission_device(&admin(), &org, &plant, &name)
        .await
        .unwrap();
    refused(&f.devices, registered.device, &secret(&registered)).await;
    let rotated = f
        .commands
        .rotate_credential(&admin(), &org, &plant, &name)
        .await
        .unwrap_err();
    assert!(matches!(&rotated, CommandError::Rejected(_)), "{rotated:?}");
    assert!(
        rotated.to_string().contains("decommissioned for good"),
        "{rotated}"
    );
}

#[tokio::test]
async fn another_process_sees_a_rotation_and_a_revocation_at_once() {
    let (f, registered) = with_a_device().await;
    let (org, plant, name) = path();
    let there = Devices::new(f.elsewhere().await);
    there
        .authenticate(registered.device, &secret(&registered))
        .await
        .unwrap();

    let rotated = f
        .commands
        .rotate_credential(&admin(), &org, &plant, &name)
        .await
        .unwrap();
    refused(&there, registered.device, &secret(&registered)).await;
    there
        .authenticate(registered.device, &secret(&rotated))
        .await
        .unwrap();

    f.commands
        .revoke_credential(&admin(), &org, &plant, &name)
        .await
        .unwrap();
    refused(&there, registered.device, &secret(&rotated)).await;
}

#[tokio::test]
async fn a_row_that_no_event_names_signs_nobody_in() {
    let (f, registered) = with_a_device().await;
    let (org, plant, name) = path();
    let unknown = DeviceId::of(&org, &plant, &slug("meter-9"));
    for (ledger, device) in [
        (&org, registered.device),
        (&org, unknown),
        (
            &slug("southsea"),
            DeviceId::of(&slug("southsea"), &plant, &name),
        ),
    ] {
        let inert = insert(&f, ledger, device).await;
        refused(&f.devices, device, &inert.reveal()).await;
    }
    f.sign_in(&registered).await;
}

async fn insert(f: &Fixture, ledger: &Slug, device: DeviceId) -> DeviceSecret {
    let secret = DeviceSecret::generate();
    credentials::insert(&f.database.pool, ledger, device, &secret)
        .await
        .unwrap();
    secret
}

#[tokio::test]
async fn a_device_that_nobody_registered_can_be_given_no_secret() {
    let f = with_a_site().await;
    let (org, plant, name) = path();
    let error = f
        .commands
        .rotate_credential(&admin(), &org, &plant, &name)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("register it first"), "{error}");
    assert_eq!(f.entries().await.len(), 3);
}

#[tokio::test]
async fn a_certificate_signs_in_the_device_whose_events_name_it_until_they_say_otherwise() {
    let (f, registered) = with_a_device().await;
    let (org, plant, name) = path();
    let there = Devices::new(f.elsewhere().await);
    let (own, device) = (Fingerprint::new([7; 32]), registered.device);
    let refused = Err(AuthError::Refused);
    assert_eq!(there.recognise(device, own).await, refused);

    f.commands
        .add_certificate(&admin(), &org, &plant, &name, own)
        .await
        .unwrap();
    let identity = there.recognise(device, own).await.unwrap();
    assert_eq!((identity.device, &identity.name), (device, &name));
    assert_eq!(
        there.recognise(device, Fingerprint::new([8; 32])).await,
        refused
    );
    let other = DeviceId::of(&org, &plant, &slug("meter-9"));
    assert_eq!(there.recognise(other, own).await, refused);

    // Locked out whatever it shows, until it is let in again.
    let commands = &f.commands;
    commands
        .revoke_credential(&admin(), &org, &plant, &name)
        .await
        .unwrap();
    assert_eq!(there.recognise(device, own).await, refused);
    commands
        .rotate_credential(&admin(), &org, &plant, &name)
        .await
        .unwrap();
    there.recognise(device, own).await.unwrap();

    commands
        .revoke_certificate(&admin(), &org, &plant, &name, own)
        .await
        .unwrap();
    assert_eq!(there.recognise(device, own).await, refused);
    let again = commands
        .add_certificate(&admin(), &org, &plant, &name, own)
        .await
        .unwrap_err()
        .to_string();
    assert!(again.contains("for ever"), "{again}");
}

#[tokio::test]
async fn a_device_that_sends_more_than_it_may_is_told_when_and_the_same_bytes_are_taken_then() {
    let (f, registered) = with_a_device().await;
    let other = f
        .commands
        .register_device(&admin(), device("meter-8"))
        .await
        .unwrap();
    let slow = f.devices.clone().at_most(NonZeroU32::MIN);
    let (meter, other) = (f.sign_in(&registered).await, f.sign_in(&other).await);
    let send = |identity, seq: u32| {
        let bytes = format!(
            r#"{{"seq":{seq},"readings":[{{"metric":"co2_ppm","at":"2026-11-21T03:12:45Z","value":400}}]}}"#
        );
        let devices = slow.clone();
        async move {
            devices
                .record_batch(identity, "test", Utc::now(), bytes)
                .await
        }
    };
    // Ten at once, and one more for each second that they take.
    let mut seq = 1;
    let retry_after = loop {
        match send(&meter, seq).await {
            Ok(_) => seq += 1,
            Err(BatchError::TooMany { retry_after }) => break retry_after,
            Err(error) => panic!("{error}"),
        }
        assert!(seq < 1_000, "no limit");
    };
    assert!(seq > 10, "{seq}");
    assert!(retry_after <= Duration::from_secs(1), "{retry_after:?}");
    send(&other, 1).await.unwrap();
    tokio::time::sleep(retry_after).await;
    assert!(!send(&meter, seq).await.unwrap().duplicate);
}
