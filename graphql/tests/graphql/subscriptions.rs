//! Subscriptions over a real WebSocket.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{World, code_of, start, start_on};

const READINGS: &str = r#"subscription ($organisation: String! = "northsea", $site: String, $device: ID, $after: Position) {
  readings(organisation: $organisation, site: $site, device: $device, after: $after) {
    value position provenance { indexes }
  }
}"#;
const ENTRIES: &str = r#"subscription ($after: Position, $type: String) {
  ledgerEntries(ledger: "northsea", after: $after, type: $type) { index position }
}"#;
const LATEST: &str = r"subscription ($device: ID!) {
  latestReadings(device: $device) { position readings { value metric } }
}";

async fn beginning(world: &World) -> Value {
    world
        .data(r#"{ ledger(name: "northsea") { start } }"#, json!({}))
        .await["ledger"]["start"]
        .take()
}

/// The heart of the matter: while batches are appended, a client comes, goes and comes back with the
/// last position it has; it gets every reading once, in order.
#[tokio::test]
async fn readings_resume_without_loss_or_repetition_while_batches_are_appended() {
    const BATCHES: u32 = 40;
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    let append = async {
        for seq in 0..BATCHES {
            let base = f64::from(seq) * 3.0;
            world
                .record(&device, seq, 0, &[base, base + 1.0, base + 2.0])
                .await;
        }
    };
    let follow = async {
        let (mut values, mut after) = (Vec::new(), beginning(&world).await);
        // Sessions of different lengths, so that they end within and between batches.
        for length in [1, 2, 5, 11, 17, 29].into_iter().cycle() {
            let mut feed = world.subscribe(READINGS, json!({"after": after})).await;
            for _ in 0..length {
                let reading = feed.item("readings").await;
                values.push(reading["value"].as_f64().unwrap());
                after = reading["position"].clone();
                if values.len() == BATCHES as usize * 3 {
                    assert!(feed.is_silent().await, "nothing more than was sent");
                    return values;
                }
            }
        }
        unreachable!("the sessions go round")
    };
    let ((), values) = tokio::join!(append, follow);
    let expected: Vec<f64> = (0..BATCHES * 3).map(f64::from).collect();
    assert_eq!(values, expected);
}

#[tokio::test]
async fn entries_resume_without_loss_or_repetition_while_batches_are_appended() {
    const BATCHES: u32 = 40;
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    let append = async {
        for seq in 0..BATCHES {
            world.record(&device, seq, 0, &[1.0]).await;
        }
    };
    let follow = async {
        let (mut indexes, mut after) = (Vec::new(), beginning(&world).await);
        while indexes.len() < BATCHES as usize + 4 {
            let mut feed = world.subscribe(ENTRIES, json!({"after": after})).await;
            for _ in 0..7.min(BATCHES as usize + 4 - indexes.len()) {
                let entry = feed.item("ledgerEntries").await;
                indexes.push(entry["index"].as_u64().unwrap());
                after = entry["position"].clone();
            }
        }
        indexes
    };
    let ((), indexes) = tokio::join!(append, follow);
    assert_eq!(indexes, (0..u64::from(BATCHES) + 4).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_a_position_only_what_comes_is_sent() {
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    world.record(&device, 1, 0, &[1.0]).await;
    world.settle().await;
    let mut readings = world.subscribe(READINGS, json!({})).await;
    let mut entries = world.subscribe(ENTRIES, json!({})).await;
    assert!(readings.is_silent().await);
    assert!(entries.is_silent().await);
    let index = world.record(&device, 2, 1, &[2.0]).await;
    assert_eq!(readings.item("readings").await["value"], 2.0);
    assert_eq!(entries.item("ledgerEntries").await["index"], index);
}

#[tokio::test]
async fn filters_of_site_device_and_type_hold() {
    let world = start().await;
    world.register_places().await;
    let (one, two) = (
        world.register_device("meter-1").await,
        world.register_device("meter-2").await,
    );
    world.record(&one, 1, 0, &[1.0]).await;
    world.record(&two, 1, 0, &[2.0]).await;
    let last = world.record(&one, 2, 0, &[3.0]).await;
    let after = beginning(&world).await;
    let mut of_two = world
        .subscribe(
            READINGS,
            json!({"after": after, "device": two.device.to_string()}),
        )
        .await;
    assert_eq!(of_two.item("readings").await["value"], 2.0);
    assert!(of_two.is_silent().await);
    let mut of_site = world
        .subscribe(READINGS, json!({"after": after, "site": "plant-1"}))
        .await;
    for value in [1.0, 2.0, 3.0] {
        assert_eq!(of_site.item("readings").await["value"], value);
    }
    let mut elsewhere = world
        .subscribe(READINGS, json!({"after": after, "site": "plant-2"}))
        .await;
    assert!(elsewhere.is_silent().await);
    let batches = json!({"after": after, "type": "SensorBatchRecorded"});
    let mut batches = world.subscribe(ENTRIES, batches).await;
    for index in last - 2..=last {
        assert_eq!(batches.item("ledgerEntries").await["index"], index);
    }
}

#[tokio::test]
async fn latest_values_come_at_once_and_then_as_they_change() {
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    world.record(&device, 1, 0, &[1.0]).await;
    world.settle().await;
    let mut feed = world
        .subscribe(LATEST, json!({"device": device.device.to_string()}))
        .await;
    let first = feed.item("latestReadings").await;
    assert_eq!(
        first["readings"],
        json!([{"value": 1.0, "metric": "co2_ppm"}])
    );
    assert!(feed.is_silent().await, "no news, no message");
    world.record(&device, 2, 1, &[2.0]).await;
    let second = feed.item("latestReadings").await;
    assert_eq!(
        second["readings"],
        json!([{"value": 2.0, "metric": "co2_ppm"}])
    );
    assert_ne!(first["position"], second["position"]);
    // Many changes: some may be merged, and the newest always arrives.
    for seq in 3..30u32 {
        world.record(&device, seq, seq, &[f64::from(seq)]).await;
    }
    let mut seen = 0.0;
    while seen < 29.0 {
        let value = feed.item("latestReadings").await["readings"][0]["value"]
            .as_f64()
            .unwrap();
        assert!(value > seen, "{value} after {seen}");
        seen = value;
    }
}

/// The state's position is where the events go on: together they show every reading.
#[tokio::test]
async fn the_position_of_latest_values_can_be_followed_by_readings() {
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    world.record(&device, 1, 0, &[1.0]).await;
    world.settle().await;
    let mut feed = world
        .subscribe(LATEST, json!({"device": device.device.to_string()}))
        .await;
    let position = feed.item("latestReadings").await["position"].take();
    world.record(&device, 2, 1, &[2.0]).await;
    let mut readings = world.subscribe(READINGS, json!({"after": position})).await;
    assert_eq!(readings.item("readings").await["value"], 2.0);
}

#[tokio::test]
async fn a_position_that_is_none_or_of_another_ledger_is_refused_with_a_reason() {
    let world = start().await;
    world.register_places().await;
    let organisation =
        r#"mutation { registerOrganisation(input: {slug: "southsea", displayName: "S"}) { id } }"#;
    world.data(organisation, json!({})).await;
    let position = beginning(&world).await;
    let other = json!({"organisation": "southsea", "after": position});
    let refused = world.subscribe(READINGS, other).await.answer().await;
    assert_eq!(code_of(&refused), "BAD_USER_INPUT");
    assert!(
        refused["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("of ledger northsea"),
        "{refused}"
    );
    let malformed = world
        .subscribe(READINGS, json!({"after": "12"}))
        .await
        .answer()
        .await;
    assert_eq!(code_of(&malformed), "BAD_USER_INPUT");
    assert!(
        malformed["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("not a position"),
        "{malformed}"
    );
    let nowhere = world
        .subscribe(READINGS, json!({"organisation": "nowhere"}))
        .await
        .answer()
        .await;
    assert_eq!(code_of(&nowhere), "NOT_FOUND");
}

#[tokio::test]
async fn a_subscriber_that_reads_slowly_still_gets_everything() {
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    let mut feed = world
        .subscribe(READINGS, json!({"after": beginning(&world).await}))
        .await;
    let values: Vec<f64> = (0..2_000).map(f64::from).collect();
    for (seq, chunk) in (0..).zip(values.chunks(500)) {
        world.record(&device, seq, 0, chunk).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    for value in values {
        assert_eq!(feed.item("readings").await["value"], value);
    }
}

#[tokio::test]
async fn a_subscription_outlives_an_outage_of_postgres() {
    let cluster = sealrock_testkit::cluster().await;
    let world = start_on(cluster.pool().await).await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    let after = beginning(&world).await;
    let mut readings = world.subscribe(READINGS, json!({"after": after})).await;
    // From a position: "now" would be whenever the server gets to it.
    let batches = json!({"after": after, "type": "SensorBatchRecorded"});
    let mut entries = world.subscribe(ENTRIES, batches).await;
    world.record(&device, 1, 0, &[1.0]).await;
    assert_eq!(readings.item("readings").await["value"], 1.0);
    let first = entries.item("ledgerEntries").await;
    cluster.stop().await;
    assert_eq!(
        world
            .code("{ organisations { nodes { slug } } }", json!({}))
            .await,
        "UNAVAILABLE"
    );
    cluster.start().await;
    let index = world.record_at_last(&device, 2, &[2.0]).await;
    assert_eq!(readings.item("readings").await["value"], 2.0);
    assert!(first["index"].as_u64().unwrap() < index);
    assert_eq!(entries.item("ledgerEntries").await["index"], index);
}
