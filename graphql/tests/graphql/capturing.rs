//! Captures by GraphQL alone: recorded on evidence, corrected, approved, shown now and as of before.

use sealrock_access::{AccountId, Principal, Role};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, code_of, start};

const UNIT: &str = r#"mutation {
  registerAsset(
    input: {organisation: "northsea", site: "plant-1", slug: "amine-1", displayName: "Amine 1", kind: CAPTURE_UNIT}
  ) { receipt { ledger } }
  registerCaptureUnit(
    input: {
      organisation: "northsea", site: "plant-1", asset: "amine-1", technology: AMINE, capacityKgPerDay: "2400000"
    }
    waitFor: ["captures"]
  ) { unit { slug technology status capacityKgPerDay provenance { ledger indexes } } duplicate }
  setCaptureUnitStatus(
    input: {organisation: "northsea", site: "plant-1", unit: "amine-1", status: OPERATING, reason: "it runs"}
    waitFor: ["captures"]
  ) { unit { status statusReason } }
  registerDevice(
    input: {
      organisation: "northsea", site: "plant-1", name: "flow-1", displayName: "Flow", asset: "amine-1", source: REAL
    }
    waitFor: ["registry"]
  ) { deviceId secret }
}"#;

const RECORD: &str = r#"mutation ($from: DateTime!, $to: DateTime!, $captured: String!, $devices: [String!], $commandId: UUID) {
  recordCapture(
    input: {
      commandId: $commandId, organisation: "northsea", site: "plant-1", unit: "amine-1", from: $from, to: $to
      capturedKg: $captured, ventedKg: "10000", electricityKwh: "9000", devices: $devices
    }
    waitFor: ["captures"]
  ) {
    capture { capturedKg measured { capturedKg ventedKg hours real } evidence { origin index } provenance { indexes } }
    day { from } duplicate receipt { firstIndex lastIndex }
  }
}"#;

const CORRECT: &str = r#"mutation ($from: DateTime!, $captured: String!, $devices: [String!]) {
  correctCapture(
    input: {
      organisation: "northsea", site: "plant-1", unit: "amine-1", from: $from
      capturedKg: $captured, ventedKg: "10000", heatMj: "500", devices: $devices, reason: "it was misread"
    }
    waitFor: ["captures"]
  ) {
    capture { capturedKg reason statedBy versions { capturedKg reason } provenance { indexes } }
    receipt { lastIndex }
  }
}"#;

const APPROVE: &str = r#"mutation ($day: Date = "2026-11-20") {
  approveCaptureDay(
    input: {organisation: "northsea", site: "plant-1", unit: "amine-1", day: $day} waitFor: ["captures"]
  ) { capture { unit } day { capturedKg approval { by index } } receipt { lastIndex } }
}"#;

const SHOWN: &str = r#"query ($asOf: Position) {
  organisation(slug: "northsea") {
    captureUnits(asOf: $asOf) {
      slug status asset { slug } captures { nodes { capturedKg } } captureTotals(per: DAY) { capturedTonnes }
    }
    captureTotals(per: ALL, asOf: $asOf) { ...Total }
  }
  site(organisation: "northsea", slug: "plant-1") {
    captures(first: 1, asOf: $asOf) { nodes { unit from capturedKg efficiencyPercent } pageInfo { hasNextPage endCursor } }
    captureTotals(per: MONTH, asOf: $asOf) { ...Total }
  }
  asset(organisation: "northsea", site: "plant-1", slug: "amine-1") {
    captureUnit(asOf: $asOf) { captureTotals(per: YEAR) { ...Total } }
  }
}
fragment Total on CaptureTotal {
  start capturedTonnes approvedTonnes measuredBySensorsTonnes ventedTonnes efficiencyPercent
  electricityKwhPerTonne heatMjPerTonne records provenance { ledger indexes truncated }
}"#;

fn person(role: Role, id: u128) -> Principal {
    Principal::signed_in(
        AccountId(Uuid::from_u128(id)),
        "ada".parse().unwrap(),
        role,
        Some("northsea".parse().unwrap()),
    )
}

