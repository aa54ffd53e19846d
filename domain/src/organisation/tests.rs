#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cqrs_es::test::TestFramework;

use super::*;

fn given(events: Vec<OrganisationEvent>) -> cqrs_es::test::AggregateTestExecutor<Organisation> {
    TestFramework::with(()).given(events)
}

fn register(slug: &str) -> OrganisationCommand {
    let display_name = "North Sea Storage".parse().unwrap();
    RegisterOrganisation {
        slug: slug.parse().unwrap(),
        display_name,
        demo: false,
        registry: false,
    }
    .into()
}

fn rename(display_name: &str) -> OrganisationCommand {
    RenameOrganisation {
        display_name: display_name.parse().unwrap(),
    }
    .into()
}

fn registered() -> OrganisationEvent {
    let display_name = "North Sea Storage".parse().unwrap();
    OrganisationRegistered {
        slug: "northsea".parse().unwrap(),
        display_name,
        demo: false,
        registry: false,
    }
    .into()
}

#[test]
fn an_organisation_is_registered() {
    given(vec![])
        .when(register("northsea"))
        .then_expect_events(vec![registered()]);
}

#[test]
fn registering_twice_names_the_existing_organisation() {
    given(vec![registered()])
        .when(register("northsea"))
        .then_expect_error_message(
            "organisation \"northsea\" is already registered as \"North Sea Storage\": use it, or \
         choose another name",
        );
}

#[test]
fn a_reserved_slug_is_refused() {
    for slug in ["registry", "admin", "v1"] {
        let slug_value = slug.parse().unwrap();
        let expected = OrganisationRejection::Reserved { slug: slug_value };
        given(vec![])
            .when(register(slug))
            .then_expect_error(expected);
    }
}

#[test]
fn the_display_name_changes() {
    let display_name = "North Sea".parse().unwrap();
    let renamed = OrganisationRenamed { display_name }.into();
    given(vec![registered()])
        .when(rename("North Sea"))
        .then_expect_events(vec![renamed]);
}

#[test]
fn renaming_to_the_present_name_is_refused() {
    given(vec![registered()])
        .when(rename("North Sea Storage"))
        .then_expect_error_message(
            "organisation \"northsea\" is already called \"North Sea Storage\": nothing to change",
        );
}

#[test]
fn an_unknown_organisation_cannot_be_renamed() {
    given(vec![])
        .when(rename("x"))
        .then_expect_error(OrganisationRejection::NotRegistered);
}

#[test]
fn the_state_after_a_rename_holds_the_new_name() {
    let mut organisation = Organisation::default();
    organisation.apply(registered());
    organisation.apply(
        OrganisationRenamed {
            display_name: "N".parse().unwrap(),
        }
        .into(),
    );
    assert_eq!(
        organisation.profile().unwrap().display_name.to_string(),
        "N"
    );
    assert_eq!(organisation.profile().unwrap().slug.as_str(), "northsea");
}
