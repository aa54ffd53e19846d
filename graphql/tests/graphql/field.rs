//! An injection field on `northsea`'s site: an injector and a monitor with their gauges, and the
//! people who run them.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use sealrock_access::{AccountId, Principal, Role};
use sealrock_commands::DeviceIdentity;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::World;

const WELLS: &str = r#"mutation {
  injector: registerAsset(input: {
    organisation: "northsea", site: "plant-1", slug: "injector-1", displayName: "Injector", kind: INJECTION_WELL
  }) { id }
  monitor: registerAsset(input: {
    organisation: "northsea", site: "plant-1", slug: "monitor-1", displayName: "Monitor", kind: MONITORING_WELL
  }) { id }
  gauge: registerDevice(input: {
    organisation: "northsea", site: "plant-1", name: "gauge-1", displayName: "Gauge", asset: "injector-1", source: REAL
  }) { deviceId secret }
  watcher: registerDevice(input: {
    organisation: "northsea", site: "plant-1", name: "watcher-1", displayName: "Watcher", asset: "monitor-1", source: REAL
  }) { deviceId secret }
  registerWell(input: {organisation: "northsea", site: "plant-1", well: "injector-1", kind: INJECTOR}) { duplicate }
  monitorWell: registerWell(
    input: {organisation: "northsea", site: "plant-1", well: "monitor-1", kind: MONITOR}
    waitFor: ["wells", "registry"]
  ) { well { slug kind status asset { slug } } }
}"#;
pub const PROPOSE: &str = r#"mutation ($from: Date!, $until: Date!, $rate: String = "25") {
  proposePermitLimits(
    input: {
      organisation: "northsea", site: "plant-1", well: "injector-1", permit: "IL-115-6A-0001", validFrom: $from
      validUntil: $until, maxDailyMassKg: "50000", maxYearlyMassKg: "1000000", maxRateTPerH: $rate
      fracturePressureMpa: "27"
    }
    waitFor: ["wells"]
  ) { well { proposal { proposal proposedBy limits { permit maxWellheadPressureMpa } } permit { permit } } }
}"#;
pub const APPROVE: &str = r#"mutation ($proposal: Count!) {
  approvePermitLimits(
    input: {organisation: "northsea", site: "plant-1", well: "injector-1", proposal: $proposal}
    waitFor: ["wells"]
  ) { well { proposal { proposal } permit { permit maxDailyMassKg maxWellheadPressureMpa } } receipt { firstIndex } }
}"#;
pub const MIT: &str = r#"mutation ($kind: MitKind!, $passed: Boolean!, $on: Date!, $until: Date!) {
  recordMit(
    input: {
      organisation: "northsea", site: "plant-1", well: "injector-1", kind: $kind, passed: $passed, testedOn: $on
      validUntil: $until, certificate: "TL-17"
    }
    waitFor: ["wells"]
  ) { well { status shutInReason integrityTests { kind passed certificate } } receipt { firstIndex lastIndex } }
}"#;
pub const START: &str = r#"mutation ($at: DateTime) {
  startInjection(
    input: {organisation: "northsea", site: "plant-1", well: "injector-1", at: $at}
    waitFor: ["wells"]
  ) { well { status since } receipt { firstIndex } }
}"#;

pub struct Field {
    pub gauge: DeviceIdentity,
    pub watcher: DeviceIdentity,
}

/// A token of a person of northsea, by role.
pub fn person(world: &World, role: Role) -> String {
    let number = Role::ACCOUNTS.iter().position(|one| *one == role).unwrap();
    world.token_of(&Principal::signed_in(
        AccountId(Uuid::from_u128(100 + number as u128)),
        "ada".parse().unwrap(),
        role,
        Some("northsea".parse().unwrap()),
    ))
}

/// So many days ago.
pub fn day(ago: u64) -> NaiveDate {
    Utc::now().date_naive() - Days::new(ago)
}

/// The data of an operation of a person that must not fail.
pub async fn data_as(world: &World, role: Role, query: &str, variables: Value) -> Value {
    let token = person(world, role);
    let mut answer = world.ask_as(Some(&token), query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer["data"].take()
}

/// The field, with wells that are registered and nothing more.
pub async fn build(world: &World) -> Field {
    let built = world.data(WELLS, json!({})).await;
    let device = async |name: &str| {
        let id = built[name]["deviceId"].as_str().unwrap().parse().unwrap();
        let secret = built[name]["secret"].as_str().unwrap();
        world.sign_in(id, secret).await
    };
    Field {
        gauge: device("gauge").await,
        watcher: device("watcher").await,
    }
}

/// Permit, integrity tests, and injection for ten days.
pub async fn commission(world: &World) {
    let validity = json!({"from": day(100), "until": day(0) + Days::new(100)});
    data_as(world, Role::SiteManager, PROPOSE, validity).await;
    data_as(world, Role::HqManager, APPROVE, json!({"proposal": 1})).await;
    for kind in ["INTERNAL", "EXTERNAL"] {
        let test = json!({
            "kind": kind, "passed": true, "on": day(50), "until": day(0) + Days::new(100)
        });
        data_as(world, Role::Operator, MIT, test).await;
    }
    let at = json!({"at": format!("{}T00:00:00Z", day(10))});
    data_as(world, Role::Operator, START, at).await;
}

/// Half an hour of a well's gauge up to `at`, in one batch: 20 t/h, 9.4 `MPa` at the wellhead, 10.2 in the
/// annulus.
pub async fn measure(world: &World, gauge: &DeviceIdentity, at: &str) -> u64 {
    let at: DateTime<Utc> = at.parse().unwrap();
    let reading = |metric: &str, value: f64, minutes: i64| {
        let at = at - TimeDelta::minutes(minutes);
        json!({"metric": metric, "at": at, "value": value})
    };
    let readings: Vec<Value> = [30, 0]
        .into_iter()
        .flat_map(|minutes| {
            [
                reading("injection_rate", 20.0, minutes),
                reading("wellhead_pressure", 9.4, minutes),
                reading("annulus_pressure", 10.2, minutes),
            ]
        })
        .collect();
    let bytes = json!({"readings": readings}).to_string().into_bytes();
    world.record_bytes(gauge, bytes).await
}

/// Two sealed hours of yesterday: the indexes of their seals.
pub async fn seal_yesterday(world: &World, field: &Field) -> [u64; 2] {
    for hour in ["03", "04"] {
        measure(world, &field.gauge, &format!("{}T{hour}:30:00Z", day(1))).await;
    }
    world.settle().await;
    let first = world.seal_oldest().await;
    world.settle().await;
    let second = world.seal_oldest().await;
    world.settle().await;
    [first, second]
}

/// What an operator says of a day: 40 t in two hours.
pub fn figures() -> Value {
    json!({
        "massKg": "40000", "hours": "2", "maxRateTPerH": "20.5", "maxWellheadPressureMpa": "9.5",
        "minAnnulusPressureMpa": "10.1"
    })
}
