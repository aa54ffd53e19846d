//! Who is limited to sites, or is lent some, sees these whichever way leads there; who reads accounts
//! alone sees no telemetry behind them.

use chrono::{TimeDelta, Utc};
use sealrock_access::{AccountId, Grant, Principal, Role};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::field;
use crate::world::{PLACES, World, start};

pub const REGISTER: &str = r#"mutation ($site: String!) {
  registerSite(input: {organisation: "northsea", slug: $site, displayName: "Quay", kind: CAPTURE_PLANT}) {
    receipt { ledger }
  }
  registerAsset(input: {
    organisation: "northsea", site: $site, slug: "tank-3", displayName: "Tank", kind: STACK
  }) { receipt { ledger } }
  registerDevice(
    input: {
      organisation: "northsea", site: $site, name: "meter-9", displayName: "Meter", asset: "tank-3", source: SIMULATOR
    }
    waitFor: ["registry"]
  ) { id }
}"#;
const WHAT_THERE_IS: &str = r"query ($device: ID!, $after: String) {
  organisations { nodes { slug sites { nodes { slug } } assets { nodes { slug } } } }
  device(id: $device) {
    site { organisation { devices(first: 1, after: $after) { nodes { site { slug } } pageInfo { hasNextPage endCursor } } } }
    organisation { displayName sites { nodes { slug } } }
  }
}";

/// `northsea` with three sites that have a device each; the id of the first one's.
async fn three_sites() -> (World, String) {
    let world = start().await;
    world.register_places().await;
    let meter = world.register_device("meter-7").await;
    for site in ["quay-8", "quay-9"] {
        world.data(REGISTER, json!({"site": site})).await;
    }
    world.settle().await;
    (world, meter.device.to_string())
}

/// A token of somebody who is limited to sites and lent others.
async fn token(world: &World, role: Role, own: (&str, Option<&[&str]>), lent: &[&str]) -> String {
    let slugs = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
    let organisation = Some(own.0.parse().unwrap());
    let id = AccountId(Uuid::from_u128(7));
    let mut principal = Principal::signed_in(id, "ada".parse().unwrap(), role, organisation);
    if let Principal::User { sites, grants, .. } = &mut principal {
        *sites = own.1.map(slugs);
        if !lent.is_empty() {
            grants.push(Grant {
                organisation: "northsea".parse().unwrap(),
                sites: Some(slugs(lent)),
                until: Utc::now() + TimeDelta::days(1),
            });
        }
    }
    world.member(&principal).await
}

async fn asked(world: &World, token: &str, query: &str, variables: Value) -> Value {
    let mut answer = world.ask_as(Some(token), query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer["data"].take()
}

#[tokio::test]
async fn who_is_limited_to_sites_sees_these_and_no_others_whichever_way_leads_there() {
    let (world, device) = three_sites().await;
    let sites: &[&str] = &["plant-1", "quay-9"];
    let token = token(&world, Role::Operator, ("northsea", Some(sites)), &[]).await;
    let seen = asked(&world, &token, WHAT_THERE_IS, json!({"device": device})).await;
    let both = json!({"nodes": [{"slug": "plant-1"}, {"slug": "quay-9"}]});
    assert_eq!(
        seen["organisations"]["nodes"],
        json!([{
            "slug": "northsea", "sites": both, "assets": {"nodes": [{"slug": "stack-1"}, {"slug": "tank-3"}]},
        }])
    );
    assert_eq!(
        seen["device"]["organisation"],
        json!({"displayName": "North Sea Storage", "sites": both})
    );
    let first = &seen["device"]["site"]["organisation"]["devices"];
    assert_eq!(first["nodes"], json!([{"site": {"slug": "plant-1"}}]));
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let after = json!({"device": device, "after": first["pageInfo"]["endCursor"]});
    let seen = asked(&world, &token, WHAT_THERE_IS, after).await;
    let second = &seen["device"]["site"]["organisation"]["devices"];
    assert_eq!(second["nodes"], json!([{"site": {"slug": "quay-9"}}]));
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
}

#[tokio::test]
async fn who_is_lent_a_site_finds_its_organisation_in_the_list_with_that_site_alone() {
    let (world, device) = three_sites().await;
    let places = PLACES.replace("North Sea Storage", "Southern Harbour");
    world
        .data(&places, json!({"organisation": "southsea"}))
        .await;
    world.settle_on("southsea").await;
    let token = token(&world, Role::Verifier, ("southsea", None), &["quay-8"]).await;
    let query = "{ organisations { nodes { slug sites { nodes { slug } } } } }";
    let seen = asked(&world, &token, query, json!({})).await;
    let alone = json!({"slug": "northsea", "sites": {"nodes": [{"slug": "quay-8"}]}});
    assert_eq!(seen["organisations"]["nodes"][0], alone);
    assert_eq!(seen["organisations"]["nodes"][1]["slug"], "southsea");
    let hidden = "query ($device: ID!) { device(id: $device) { id } }";
    let hidden = asked(&world, &token, hidden, json!({"device": device})).await;
    assert_eq!(hidden["device"], json!(null));
}

#[tokio::test]
async fn who_reads_accounts_and_no_telemetry_finds_none_behind_accounts() {
    let world = start().await;
    world.register_places().await;
    let meter = world.register_device("meter-7").await;
    let field = field::build(&world).await;
    let now = Utc::now();
    field::measure(&world, &field.gauge, &now.to_rfc3339()).await;
    let reading = json!({"metric": "co2_emission_rate", "at": now, "value": 480.0, "unit": "kg/h"});
    let batch = json!({"seq": 1, "readings": [reading]}).to_string();
    world.record_bytes(&meter, batch.into_bytes()).await;
    let unit = r#"mutation {
      registerAsset(input: {
        organisation: "northsea", site: "plant-1", slug: "unit-1", displayName: "Unit", kind: CAPTURE_UNIT
      }) { id }
      registerCaptureUnit(
        input: {organisation: "northsea", site: "plant-1", asset: "unit-1", technology: AMINE}
        waitFor: ["captures", "registry"]
      ) { duplicate }
    }"#;
    field::data_as(&world, Role::SiteManager, unit, json!({})).await;
    world.settle().await;
    let query = r#"{
      well(organisation: "northsea", site: "plant-1", slug: "injector-1") { slug asset { slug } latest { value } }
      systemOverview(organisation: "northsea") {
        organisation { slug captureUnits { slug asset { slug } } sites { nodes { slug } } devices { nodes { name } } }
      }
    }"#;
    let seen = async |role: Role| field::data_as(&world, role, query, json!({})).await;
    let hidden = seen(Role::Regulator).await;
    let expected = json!({
        "well": {"slug": "injector-1", "asset": null, "latest": []},
        "systemOverview": {"organisation": {
            "slug": "northsea", "captureUnits": [{"slug": "unit-1", "asset": null}],
            "sites": {"nodes": []}, "devices": {"nodes": []},
        }},
    });
    assert_eq!(hidden, expected);
    let shown = seen(Role::Auditor).await;
    for there in [
        &shown["well"]["asset"]["slug"],
        &shown["well"]["latest"][0]["value"],
        &shown["systemOverview"]["organisation"]["captureUnits"][0]["asset"]["slug"],
        &shown["systemOverview"]["organisation"]["sites"]["nodes"][0]["slug"],
    ] {
        assert!(!there.is_null(), "{shown:#}");
    }
}
