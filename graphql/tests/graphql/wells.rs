//! Wells, injection days and their totals.

use chrono::{Datelike, Utc};
use sealrock_access::Role;
use serde_json::{Value, json};

use crate::field::{
    APPROVE, MIT, PROPOSE, START, build, commission, data_as, day, figures, measure, person,
    seal_yesterday,
};
use crate::world::{World, code_of, start};

const RECORD: &str = r#"mutation ($day: Date!, $figures: InjectionFiguresInput!, $devices: [String!]! = ["gauge-1"], $commandId: UUID) {
  recordInjectionDay(
    input: {
      commandId: $commandId, organisation: "northsea", site: "plant-1", well: "injector-1", day: $day
      figures: $figures, devices: $devices
    }
    waitFor: ["wells"]
  ) { injectionDay { ...Day } duplicate receipt { firstIndex lastIndex } }
}
fragment Day on InjectionDay {
  wellSlug day massKg hours maxRateTPerH reason statedBy evidence { origin index }
  measured { sealedHours massKg maxRateTPerH maxWellheadPressureMpa minAnnulusPressureMpa real }
  approval { by creditable whyNot } provenance { ledger indexes }
}"#;
const CORRECT: &str = r#"mutation ($day: Date!, $figures: InjectionFiguresInput!) {
  correctInjectionDay(
    input: {
      organisation: "northsea", site: "plant-1", well: "injector-1", day: $day, figures: $figures
      devices: ["gauge-1"], reason: "read twice"
    }
    waitFor: ["wells"]
  ) { injectionDay { massKg reason versions { massKg reason } } receipt { firstIndex } }
}"#;
const APPROVE_DAY: &str = r#"mutation ($day: Date!) {
  approveInjectionDay(
    input: {organisation: "northsea", site: "plant-1", well: "injector-1", day: $day}
    waitFor: ["wells"]
  ) { injectionDay { approval { creditable } provenance { indexes } } receipt { firstIndex lastIndex } }
}"#;
const TOTALS: &str = r#"query ($per: InjectionPer!, $by: InjectionBy! = WELL, $asOf: Position) {
  injectionTotals(organisation: "northsea", per: $per, by: $by, asOf: $asOf) {
    start site injectedKg injectedTonnes approvedKg creditableKg days permitLimitKg permitPercent
    provenance { indexes truncated }
  }
}"#;
const WELL: &str = r#"query ($asOf: Position) {
  well(organisation: "northsea", site: "plant-1", slug: "injector-1", asOf: $asOf) {
    kind status since permit { permit } integrityTests { kind } position provenance { indexes }
    injectionDays { nodes { day massKg } }
  }
}"#;

/// A field whose injector injects.
async fn injecting() -> (World, crate::field::Field) {
    let world = start().await;
    world.register_places().await;
    let field = build(&world).await;
    commission(&world).await;
    (world, field)
}

/// The code and message of an operation of a person that fails.
async fn refusal(world: &World, role: Role, query: &str, variables: Value) -> (String, String) {
    let token = person(world, role);
    let answer = world.ask_as(Some(&token), query, variables).await;
    let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
    (code_of(&answer), message.to_owned())
}

