#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::Attributes;

pub(super) fn given(events: Vec<DeviceEvent>) -> AggregateTestExecutor<Device> {
    TestFramework::with(()).given(events)
}

fn credential(number: u128) -> CredentialId {
    CredentialId(Uuid::from_u128(number))
}

pub(super) fn register() -> RegisterDevice {
    RegisterDevice {
        org: "northsea".parse().unwrap(),
        site: "plant-1".parse().unwrap(),
        name: "meter-7".parse().unwrap(),
        display_name: "Meter 7".parse().unwrap(),
        asset: None,
        source: Source::Real,
        public_key: None,
        credential: credential(1),
        metadata: Attributes::default(),
        sensors: vec![sensor("temperature", "Cel")],
    }
}

fn sensor(metric: &str, unit: &str) -> Sensor {
    let metric = metric.parse().unwrap();
    Sensor {
        metric,
        unit: unit.to_owned(),
        description: String::new(),
    }
}

fn with_sensors(sensors: Vec<Sensor>) -> DeviceCommand {
    RegisterDevice {
        sensors,
        ..register()
    }
    .into()
}

pub(super) fn registered() -> DeviceEvent {
    DeviceRegistered::from(register()).into()
}

fn bind(asset: &str) -> DeviceCommand {
    BindDevice {
        asset: asset.parse().unwrap(),
    }
    .into()
}

fn rotate(number: u128) -> DeviceCommand {
    RotateCredential {
        credential: credential(number),
    }
    .into()
}

fn rotated(number: u128) -> DeviceEvent {
    DeviceCredentialRotated {
        credential: credential(number),
    }
    .into()
}

fn revoked(number: u128) -> DeviceEvent {
    DeviceCredentialRevoked {
        credential: credential(number),
    }
    .into()
}

pub(super) fn decommissioned() -> DeviceEvent {
    DeviceDecommissioned {}.into()
}

pub(super) fn state(events: Vec<DeviceEvent>) -> Device {
    let mut device = Device::default();
    for event in events {
        device.apply(event);
    }
    device
}

#[test]
fn a_device_is_registered() {
    given(vec![])
        .when(register().into())
        .then_expect_events(vec![registered()]);
}

#[test]
fn registering_twice_names_the_existing_device() {
    given(vec![registered()]).when(register().into()).then_expect_error_message(
        "device \"meter-7\" of site \"plant-1\" is already registered as \"Meter 7\": rotate its \
         credential to use it, or choose another name",
    );
}

#[test]
fn two_sensors_of_one_metric_are_refused() {
    let twice = with_sensors(vec![sensor("flow", "t/h"), sensor("flow", "kg/s")]);
    let error = DeviceRejection::SensorTwice {
        metric: "flow".parse().unwrap(),
    };
    given(vec![]).when(twice).then_expect_error(error);
}

#[test]
fn a_sensor_in_a_unit_of_another_quantity_is_refused_with_the_units_that_fit() {
    let result = given(vec![]).when(with_sensors(vec![sensor("temperature", "kPa")]));
    let message = result.inspect_result().unwrap_err().to_string();
    assert!(
        message.starts_with("\"kPa\" is not a unit of metric \"temperature\""),
        "{message}"
    );
    assert!(message.contains("Cel"), "{message}");
}

#[test]
fn a_sensor_of_an_unknown_metric_is_registered() {
    let sensors = vec![sensor("bubble_count", "1")];
    let command = with_sensors(sensors.clone());
    let event = DeviceRegistered {
        sensors,
        ..DeviceRegistered::from(register())
    };
    given(vec![])
        .when(command)
        .then_expect_events(vec![event.into()]);
}

#[test]
fn a_device_is_bound_and_bound_anew() {
    let bound: DeviceEvent = DeviceBound {
        asset: "stack-1".parse().unwrap(),
    }
    .into();
    given(vec![registered()])
        .when(bind("stack-1"))
        .then_expect_events(vec![bound.clone()]);
    let again = given(vec![registered(), bound.clone()]).when(bind("stack-1"));
    again.then_expect_error_message(
        "device \"meter-7\" is already bound to asset \"stack-1\": nothing to change",
    );
    assert_eq!(
        state(vec![registered(), bound]).asset().unwrap().as_str(),
        "stack-1"
    );
}

#[test]
fn rotation_replaces_the_credential() {
    given(vec![registered()])
        .when(rotate(2))
        .then_expect_events(vec![rotated(2)]);
    assert_eq!(
        state(vec![registered()]).active_credentials(),
        [credential(1)]
    );
    assert_eq!(
        state(vec![registered(), rotated(2)]).active_credentials(),
        [credential(2)]
    );
}

#[test]
fn a_credential_is_never_used_again() {
    for number in [1, 2] {
        let error = DeviceRejection::CredentialUsed {
            credential: credential(number),
        };
        given(vec![registered(), rotated(2)])
            .when(rotate(number))
            .then_expect_error(error);
    }
    let error = DeviceRejection::CredentialUsed {
        credential: credential(1),
    };
    given(vec![registered(), revoked(1)])
        .when(rotate(1))
        .then_expect_error(error);
}

#[test]
fn revoking_locks_the_device_out_until_a_rotation() {
    given(vec![registered()])
        .when(DeviceCommand::RevokeCredential)
        .then_expect_events(vec![revoked(1)]);
    assert!(
        state(vec![registered(), revoked(1)])
            .active_credentials()
            .is_empty()
    );
    given(vec![registered(), revoked(1)])
        .when(rotate(2))
        .then_expect_events(vec![rotated(2)]);
}

#[test]
fn revoking_twice_is_refused() {
    let error = DeviceRejection::NoCredential {
        name: "meter-7".parse().unwrap(),
    };
    given(vec![registered(), revoked(1)])
        .when(DeviceCommand::RevokeCredential)
        .then_expect_error(error);
}

#[test]
fn a_decommissioned_device_has_no_credential_and_takes_no_more_changes() {
    given(vec![registered()])
        .when(DeviceCommand::Decommission)
        .then_expect_events(vec![decommissioned()]);
    let device = state(vec![registered(), decommissioned()]);
    assert!(device.is_decommissioned() && device.active_credentials().is_empty());
    let revoke = DeviceCommand::RevokeCredential;
    for command in [bind("a"), rotate(2), revoke, DeviceCommand::Decommission] {
        let error = DeviceRejection::Decommissioned {
            name: "meter-7".parse().unwrap(),
        };
        given(vec![registered(), decommissioned()])
            .when(command)
            .then_expect_error(error);
    }
}

#[test]
fn an_unknown_device_takes_no_command_but_registration() {
    let revoke = DeviceCommand::RevokeCredential;
    for command in [bind("a"), rotate(2), revoke, DeviceCommand::Decommission] {
        given(vec![])
            .when(command)
            .then_expect_error(DeviceRejection::NotRegistered);
    }
}

#[test]
fn a_snapshot_reads_back_as_the_same_state() {
    let device = state(vec![registered(), rotated(2)]);
    let json = serde_json::to_string(&device).unwrap();
    assert_eq!(serde_json::from_str::<Device>(&json).unwrap(), device);
}