/// A plant with an operating unit, whose meter says 90 t/h captured and 10 t/h vented from 12 to 14
/// o'clock; both hours are sealed.
struct Plant {
    world: World,
    operator: String,
    manager: String,
    seals: Vec<u64>,
}

impl Plant {
    async fn new() -> Self {
        let world = start().await;
        world.register_places().await;
        let made = world.data(UNIT, json!({})).await;
        let unit = &made["registerCaptureUnit"];
        assert_eq!(unit["unit"]["status"], "STANDBY");
        assert_eq!(unit["unit"]["capacityKgPerDay"], "2400000");
        assert_eq!(
            made["setCaptureUnitStatus"]["unit"]["statusReason"],
            "it runs"
        );
        let device = &made["registerDevice"];
        let id = device["deviceId"].as_str().unwrap().parse().unwrap();
        let meter = world.sign_in(id, device["secret"].as_str().unwrap()).await;
        let mut seals = Vec::new();
        for (seq, hour) in [(1, 12), (2, 13)] {
            let reading = |metric: &str, minute: u32, value: f64| {
                let at = format!("2026-11-20T{hour}:{minute:02}:00Z");
                json!({"metric": metric, "at": at, "value": value})
            };
            let readings = [
                reading("captured_mass_flow", 0, 80.0),
                reading("captured_mass_flow", 30, 100.0),
                reading("vented_mass_flow", 0, 10.0),
            ];
            let batch = json!({"seq": seq, "boot": "b1", "readings": readings});
            world
                .record_bytes(&meter, batch.to_string().into_bytes())
                .await;
            world.settle().await;
            seals.push(world.seal_oldest().await);
        }
        let operator = world.token_of(&person(Role::Operator, 1));
        let manager = world.token_of(&person(Role::SiteManager, 2));
        Self {
            world,
            operator,
            manager,
            seals,
        }
    }

    async fn record(&self, hours: (u32, u32), captured: &str, devices: &[&str]) -> Value {
        let time = |hour: u32| format!("2026-11-20T{hour:02}:00:00Z");
        let (from, to) = (time(hours.0), time(hours.1));
        let input = json!({"from": from, "to": to, "captured": captured, "devices": devices});
        self.world.ask_as(Some(&self.operator), RECORD, input).await
    }

    async fn correct(&self, hour: u32, captured: &str, devices: &[&str]) -> Value {
        let from = format!("2026-11-20T{hour:02}:00:00Z");
        let input = json!({"from": from, "captured": captured, "devices": devices});
        self.world
            .ask_as(Some(&self.operator), CORRECT, input)
            .await
    }

    async fn approve(&self) -> Value {
        self.world
            .ask_as(Some(&self.manager), APPROVE, json!({}))
            .await
    }

    async fn shown(&self, as_of: Option<&str>) -> Value {
        self.world.data(SHOWN, json!({"asOf": as_of})).await
    }

    /// The position behind the newest entry.
    async fn position(&self) -> String {
        let query = r#"{ ledgerEntries(ledger: "northsea", first: 1000) { edges { cursor } } }"#;
        let entries = self.world.data(query, json!({})).await;
        let edges = entries["ledgerEntries"]["edges"].as_array().unwrap();
        edges.last().unwrap()["cursor"].as_str().unwrap().to_owned()
    }
}

fn good(answer: &Value) -> &Value {
    assert!(answer.get("errors").is_none(), "{answer:#}");
    &answer["data"]
}

