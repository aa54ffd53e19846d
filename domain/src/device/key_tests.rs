//! Keys of a device: given, when, then.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::tests::{decommissioned, given, register, registered, state};
use super::*;

const FIRST: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const SECOND: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
/// The neutral element: its "signatures" fit every text.
const WEAK: &str = "0100000000000000000000000000000000000000000000000000000000000000";

fn key(hex: &str) -> PublicKey {
    hex.parse().unwrap()
}

fn rotate(hex: &str) -> DeviceCommand {
    RotateKey {
        public_key: key(hex),
    }
    .into()
}

fn rotated(hex: &str) -> DeviceEvent {
    DeviceKeyRotated {
        public_key: key(hex),
    }
    .into()
}

fn revoke(hex: &str) -> DeviceCommand {
    let key_id = key(hex).id();
    RevokeKey { key_id }.into()
}

fn revoked(hex: &str) -> DeviceEvent {
    let key_id = key(hex).id();
    DeviceKeyRevoked { key_id }.into()
}

fn registered_with(hex: &str) -> DeviceEvent {
    let command = RegisterDevice {
        public_key: Some(key(hex)),
        ..register()
    };
    DeviceRegistered::from(command).into()
}

/// Ids of the valid keys, and whether the device must sign.
fn keys(events: Vec<DeviceEvent>) -> (Vec<PublicKey>, bool) {
    let device = state(events);
    (
        device.valid_keys().copied().collect(),
        device.keys().required(),
    )
}

#[test]
fn a_device_registered_with_a_key_must_sign_with_it() {
    assert_eq!(keys(vec![registered_with(FIRST)]), (vec![key(FIRST)], true));
    assert_eq!(keys(vec![registered()]), (vec![], false));
}

#[test]
fn a_rotation_adds_a_key_beside_the_one_in_use() {
    given(vec![registered_with(FIRST)])
        .when(rotate(SECOND))
        .then_expect_events(vec![rotated(SECOND)]);
    let (valid, required) = keys(vec![registered_with(FIRST), rotated(SECOND)]);
    assert!(valid.contains(&key(FIRST)) && valid.contains(&key(SECOND)));
    assert!(required && valid.len() == 2);
}

#[test]
fn a_device_registered_without_a_key_can_get_one_and_must_sign_from_then_on() {
    given(vec![registered()])
        .when(rotate(FIRST))
        .then_expect_events(vec![rotated(FIRST)]);
    assert_eq!(
        keys(vec![registered(), rotated(FIRST)]),
        (vec![key(FIRST)], true)
    );
}

#[test]
fn a_valid_key_is_not_added_twice() {
    let error = DeviceRejection::KeyValid {
        name: "meter-7".parse().unwrap(),
        key: key(FIRST).id(),
    };
    given(vec![registered_with(FIRST)])
        .when(rotate(FIRST))
        .then_expect_error(error);
}

#[test]
fn a_revoked_key_never_comes_back() {
    given(vec![registered_with(FIRST)])
        .when(revoke(FIRST))
        .then_expect_events(vec![revoked(FIRST)]);
    for again in [rotate(FIRST), revoke(FIRST)] {
        given(vec![registered_with(FIRST), revoked(FIRST)])
            .when(again)
            .then_expect_error_message(
                "key 21fe31dfa154a261 of device \"meter-7\" was revoked before, which is for \
                 ever: a new key can be added",
            );
    }
}

#[test]
fn a_device_without_a_valid_key_must_sign_all_the_same() {
    let events = vec![registered_with(FIRST), revoked(FIRST)];
    assert_eq!(keys(events), (vec![], true));
}

#[test]
fn revoking_a_key_that_the_device_does_not_have_names_those_that_it_has() {
    given(vec![registered_with(FIRST)])
        .when(revoke(SECOND))
        .then_expect_error_message(&format!(
            "device \"meter-7\" has no valid key {}: it has {}",
            key(SECOND).id(),
            key(FIRST).id()
        ));
    let none = given(vec![registered()]).when(revoke(FIRST));
    let message = none.inspect_result().unwrap_err().to_string();
    assert!(message.ends_with("it has none"), "{message}");
}

#[test]
fn a_key_for_which_anybody_can_sign_is_not_taken() {
    let error = DeviceRejection::UnusableKey {
        key: key(WEAK).id(),
        reason: UnusableKey::SmallOrder,
    };
    let command = RegisterDevice {
        public_key: Some(key(WEAK)),
        ..register()
    };
    given(vec![])
        .when(command.into())
        .then_expect_error(error.clone());
    given(vec![registered()])
        .when(rotate(WEAK))
        .then_expect_error(error);
}

#[test]
fn a_device_has_at_most_sixteen_valid_keys() {
    let signer = |n: u8| ed25519_dalek::SigningKey::from_bytes(&[n; 32]);
    let hex = |n: u8| PublicKey::new(signer(n).verifying_key().to_bytes()).to_string();
    let mut events = vec![registered()];
    events.extend((1..=16).map(|n| rotated(&hex(n))));
    let error = DeviceRejection::TooManyKeys {
        name: "meter-7".parse().unwrap(),
        most: 16,
    };
    given(events.clone())
        .when(rotate(&hex(17)))
        .then_expect_error(error);
    events.push(revoked(&hex(3)));
    given(events)
        .when(rotate(&hex(17)))
        .then_expect_events(vec![rotated(&hex(17))]);
}

#[test]
fn a_decommissioned_device_has_no_valid_key_and_takes_none() {
    let events = vec![registered_with(FIRST), decommissioned()];
    assert_eq!(keys(events.clone()), (vec![], true));
    for command in [rotate(SECOND), revoke(FIRST)] {
        let error = DeviceRejection::Decommissioned {
            name: "meter-7".parse().unwrap(),
        };
        given(events.clone()).when(command).then_expect_error(error);
    }
}

#[test]
fn an_unknown_device_takes_no_key() {
    for command in [rotate(FIRST), revoke(FIRST)] {
        given(vec![])
            .when(command)
            .then_expect_error(DeviceRejection::NotRegistered);
    }
}

#[test]
fn a_snapshot_with_keys_reads_back_as_the_same_state() {
    let device = state(vec![
        registered_with(FIRST),
        rotated(SECOND),
        revoked(FIRST),
    ]);
    let json = serde_json::to_string(&device).unwrap();
    assert_eq!(serde_json::from_str::<Device>(&json).unwrap(), device);
}

#[test]
fn a_public_key_is_64_lower_case_hex_digits_and_its_id_16() {
    let read: PublicKey = FIRST.parse().unwrap();
    assert_eq!(
        (read.to_string().as_str(), read.as_bytes()[0]),
        (FIRST, 0xd7)
    );
    assert_eq!(read.id().to_string(), "21fe31dfa154a261");
    for wrong in [
        &FIRST[2..],
        &FIRST.to_uppercase(),
        &FIRST.replace('d', "g"),
        "",
    ] {
        assert!(wrong.parse::<PublicKey>().is_err(), "{wrong}");
    }
    for wrong in ["21fe31dfa154a2", "21FE31DFA154A261", ""] {
        assert!(wrong.parse::<KeyId>().is_err(), "{wrong}");
    }
}
