#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::*;

fn given(events: Vec<SiteEvent>) -> AggregateTestExecutor<Site> {
    TestFramework::with(()).given(events)
}

fn register() -> RegisterSite {
    let (org, slug) = ("northsea".parse().unwrap(), "plant-1".parse().unwrap());
    RegisterSite::new(
        org,
        slug,
        "Plant One".parse().unwrap(),
        SiteKind::CapturePlant,
    )
}

fn registered() -> SiteEvent {
    SiteRegistered::from(register()).into()
}

fn rename(display_name: &str) -> SiteCommand {
    RenameSite {
        display_name: display_name.parse().unwrap(),
    }
    .into()
}

fn at(latitude: &str, longitude: &str) -> SiteCommand {
    let (latitude, longitude) = (latitude.parse().ok(), longitude.parse().ok());
    RegisterSite {
        latitude,
        longitude,
        ..register()
    }
    .into()
}

#[test]
fn a_site_is_registered() {
    given(vec![])
        .when(register().into())
        .then_expect_events(vec![registered()]);
}

#[test]
fn registering_twice_names_the_existing_site() {
    given(vec![registered()]).when(register().into()).then_expect_error_message(
        "site \"plant-1\" of organisation \"northsea\" is already registered as \"Plant One\": use \
         it, or choose another name",
    );
}

#[test]
fn a_location_outside_the_globe_is_refused() {
    given(vec![])
        .when(at("90.5", "4"))
        .then_expect_error_message(
            "latitude 90.5 is outside -90 to 90 degrees: check sign and unit",
        );
    given(vec![])
        .when(at("60", "-180.01"))
        .then_expect_error_message(
            "longitude -180.01 is outside -180 to 180 degrees: check sign and unit",
        );
}

#[test]
fn half_a_location_is_refused() {
    given(vec![])
        .when(at("60", ""))
        .then_expect_error(SiteRejection::HalfALocation);
}

#[test]
fn an_ambient_pressure_in_hectopascal_is_noticed() {
    let ambient_pressure_kpa = "1013.25".parse().ok();
    let command = RegisterSite {
        ambient_pressure_kpa,
        ..register()
    }
    .into();
    given(vec![]).when(command).then_expect_error_message(
        "ambient pressure 1013.25 is outside 30 to 110 kPa: check sign and unit",
    );
}

#[test]
fn the_display_name_changes_once() {
    let renamed = SiteRenamed {
        display_name: "One".parse().unwrap(),
    };
    let events = vec![renamed.clone().into()];
    given(vec![registered()])
        .when(rename("One"))
        .then_expect_events(events);
    let slug = "plant-1".parse().unwrap();
    let unchanged = SiteRejection::Unchanged {
        slug,
        display_name: "One".parse().unwrap(),
    };
    given(vec![registered(), renamed.into()])
        .when(rename("One"))
        .then_expect_error(unchanged);
}

#[test]
fn a_retired_site_takes_no_more_changes() {
    let retired: SiteEvent = SiteRetired {}.into();
    given(vec![registered()])
        .when(SiteCommand::Retire)
        .then_expect_events(vec![retired.clone()]);
    for command in [SiteCommand::Retire, rename("One")] {
        let error = SiteRejection::Retired {
            slug: "plant-1".parse().unwrap(),
        };
        given(vec![registered(), retired.clone()])
            .when(command)
            .then_expect_error(error);
    }
}

#[test]
fn an_unknown_site_is_neither_renamed_nor_retired() {
    for command in [SiteCommand::Retire, rename("One")] {
        given(vec![])
            .when(command)
            .then_expect_error(SiteRejection::NotRegistered);
    }
}

#[test]
fn a_country_is_two_capital_letters() {
    assert_eq!("NO".parse::<Country>().unwrap().to_string(), "NO");
    for value in ["no", "NOR", "", "N1"] {
        assert!(value.parse::<Country>().is_err(), "{value}");
    }
}