#[tokio::test]
async fn a_capture_is_recorded_on_sealed_hours_corrected_and_approved_and_stays_as_it_was_known() {
    let plant = Plant::new().await;
    let answer = plant.record((12, 14), "179000", &["flow-1"]).await;
    let recorded = &good(&answer)["recordCapture"];
    let capture = &recorded["capture"];
    assert_eq!(
        capture["measured"],
        json!({"capturedKg": "180000", "ventedKg": "20000", "hours": 2, "real": true})
    );
    let cited = |index: &u64| json!({"origin": "test.example/ledger/northsea", "index": index});
    let seals: Vec<Value> = plant.seals.iter().map(cited).collect();
    assert_eq!(capture["evidence"], json!(seals));
    let first = &recorded["receipt"]["lastIndex"];
    assert_eq!(capture["provenance"]["indexes"], json!([first]));
    let then = plant.position().await;
    let shown_then = plant.shown(None).await;
    let total = &shown_then["organisation"]["captureTotals"][0];
    assert_eq!(
        (&total["start"], &total["records"]),
        (&Value::Null, &json!(1))
    );
    assert_eq!(total["capturedTonnes"], "179");
    assert_eq!(total["approvedTonnes"], "0");
    assert_eq!(total["measuredBySensorsTonnes"], "179");
    assert_eq!(total["efficiencyPercent"], "94.709");
    assert_eq!(total["electricityKwhPerTonne"], "50.279");
    assert_eq!(total["provenance"]["indexes"], json!([first]));

    // The vented mass is less than half of what was measured: that is found at the approval.
    let answer = plant.approve().await;
    assert_eq!(code_of(&answer), "NO_EVIDENCE");
    let correction = CORRECT.replace("ventedKg: \"10000\"", "ventedKg: \"20000\"");
    let input =
        json!({"from": "2026-11-20T12:00:00Z", "captured": "178000.5", "devices": ["flow-1"]});
    let corrected = plant
        .world
        .ask_as(Some(&plant.operator), &correction, input)
        .await;
    let capture = &good(&corrected)["correctCapture"]["capture"];
    assert_eq!(
        capture["versions"],
        json!([
            {"capturedKg": "179000", "reason": null},
            {"capturedKg": "178000.5", "reason": "it was misread"},
        ])
    );
    let second = &corrected["data"]["correctCapture"]["receipt"]["lastIndex"];
    assert_eq!(capture["provenance"]["indexes"], json!([first, second]));

    let approved = plant.approve().await;
    let approved = &good(&approved)["approveCaptureDay"];
    assert_eq!(approved["capture"], Value::Null);
    let approval = &approved["day"][0]["approval"];
    assert_eq!(approval["by"], person(Role::SiteManager, 2).actor());
    assert_eq!(approval["index"], approved["receipt"]["lastIndex"]);

    let now = plant.shown(None).await;
    for total in [
        &now["organisation"]["captureTotals"][0],
        &now["site"]["captureTotals"][0],
        &now["asset"]["captureUnit"]["captureTotals"][0],
    ] {
        assert_eq!(total["capturedTonnes"], "178.0005");
        assert_eq!(total["approvedTonnes"], "178.0005");
        assert_eq!(total["ventedTonnes"], "20");
        assert_eq!(total["electricityKwhPerTonne"], Value::Null);
        assert_eq!(total["heatMjPerTonne"], "2.809");
        assert_eq!(total["provenance"]["indexes"], json!([second]));
    }
    assert_eq!(now["site"]["captureTotals"][0]["start"], "2026-11-01");
    assert_eq!(
        now["asset"]["captureUnit"]["captureTotals"][0]["start"],
        "2026-01-01"
    );
    let unit = &now["organisation"]["captureUnits"][0];
    assert_eq!(
        (&unit["slug"], &unit["status"]),
        (&json!("amine-1"), &json!("OPERATING"))
    );
    assert_eq!(
        unit["captures"]["nodes"],
        json!([{"capturedKg": "178000.5"}])
    );

    // As it was known behind the first entry, for ever.
    assert_eq!(plant.shown(Some(&then)).await, shown_then);
    let ahead = then.clone() + "x";
    let answer = plant.world.ask(SHOWN, json!({"asOf": ahead})).await;
    assert!(answer.get("errors").is_some(), "{answer:#}");
}

