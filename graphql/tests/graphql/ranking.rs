//! Leaderboard and emission targets.

use chrono::{DateTime, TimeDelta, Utc};
use sealrock_commands::DeviceIdentity;
use serde_json::{Value, json};

use crate::world::{World, start};

const FACTORY: &str = r#"mutation ($site: String!, $assumptions: [AttributeInput!]) {
  registerSite(input: {organisation: "northsea", slug: $site, displayName: $site, kind: TEA_FACTORY}) {
    receipt { ledger }
  }
  registerAsset(
    input: {
      organisation: "northsea", site: $site, slug: "stack", displayName: "Stack", kind: STACK
      assumptions: $assumptions
    }
  ) { receipt { ledger } }
  registerDevice(
    input: {
      organisation: "northsea", site: $site, name: "probe", displayName: "Probe", asset: "stack", source: SIMULATOR
    }
    waitFor: ["registry"]
  ) { deviceId secret }
}"#;
const BOARD: &str = r#"query ($from: DateTime!, $to: DateTime!, $by: LeaderboardOrder! = TOTAL) {
  leaderboard(organisation: "northsea", from: $from, to: $to, rankBy: $by) {
    from to rankedBy expectedBuckets requiredCoverage
    rows {
      rank unrankedBecause site { slug } averageKgPerH fossilKgPerH biogenicKgPerH splitUnknownBecause
      coverage bucketsWithData targetKgPerH targetMet targets { averageKgPerH from until }
      stacks { slug averageKgPerH bucketsWithData biogenicFraction asset { kind } devices { name } }
      provenance { ledger indexes truncated }
    }
  }
}"#;
const SET: &str = r#"mutation ($site: String!, $rate: String!, $from: Date!, $until: Date, $commandId: UUID) {
  setEmissionTarget(
    input: {
      organisation: "northsea", site: $site, averageKgPerH: $rate, from: $from, until: $until, commandId: $commandId
    }
    waitFor: ["targets"]
  ) {
    duplicate site { slug } target { averageKgPerH from until provenance { ledger indexes } }
    receipt { ledger firstIndex }
  }
}"#;
const WITHDRAW: &str = r#"mutation ($from: Date!, $lastDay: Date) {
  withdrawEmissionTarget(
    input: {organisation: "northsea", site: "wood", from: $from, lastDay: $lastDay}
    waitFor: ["targets"]
  ) { target { until provenance { indexes } } receipt { firstIndex } }
}"#;
const TARGETS: &str = r#"query ($asOf: Position, $on: Date) {
  site(organisation: "northsea", slug: "wood") {
    emissionTargets(asOf: $asOf) { averageKgPerH from until }
    emissionTarget(on: $on, asOf: $asOf) { averageKgPerH }
  }
}"#;

async fn factory(world: &World, site: &str, biogenic: Option<&str>) -> DeviceIdentity {
    let assumptions = biogenic.map(|value| json!([{"key": "biogenic_fraction", "value": value}]));
    let registered = world
        .data(FACTORY, json!({"site": site, "assumptions": assumptions}))
        .await;
    let device = &registered["registerDevice"];
    let id = device["deviceId"].as_str().unwrap().parse().unwrap();
    let secret = device["secret"].as_str().unwrap();
    world.sign_in(id, secret).await
}

