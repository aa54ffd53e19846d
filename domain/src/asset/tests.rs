#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::*;
use crate::Attributes;

fn given(events: Vec<AssetEvent>) -> AggregateTestExecutor<Asset> {
    TestFramework::with(()).given(events)
}

fn register() -> RegisterAsset {
    let assumptions = [("duct_area_m2".to_owned(), "0.785".to_owned())];
    RegisterAsset {
        org: "northsea".parse().unwrap(),
        site: "plant-1".parse().unwrap(),
        slug: "stack-1".parse().unwrap(),
        display_name: "Boiler stack".parse().unwrap(),
        asset_kind: AssetKind::Stack,
        assumptions: Attributes::try_from(std::collections::BTreeMap::from(assumptions)).unwrap(),
    }
}

fn registered() -> AssetEvent {
    AssetRegistered::from(register()).into()
}

#[test]
fn an_asset_is_registered_with_its_assumptions() {
    given(vec![])
        .when(register().into())
        .then_expect_events(vec![registered()]);
}

#[test]
fn registering_twice_names_the_existing_asset() {
    given(vec![registered()]).when(register().into()).then_expect_error_message(
        "asset \"stack-1\" of site \"plant-1\" is already registered as \"Boiler stack\": use it, \
         or choose another name",
    );
}

#[test]
fn an_asset_retires_once() {
    let retired: AssetEvent = AssetRetired {}.into();
    given(vec![registered()])
        .when(AssetCommand::Retire)
        .then_expect_events(vec![retired.clone()]);
    let error = AssetRejection::Retired {
        slug: "stack-1".parse().unwrap(),
    };
    given(vec![registered(), retired])
        .when(AssetCommand::Retire)
        .then_expect_error(error);
}

#[test]
fn an_unknown_asset_cannot_retire() {
    given(vec![])
        .when(AssetCommand::Retire)
        .then_expect_error(AssetRejection::NotRegistered);
}