#[tokio::test]
async fn a_day_is_recorded_on_its_seals_corrected_approved_and_counted() {
    let (world, field) = injecting().await;
    let seals = seal_yesterday(&world, &field).await;
    let yesterday = json!({"day": day(1), "figures": figures()});
    let recorded = data_as(&world, Role::Operator, RECORD, yesterday.clone()).await;
    let recorded = &recorded["recordInjectionDay"];
    let shown = &recorded["injectionDay"];
    let cited: Vec<_> = shown["evidence"].as_array().unwrap().iter().collect();
    assert_eq!(cited.len(), 2);
    assert_eq!(
        *cited[0],
        json!({"origin": "test.example/ledger/northsea", "index": seals[0]})
    );
    assert_eq!(
        shown["measured"],
        json!({
            "sealedHours": 2, "massKg": "40000", "maxRateTPerH": "20", "maxWellheadPressureMpa": "9.4",
            "minAnnulusPressureMpa": "10.2", "real": true
        })
    );
    let index = &recorded["receipt"]["firstIndex"];
    assert_eq!(
        shown["provenance"],
        json!({"ledger": "northsea", "indexes": [index]})
    );

    let mut less = yesterday;
    less["figures"]["massKg"] = json!("39999.5");
    let corrected = data_as(&world, Role::Operator, CORRECT, less).await;
    assert_eq!(
        corrected["correctInjectionDay"]["injectionDay"],
        json!({
            "massKg": "39999.5", "reason": "read twice",
            "versions": [{"massKg": "40000", "reason": null}, {"massKg": "39999.5", "reason": "read twice"}]
        })
    );
    let approve = json!({"day": day(1)});
    let approved = data_as(&world, Role::SiteManager, APPROVE_DAY, approve).await;
    let approved = &approved["approveInjectionDay"];
    assert_eq!(approved["injectionDay"]["approval"]["creditable"], true);
    assert_eq!(
        approved["injectionDay"]["provenance"]["indexes"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    // The approval and the mass in the account are one append.
    let first = approved["receipt"]["firstIndex"].as_u64().unwrap();
    assert_eq!(approved["receipt"]["lastIndex"], first + 1);

    let totals = data_as(&world, Role::Auditor, TOTALS, json!({"per": "DAY"})).await;
    assert_eq!(
        totals["injectionTotals"],
        json!([{
            "start": day(1), "site": "plant-1", "injectedKg": "39999.5", "injectedTonnes": "39.9995",
            "approvedKg": "39999.5", "creditableKg": "39999.5", "days": 1, "permitLimitKg": "50000",
            "permitPercent": "80.00", "provenance": {"indexes": [first], "truncated": false}
        }])
    );
    let year = data_as(&world, Role::Auditor, TOTALS, json!({"per": "YEAR"})).await;
    let year = &year["injectionTotals"][0];
    assert_eq!(year["permitPercent"], "4.00");
    assert_eq!(year["start"], format!("{}-01-01", day(1).year()));
    let all = json!({"per": "ALL", "by": "ORGANISATION"});
    let all = data_as(&world, Role::Auditor, TOTALS, all).await;
    assert_eq!(all["injectionTotals"][0]["site"], Value::Null);
}

#[tokio::test]
async fn figures_as_of_a_position_stay_what_they_were() {
    let (world, field) = injecting().await;
    seal_yesterday(&world, &field).await;
    let before = data_as(&world, Role::Auditor, WELL, json!({})).await;
    let position = before["well"]["position"].clone();
    let day_of = |ago| json!({"day": day(ago), "figures": figures()});
    data_as(&world, Role::Operator, RECORD, day_of(1)).await;
    let stopped = r#"mutation { stopInjection(
      input: {organisation: "northsea", site: "plant-1", well: "injector-1"}, waitFor: ["wells"]
    ) { well { status } } }"#;
    data_as(&world, Role::Operator, stopped, json!({})).await;

    let as_of = json!({"asOf": position, "per": "ALL"});
    let totals = data_as(&world, Role::Auditor, TOTALS, as_of.clone()).await;
    assert_eq!(totals["injectionTotals"], json!([]));
    let well = data_as(&world, Role::Auditor, WELL, json!({"asOf": position})).await;
    assert_eq!(well, before);
    let now = data_as(&world, Role::Auditor, WELL, json!({})).await;
    assert_eq!(now["well"]["status"], "IDLE");
    assert_eq!(
        now["well"]["injectionDays"]["nodes"],
        json!([{"day": day(1), "massKg": "40000"}])
    );
}