/// Midnight, two days ago.
fn begin() -> DateTime<Utc> {
    let day = Utc::now().date_naive() - TimeDelta::days(2);
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// A batch with one reading in each of the first buckets.
fn buckets(seq: u32, range: std::ops::Range<i64>, kg_per_h: f64) -> Vec<u8> {
    let readings: Vec<Value> = range
        .map(|bucket| {
            let at = begin() + TimeDelta::minutes(5 * bucket);
            json!({"metric": "co2_emission_rate", "at": at, "value": kg_per_h, "unit": "kg/h"})
        })
        .collect();
    json!({"seq": seq, "readings": readings})
        .to_string()
        .into_bytes()
}

fn period() -> Value {
    json!({"from": begin(), "to": begin() + TimeDelta::minutes(5 * 40)})
}

#[tokio::test]
async fn sites_are_ranked_by_their_rates_with_the_entries_that_these_rest_on() {
    let world = start().await;
    world.register_places().await;
    let (wood, dark) = (
        factory(&world, "wood", Some("0.75")).await,
        factory(&world, "dark", None).await,
    );
    let first = world.record_bytes(&wood, buckets(1, 0..20, 480.0)).await;
    let second = world.record_bytes(&wood, buckets(2, 20..30, 480.0)).await;
    let few = world.record_bytes(&dark, buckets(1, 0..29, 120.5)).await;
    let day = begin().date_naive().to_string();
    let set = world
        .data(SET, json!({"site": "wood", "rate": "480", "from": day}))
        .await;
    assert_eq!(set["setEmissionTarget"]["target"]["averageKgPerH"], "480");
    world.settle().await;

    let board = world.data(BOARD, period()).await["leaderboard"].take();
    let head = json!([
        board["rankedBy"],
        board["expectedBuckets"],
        board["requiredCoverage"]
    ]);
    assert_eq!(head, json!(["TOTAL", 40, 0.75]));
    let ranked = json!({
        "rank": 1, "unrankedBecause": null, "site": {"slug": "wood"},
        "averageKgPerH": "480", "fossilKgPerH": "120", "biogenicKgPerH": "360", "splitUnknownBecause": null,
        "coverage": 0.75, "bucketsWithData": 30, "targetKgPerH": "480", "targetMet": true,
        "targets": [{"averageKgPerH": "480", "from": day, "until": null}],
        "stacks": [{
            "slug": "stack", "averageKgPerH": "480", "bucketsWithData": 30, "biogenicFraction": "0.75",
            "asset": {"kind": "STACK"}, "devices": [{"name": "probe"}],
        }],
        "provenance": {"ledger": "northsea", "indexes": [first, second], "truncated": false},
    });
    assert_eq!(board["rows"][0], ranked);
    let unranked = &board["rows"][1];
    assert_eq!(
        json!([
            unranked["rank"],
            unranked["averageKgPerH"],
            unranked["unrankedBecause"]
        ]),
        json!([
            null,
            "120.5",
            "29 of 40 buckets of five minutes have data at stack stack: 75 % are required"
        ])
    );
    assert_eq!(
        unranked["splitUnknownBecause"],
        "stack stack has no assumption biogenic_fraction"
    );
    assert_eq!(unranked["provenance"]["indexes"], json!([few]));

    // plant-1's stack was registered after the period and has no data in it.
    assert_eq!(board["rows"].as_array().unwrap().len(), 2);

    // What was missing comes late: the site takes its place.
    let late = world.record_bytes(&dark, buckets(2, 39..40, 120.5)).await;
    world.settle().await;
    let board = world.data(BOARD, period()).await["leaderboard"].take();
    let order: Vec<&Value> = board["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["site"]["slug"])
        .collect();
    assert_eq!(order, ["dark", "wood"]);
    assert_eq!(
        board["rows"][0]["provenance"]["indexes"],
        json!([few, late])
    );
}

#[tokio::test]
async fn a_period_that_has_not_begun_or_is_no_period_is_refused() {
    let world = start().await;
    world.register_places().await;
    for (from, to) in [
        ("2199-01-01", "2199-02-01"),
        ("2020-01-01", "2025-01-01"),
        ("2020-02-01", "2020-01-01"),
    ] {
        let asked = json!({"from": format!("{from}T00:00:00Z"), "to": format!("{to}T00:00:00Z")});
        assert_eq!(world.code(BOARD, asked).await, "BAD_USER_INPUT", "{from}");
    }
    let elsewhere = BOARD.replace("northsea", "southsea");
    assert_eq!(world.code(&elsewhere, period()).await, "NOT_FOUND");
}

#[tokio::test]
async fn targets_are_set_ended_and_shown_as_of_any_entry() {
    let world = start().await;
    world.register_places().await;
    factory(&world, "wood", None).await;
    let command = uuid::Uuid::new_v4();
    let input =
        json!({"site": "wood", "rate": "480.5", "from": "2026-01-01", "commandId": command});
    let set = world.data(SET, input.clone()).await["setEmissionTarget"].take();
    let index = set["receipt"]["firstIndex"].as_u64().unwrap();
    let expected = json!({
        "averageKgPerH": "480.5", "from": "2026-01-01", "until": null,
        "provenance": {"ledger": "northsea", "indexes": [index]},
    });
    assert_eq!(
        (&set["target"], &set["duplicate"]),
        (&expected, &json!(false))
    );
    let again = world.data(SET, input).await["setEmissionTarget"].take();
    assert_eq!(
        (&again["receipt"], &again["duplicate"]),
        (&set["receipt"], &json!(true))
    );

    let overlap = json!({"site": "wood", "rate": "1", "from": "2030-01-01"});
    assert_eq!(world.code(SET, overlap).await, "OVERLAP");
    let negative =
        json!({"site": "wood", "rate": "-1", "from": "2020-01-01", "until": "2020-01-02"});
    assert_eq!(world.code(SET, negative).await, "OUT_OF_RANGE");
    let words = json!({"site": "wood", "rate": "much", "from": "2020-01-01"});
    assert_eq!(world.code(SET, words).await, "BAD_USER_INPUT");
    let unknown = json!({"from": "2025-01-01"});
    assert_eq!(world.code(WITHDRAW, unknown).await, "NOT_FOUND");

    let ended = world
        .data(
            WITHDRAW,
            json!({"from": "2026-01-01", "lastDay": "2026-06-30"}),
        )
        .await["withdrawEmissionTarget"]
        .take();
    let end = ended["receipt"]["firstIndex"].as_u64().unwrap();
    assert_eq!(
        ended["target"],
        json!({"until": "2026-06-30", "provenance": {"indexes": [index, end]}})
    );

    let open = json!([{"averageKgPerH": "480.5", "from": "2026-01-01", "until": null}]);
    let closed = json!([{"averageKgPerH": "480.5", "from": "2026-01-01", "until": "2026-06-30"}]);
    let before = json!([]);
    for (entry, targets, on_july_1) in [
        (Some(index - 1), &before, json!(null)),
        (Some(index), &open, json!({"averageKgPerH": "480.5"})),
        (Some(end), &closed, json!(null)),
        (None, &closed, json!(null)),
    ] {
        let as_of = match entry {
            Some(entry) => position(&world, entry).await,
            None => json!(null),
        };
        let found = world
            .data(TARGETS, json!({"asOf": as_of, "on": "2026-07-01"}))
            .await;
        let found = &found["site"];
        assert_eq!(
            (&found["emissionTargets"], &found["emissionTarget"]),
            (targets, &on_july_1)
        );
    }
}

#[tokio::test]
async fn a_position_of_elsewhere_or_ahead_is_refused_with_the_reason() {
    let world = start().await;
    world.register_places().await;
    factory(&world, "wood", None).await;
    world.settle().await;
    let start_of = "{ ledger(name: \"northsea\") { start } }";
    let start_of = world.data(start_of, json!({})).await["ledger"]["start"].take();
    let sealed = |text: &str| {
        use base64::Engine as _;
        json!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text))
    };
    for (position, text) in [
        (start_of, "nothing was recorded before the first entry"),
        (sealed("northsea 4711"), "the position is behind entry 4711"),
        (sealed("southsea 1"), "of ledger southsea, not of northsea"),
    ] {
        let answer = world.ask(TARGETS, json!({"asOf": position})).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{answer:#}");
        assert!(error["message"].as_str().unwrap().contains(text), "{error}");
    }
}

/// The position behind an entry.
async fn position(world: &World, index: u64) -> Value {
    let query =
        "query ($index: Count!) { ledgerEntry(ledger: \"northsea\", index: $index) { position } }";
    world.data(query, json!({"index": index})).await["ledgerEntry"]["position"].take()
}
