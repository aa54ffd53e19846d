//! Readings, latest values and time series.

use serde_json::{Value, json};

use crate::world::start;

const LATEST: &str = r"query ($site: ID, $device: ID) { latestReadings(site: $site, device: $device) {
  deviceId metric at value unit source device { name } provenance { ledger indexes truncated }
} }";
const SERIES: &str = r#"query ($device: ID!, $seconds: Int!, $to: DateTime = "2026-11-20T12:10:00Z") {
  timeSeries(device: $device, metric: "co2_ppm", from: "2026-11-20T12:00:00Z", to: $to, bucketSeconds: $seconds) {
    metric unit bucketSeconds buckets { start count avg min max sum first last provenance { indexes } }
  }
}"#;
const READINGS: &str = r#"query ($device: ID!, $first: Int, $after: String) {
  readings(device: $device, metric: "co2_ppm", from: "2026-11-20T13:00:00+01:00", to: "2026-11-20T12:10:00Z",
           first: $first, after: $after) {
    nodes { at value unit sentNumber quality suspicion source provenance { indexes } }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}"#;

#[tokio::test]
async fn latest_values_of_a_device_and_of_a_site() {
    let world = start().await;
    world.register_places().await;
    let (one, two) = (
        world.register_device("meter-1").await,
        world.register_device("meter-2").await,
    );
    world.record(&one, 1, 0, &[400.0, 401.0]).await;
    let index = world.record(&two, 1, 5, &[500.0]).await;
    world.settle().await;
    let latest = world
        .data(LATEST, json!({"device": two.device.to_string()}))
        .await;
    let expected = json!([{
        "deviceId": two.device.to_string(), "metric": "co2_ppm", "at": "2026-11-20T12:00:05.000000Z", "value": 500.0,
        "unit": "ppm", "source": "SIMULATOR", "device": {"name": "meter-2"},
        "provenance": {"ledger": "northsea", "indexes": [index], "truncated": false},
    }]);
    assert_eq!(latest["latestReadings"], expected);

    let site = world
        .data(
            r#"{ site(organisation: "northsea", slug: "plant-1") { id } }"#,
            json!({}),
        )
        .await;
    let latest = world
        .data(LATEST, json!({"site": site["site"]["id"]}))
        .await;
    let mut values: Vec<_> = latest["latestReadings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["value"].as_f64())
        .collect();
    values.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(values, [Some(401.0), Some(500.0)]);
    assert_eq!(world.code(LATEST, json!({})).await, "BAD_USER_INPUT");
    let nobody = json!({"device": uuid::Uuid::nil().to_string()});
    assert_eq!(world.code(LATEST, nobody).await, "NOT_FOUND");
    assert_eq!(
        world.code(LATEST, json!({"device": "x"})).await,
        "BAD_USER_INPUT"
    );
}

#[tokio::test]
async fn a_time_series_adds_up_and_names_its_entries() {
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    let first = world.record(&device, 1, 0, &[1.0, 2.0]).await;
    let second = world.record(&device, 2, 10, &[6.0]).await;
    let third = world.record(&device, 3, 310, &[10.0]).await;
    world.settle().await;
    let id = device.device.to_string();
    let series = world
        .data(SERIES, json!({"device": id, "seconds": 300}))
        .await;
    let bucket = |start: &str,
                  count: u32,
                  [avg, min, max, sum, first, last]: [f64; 6],
                  indexes: &[u64]| {
        json!({"start": start, "count": count, "avg": avg, "min": min, "max": max, "sum": sum, "first": first,
               "last": last, "provenance": {"indexes": indexes}})
    };
    let buckets = [
        bucket(
            "2026-11-20T12:00:00.000000Z",
            3,
            [3.0, 1.0, 6.0, 9.0, 1.0, 6.0],
            &[first, second],
        ),
        bucket("2026-11-20T12:05:00.000000Z", 1, [10.0; 6], &[third]),
    ];
    let expected =
        json!({"metric": "co2_ppm", "unit": "ppm", "bucketSeconds": 300, "buckets": buckets});
    assert_eq!(series["timeSeries"], expected);
    let fine = world
        .data(SERIES, json!({"device": id, "seconds": 7}))
        .await;
    let counts: Vec<_> = fine["timeSeries"]["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["count"].clone())
        .collect();
    assert_eq!(counts.iter().filter_map(Value::as_u64).sum::<u64>(), 4);
    let too_long = json!({"device": id, "seconds": 7, "to": "2027-11-20T12:10:00Z"});
    assert_eq!(world.code(SERIES, too_long).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn readings_come_page_by_page_each_once() {
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    world.record(&device, 1, 0, &[1.0, 2.0, 3.0]).await;
    world.record(&device, 2, 1, &[4.0, 5.0]).await;
    world.settle().await;
    let (mut values, mut after, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let page = world
            .data(
                READINGS,
                json!({"device": device.device.to_string(), "first": 2, "after": after}),
            )
            .await;
        let page = &page["readings"];
        values.extend(
            page["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|node| node["value"].as_f64().unwrap()),
        );
        assert_eq!(page["pageInfo"]["hasPreviousPage"], pages > 0);
        pages += 1;
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!((values, pages), (vec![1.0, 2.0, 4.0, 3.0, 5.0], 3));
    let bad = json!({"device": device.device.to_string(), "after": "?"});
    assert_eq!(world.code(READINGS, bad).await, "BAD_USER_INPUT");
    let zero = json!({"device": device.device.to_string(), "first": 0});
    assert_eq!(world.code(READINGS, zero).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn status_and_gaps_tell_what_is_missing() {
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    world.record(&device, 1, 0, &[1.0]).await;
    let last = world.record(&device, 4, 1, &[2.0, 3.0]).await;
    world.settle().await;
    let query = r"query ($id: ID!) { device(id: $id) {
        status { batches readings suspect lastSeq online provenance { indexes truncated } }
        gaps(onlyOpen: true) { boot fromSeq toSeq open provenance { indexes } }
    } }";
    let shown = world
        .data(query, json!({"id": device.device.to_string()}))
        .await;
    let expected = json!({
        "status": {"batches": 2, "readings": 3, "suspect": 0, "lastSeq": 4, "online": null,
                   "provenance": {"indexes": [last], "truncated": true}},
        "gaps": [{"boot": "", "fromSeq": 2, "toSeq": 3, "open": true, "provenance": {"indexes": [last]}}],
    });
    assert_eq!(shown["device"], expected);
}

#[tokio::test]
async fn hours_tell_whether_they_are_sealed_and_gaps_whether_they_are_named() {
    const HOURS: &str = r"query ($id: ID!, $first: Int, $after: String) { device(id: $id) {
        windows(first: $first, after: $after) {
            nodes { hour waiting seal { batches version root provenance { indexes } } }
            pageInfo { hasNextPage endCursor }
        }
        gaps { fromSeq named provenance { indexes } }
    } }";
    let world = start().await;
    world.register_places().await;
    let device = world.register_device("meter-1").await;
    let id = device.device.to_string();
    world.record(&device, 1, 0, &[1.0]).await;
    let noticed = world.record(&device, 3, 1, &[1.0]).await;
    // 13:00.
    world.record(&device, 4, 3_600, &[1.0]).await;
    world.settle().await;
    let seal = world.seal_oldest().await;
    world.settle().await;

    let shown = world.data(HOURS, json!({"id": id, "first": 1})).await;
    let unsealed = json!({"hour": "2026-11-20T13:00:00.000000Z", "waiting": true, "seal": null});
    assert_eq!(shown["device"]["windows"]["nodes"], json!([unsealed]));
    let named =
        json!([{"fromSeq": 2, "named": true, "provenance": {"indexes": [noticed, seal - 1]}}]);
    assert_eq!(shown["device"]["gaps"], named);
    let page = &shown["device"]["windows"]["pageInfo"];
    assert_eq!(page["hasNextPage"], true);

    let next = json!({"id": id, "first": 1, "after": page["endCursor"]});
    let mut shown = world.data(HOURS, next).await;
    let mut sealed = shown["device"]["windows"]["nodes"][0].take();
    assert_eq!(sealed["seal"]["root"].take().as_str().unwrap().len(), 64);
    let expected = json!({
        "hour": "2026-11-20T12:00:00.000000Z", "waiting": false,
        "seal": {"batches": 2, "version": 1, "root": null, "provenance": {"indexes": [seal]}},
    });
    assert_eq!(sealed, expected);
    assert_eq!(shown["device"]["windows"]["pageInfo"]["hasNextPage"], false);
    let foreign = json!({"id": id, "after": "x"});
    assert_eq!(world.code(HOURS, foreign).await, "BAD_USER_INPUT");
}
