#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::*;
use crate::Refusal;

fn given(events: Vec<CaptureUnitEvent>) -> AggregateTestExecutor<CaptureUnit> {
    TestFramework::with(()).given(events)
}

fn register() -> RegisterCaptureUnit {
    RegisterCaptureUnit {
        org: "northsea".parse().unwrap(),
        site: "plant-1".parse().unwrap(),
        slug: "amine-1".parse().unwrap(),
        technology: CaptureTechnology::Amine,
        capacity_kg_per_day: Mass::from_tonnes(600),
    }
}

fn registered() -> CaptureUnitEvent {
    CaptureUnitRegistered::from(register()).into()
}

fn set(status: CaptureUnitStatus) -> CaptureUnitCommand {
    let reason = Some("the boiler is out".parse().unwrap());
    SetCaptureUnitStatus { status, reason }.into()
}

fn changed(status: CaptureUnitStatus) -> CaptureUnitEvent {
    let reason = Some("the boiler is out".parse().unwrap());
    CaptureUnitStatusChanged { status, reason }.into()
}

#[test]
fn an_asset_becomes_a_capture_unit_on_standby_once() {
    given(vec![])
        .when(register().into())
        .then_expect_events(vec![registered()]);
    given(vec![registered()])
        .when(register().into())
        .then_expect_error_message(
            "\"amine-1\" of site \"plant-1\" is a capture unit (amine) already: use it",
        );
    let mut unit = CaptureUnit::default();
    assert_eq!(unit.status(), None);
    unit.apply(registered());
    assert_eq!(unit.status(), Some(CaptureUnitStatus::Standby));
}

#[test]
fn a_unit_that_can_capture_nothing_is_refused() {
    let command = RegisterCaptureUnit {
        capacity_kg_per_day: Some(Mass::ZERO),
        ..register()
    };
    given(vec![])
        .when(command.into())
        .then_expect_error(CaptureUnitRejection::NoCapacity);
}

#[test]
fn a_unit_starts_and_stops_and_says_why() {
    use CaptureUnitStatus::{Maintenance, Operating};
    given(vec![registered()])
        .when(set(Operating))
        .then_expect_events(vec![changed(Operating)]);
    given(vec![registered(), changed(Operating)])
        .when(set(Maintenance))
        .then_expect_events(vec![changed(Maintenance)]);
    given(vec![registered(), changed(Operating)])
        .when(set(Operating))
        .then_expect_error_message("capture unit \"amine-1\" is operating already");
}

#[test]
fn a_decommissioned_unit_stays_so() {
    use CaptureUnitStatus::{Decommissioned, Operating};
    let slug = "amine-1".parse().unwrap();
    given(vec![registered(), changed(Decommissioned)])
        .when(set(Operating))
        .then_expect_error(CaptureUnitRejection::Decommissioned { slug });
    let mut unit = CaptureUnit::default();
    for event in [registered(), changed(Decommissioned)] {
        unit.apply(event);
    }
    assert_eq!(unit.in_service().unwrap_err().code(), "NOT_IN_FORCE");
    assert!(unit.registered().is_ok());
}

#[test]
fn an_unknown_unit_changes_no_status() {
    let error = CaptureUnitRejection::NotRegistered;
    assert_eq!(error.code(), "NOT_FOUND");
    given(vec![])
        .when(set(CaptureUnitStatus::Operating))
        .then_expect_error(error);
}

#[test]
fn technologies_and_statuses_are_spelt_as_in_payloads() {
    use CaptureTechnology as T;
    use CaptureUnitStatus as S;
    for technology in [
        T::Amine,
        T::Membrane,
        T::SolidSorbent,
        T::Cryogenic,
        T::Other,
    ] {
        let json = serde_json::to_value(technology).unwrap();
        assert_eq!(json, technology.as_str());
        assert_eq!(technology.as_str().parse::<T>().unwrap(), technology);
    }
    for status in [S::Operating, S::Standby, S::Maintenance, S::Decommissioned] {
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        assert_eq!(status.as_str().parse::<S>().unwrap(), status);
    }
    assert!("steam".parse::<T>().is_err() && "on".parse::<S>().is_err());
}