#[tokio::test]
async fn refusals_have_codes_and_name_limit_and_value_and_record_nothing() {
    let (world, field) = injecting().await;
    seal_yesterday(&world, &field).await;
    let size = async || {
        let query = r#"{ ledgerEntries(ledger: "northsea", first: 1000) { nodes { index } } }"#;
        let entries = world.data(query, json!({})).await;
        entries["ledgerEntries"]["nodes"].as_array().unwrap().len()
    };
    let before = size().await;
    let with = |field: &str, value: &str| {
        let mut figures = figures();
        figures[field] = json!(value);
        json!({"day": day(1), "figures": figures})
    };
    for (variables, code, says) in [
        (
            with("massKg", "-1"),
            "BAD_USER_INPUT",
            "figures.massKg: a mass of -1 is negative",
        ),
        (
            with("maxRateTPerH", "20 t/h"),
            "UNIT_MISMATCH",
            "figures.maxRateTPerH",
        ),
        (
            with("massKg", "41000.001"),
            "OUT_OF_RANGE",
            "41000.001 kg cannot go in within 2 h",
        ),
        (
            with("hours", "25"),
            "OUT_OF_RANGE",
            "25 h are more than a day has",
        ),
        (
            with("maxRateTPerH", "25.5"),
            "LIMIT_EXCEEDED",
            "25.5 t/h is above the limit of 25 t/h",
        ),
        (
            with("maxWellheadPressureMpa", "24.4"),
            "LIMIT_EXCEEDED",
            "24.4 MPa is above the limit of 24.3 MPa",
        ),
        (
            json!({"day": day(20), "figures": figures()}),
            "NOT_IN_FORCE",
            "was not injecting on",
        ),
        (
            json!({"day": day(1), "figures": figures(), "devices": ["gauge-9"]}),
            "NOT_FOUND",
            "gauge-9",
        ),
    ] {
        let (found, message) = refusal(&world, Role::Operator, RECORD, variables).await;
        assert!(
            found == code && message.contains(says),
            "{found}: {message}"
        );
    }
    let unknown = json!({"day": day(2), "figures": figures()});
    let (code, _) = refusal(&world, Role::Operator, CORRECT, unknown).await;
    assert_eq!(code, "NOT_FOUND");
    let elsewhere = START.replace("injector-1", "injector-9");
    let (code, message) = refusal(&world, Role::Operator, &elsewhere, json!({})).await;
    assert_eq!(code, "NOT_FOUND", "{message}");
    let monitor = START.replace("injector-1", "monitor-1");
    let (code, message) = refusal(&world, Role::Operator, &monitor, json!({})).await;
    assert!(
        code == "REJECTED" && message.contains("not an injector"),
        "{code}: {message}"
    );
    assert_eq!(size().await, before);
}

#[tokio::test]
async fn a_second_person_approves_and_an_approved_day_is_locked() {
    let (world, field) = injecting().await;
    seal_yesterday(&world, &field).await;
    let recorded = json!({"day": day(1), "figures": figures()});
    // A service may do everything; still it does not approve what it recorded.
    world.data(RECORD, recorded.clone()).await;
    let approve = json!({"day": day(1)});
    let own = world.code(APPROVE_DAY, approve.clone()).await;
    assert_eq!(own, "SELF_APPROVAL");
    let (code, _) = refusal(&world, Role::Operator, APPROVE_DAY, approve.clone()).await;
    assert_eq!(code, "FORBIDDEN");
    data_as(&world, Role::SiteManager, APPROVE_DAY, approve).await;
    let (code, message) = refusal(&world, Role::Operator, CORRECT, recorded).await;
    assert!(
        code == "LOCKED" && message.contains("is locked"),
        "{code}: {message}"
    );
}