#[tokio::test]
async fn bad_captures_are_refused_with_their_code_and_nothing_is_recorded() {
    let plant = Plant::new().await;
    let good_one = plant.record((12, 13), "90000", &["flow-1"]).await;
    good(&good_one);
    let size = plant.position().await;
    let flow: &[&str] = &["flow-1"];
    for (hours, captured, devices, code) in [
        ((12, 14), "1", flow, "OVERLAP"),
        ((14, 13), "1", &[], "OUT_OF_RANGE"),
        ((14, 15), "100000.001", &[], "LIMIT_EXCEEDED"),
        ((14, 15), "-1", &[], "BAD_USER_INPUT"),
        ((14, 15), "0.0001", &[], "BAD_USER_INPUT"),
        ((14, 15), "1", &["flow-2"], "NOT_FOUND"),
    ] {
        let answer = plant.record(hours, captured, devices).await;
        assert_eq!(code_of(&answer), code, "{hours:?} {captured} {answer:#}");
    }
    let answer = plant.correct(14, "1", &[]).await;
    assert_eq!(code_of(&answer), "NOT_FOUND");
    // The hour from 12 on measures 90 t; a correction to more is refused when it is approved.
    let answer = plant.correct(12, "94500.001", flow).await;
    good(&answer);
    assert_eq!(code_of(&plant.approve().await), "NO_EVIDENCE");
    let answer = plant.correct(12, "94500", &[]).await;
    good(&answer);
    assert_eq!(code_of(&plant.approve().await), "NO_EVIDENCE");
    good(&plant.correct(12, "94500", flow).await);
    // An operator may approve nothing, nor a manager record anything.
    let (operator, manager) = (Some(&*plant.operator), Some(&*plant.manager));
    let answer = plant.world.ask_as(operator, APPROVE, json!({})).await;
    assert_eq!(code_of(&answer), "FORBIDDEN");
    let input = json!({"from": "2026-11-20T12:00:00Z", "captured": "1"});
    let answer = plant.world.ask_as(manager, CORRECT, input).await;
    assert_eq!(code_of(&answer), "FORBIDDEN");
    let other_day = json!({"day": "2026-11-19"});
    let answer = plant.world.ask_as(manager, APPROVE, other_day).await;
    assert_eq!(code_of(&answer), "NOT_FOUND");
    good(&plant.approve().await);
    assert_eq!(code_of(&plant.record((14, 15), "1", &[]).await), "LOCKED");
    assert_eq!(code_of(&plant.correct(12, "1", &[]).await), "LOCKED");
    assert_eq!(code_of(&plant.approve().await), "LOCKED");

    // Whoever records cannot approve, whatever may be done besides: the service does both here.
    let world = &plant.world;
    let alone = json!({
        "from": "2026-11-19T00:00:00Z", "to": "2026-11-19T01:00:00Z", "captured": "1", "devices": []
    });
    world.data(RECORD, alone).await;
    let answer = world.ask(APPROVE, json!({"day": "2026-11-19"})).await;
    assert_eq!(code_of(&answer), "SELF_APPROVAL");
    assert_ne!(plant.position().await, size);
}

#[tokio::test]
async fn a_repeated_record_is_answered_with_its_first_receipt_even_after_the_day_is_locked() {
    let plant = Plant::new().await;
    let id = Uuid::from_u128(77).to_string();
    let input = json!({
        "from": "2026-11-20T12:00:00Z", "to": "2026-11-20T13:00:00Z", "captured": "90000",
        "devices": ["flow-1"], "commandId": id,
    });
    let operator = Some(&*plant.operator);
    let first = plant.world.ask_as(operator, RECORD, input.clone()).await;
    assert_eq!(good(&first)["recordCapture"]["duplicate"], false);
    good(&plant.approve().await);
    let again = plant.world.ask_as(operator, RECORD, input.clone()).await;
    let again = &good(&again)["recordCapture"];
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["receipt"], first["data"]["recordCapture"]["receipt"]);
    let mut other = input;
    other["captured"] = json!("1");
    let answer = plant.world.ask_as(operator, RECORD, other).await;
    assert_eq!(code_of(&answer), "COMMAND_ID_REUSED");
}
