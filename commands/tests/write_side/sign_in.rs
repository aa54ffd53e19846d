//! Devices sign in with a secret that the ledger names, and with no other.

use sealrock_access::{DeviceSecret, credentials};
use sealrock_commands::{AuthError, CommandError, Devices};
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