#[tokio::test]
async fn active_wells_show_what_is_measured_there() {
    const ACTIVE: &str = r#"{
      activeInjectors(organisation: "northsea") { slug since latest { metric value device { name } } }
      activeMonitors(organisation: "northsea", site: "plant-1") { slug latest { metric value } }
      old: activeMonitors(organisation: "northsea", withinMinutes: 5) { slug }
    }"#;
    let world = start().await;
    world.register_places().await;
    let field = build(&world).await;
    let nothing = json!({"activeInjectors": [], "activeMonitors": [], "old": []});
    assert_eq!(
        data_as(&world, Role::Operator, ACTIVE, json!({})).await,
        nothing
    );
    commission(&world).await;
    let at = Utc::now() - chrono::TimeDelta::minutes(10);
    measure(&world, &field.gauge, &at.to_rfc3339()).await;
    let level =
        json!({"readings": [{"metric": "water_level", "at": at.to_rfc3339(), "value": 12.5}]});
    let level = level.to_string().into_bytes();
    world.record_bytes(&field.watcher, level).await;
    world.settle().await;
    let active = data_as(&world, Role::Operator, ACTIVE, json!({})).await;
    let injector = &active["activeInjectors"][0];
    assert_eq!(injector["slug"], "injector-1");
    assert_eq!(injector["latest"].as_array().unwrap().len(), 3);
    assert_eq!(
        injector["latest"][1],
        json!({"metric": "injection_rate", "value": 20.0, "device": {"name": "gauge-1"}})
    );
    assert_eq!(
        active["activeMonitors"],
        json!([{"slug": "monitor-1", "latest": [{"metric": "water_level", "value": 12.5}]}])
    );
    assert_eq!(active["old"], json!([]));
}

#[tokio::test]
async fn permits_are_approved_by_number_and_a_failed_test_shuts_the_well_in() {
    let (world, _) = injecting().await;
    let validity = json!({"from": day(5), "until": day(0), "rate": "22"});
    let proposed = data_as(&world, Role::SiteManager, PROPOSE, validity).await;
    let well = &proposed["proposePermitLimits"]["well"];
    assert_eq!(well["proposal"]["proposal"], 2);
    assert_eq!(well["proposal"]["limits"]["maxWellheadPressureMpa"], "24.3");
    let (code, message) = refusal(&world, Role::HqManager, APPROVE, json!({"proposal": 1})).await;
    assert!(
        code == "REJECTED" && message.contains("the open one is 2"),
        "{code}: {message}"
    );

    let failed = json!({"kind": "EXTERNAL", "passed": false, "on": day(1), "until": day(1)});
    let recorded = data_as(&world, Role::Operator, MIT, failed).await;
    let recorded = &recorded["recordMit"];
    assert_eq!(recorded["well"]["status"], "SHUT_IN");
    let reason = recorded["well"]["shutInReason"].as_str().unwrap();
    assert!(reason.contains("TL-17"), "{reason}");
    let first = recorded["receipt"]["firstIndex"].as_u64().unwrap();
    assert_eq!(recorded["receipt"]["lastIndex"], first + 1);
    let (code, message) = refusal(&world, Role::Operator, START, json!({})).await;
    assert!(
        code == "NOT_IN_FORCE" && message.contains("Close the cause"),
        "{code}: {message}"
    );
}

#[tokio::test]
async fn the_status_of_wells_comes_at_once_and_then_as_it_changes() {
    const FEED: &str = r#"subscription { wellStatus(organisation: "northsea", site: "plant-1") {
      position wells { slug status }
    } }"#;
    const SHUT: &str = r#"mutation { shutInWell(
      input: {organisation: "northsea", site: "plant-1", well: "injector-1", reason: "high pressure"}
    ) { receipt { firstIndex } } }"#;
    let (world, _) = injecting().await;
    let mut feed = world
        .subscribe_as(&person(&world, Role::Operator), FEED, json!({}))
        .await;
    let first = feed.item("wellStatus").await;
    assert_eq!(
        first["wells"],
        json!([{"slug": "injector-1", "status": "INJECTING"}, {"slug": "monitor-1", "status": "IDLE"}])
    );
    data_as(&world, Role::Operator, SHUT, json!({})).await;
    let next = feed.item("wellStatus").await;
    assert_eq!(
        next["wells"],
        json!([{"slug": "injector-1", "status": "SHUT_IN"}])
    );
    assert_ne!(next["position"], first["position"]);
}
