use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::{Source, Value};
use sealrock_ledger::Index;
use sealrock_projections::Projection;
use sealrock_projections::device_status::{DeviceStatusProjection, NodeId};
use sealrock_projections::latest::{LatestFilter, LatestProjection};
use sealrock_projections::readings::{
    Order, Reading, ReadingFilter, ReadingPosition, ReadingRange, ReadingsProjection,
};
use sealrock_projections::rollups::{RollupsProjection, Series};
use sealrock_testkit::DeviceSigner;
use uuid::Uuid;

use crate::plant::{Plant, Running, at, batch, reading, slug};

pub fn telemetry() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(ReadingsProjection),
        Arc::new(LatestProjection),
        Arc::new(RollupsProjection),
        Arc::new(DeviceStatusProjection),
    ]
}

pub async fn started() -> (Plant, Running, DeviceId) {
    let plant = Plant::on_database().await;
    let device = plant.register("meter-7").await;
    let running = plant.run(telemetry());
    (plant, running, device)
}

fn range(device: DeviceId, first: u32) -> ReadingRange {
    ReadingRange {
        device,
        metric: "co2_ppm".parse().unwrap(),
        from: at(-4_000_000_000),
        to: at(4_000_000_000),
        order: Order::OldestFirst,
        after: None,
        first,
    }
}

fn numbers(readings: &[Reading]) -> Vec<f64> {
    let number = |reading: &Reading| match reading.value {
        Value::Number(number) => number,
        _ => f64::NAN,
    };
    readings.iter().map(number).collect()
}

#[tokio::test]
async fn the_readings_in_a_signed_frame_are_found() {
    let (plant, running, device) = started().await;
    let signer = DeviceSigner::new(1);
    let text = batch("", &[reading("co2_ppm", at(0), 412.7)]);
    let frame = signer.frame(&plant.ledger.origin, device, &text);
    let index = plant.batch(device, frame).await;
    running.reach(&plant, index).await;
    let found = plant.read.readings(&range(device, 10)).await.unwrap();
    assert_eq!(numbers(&found), [412.7]);
    running.stop().await;
}

#[tokio::test]
async fn a_reading_is_found_as_it_was_sent_with_its_verdict_site_and_source() {
    let (plant, running, device) = started().await;
    let text = br#"{"source":"real","readings":[
        {"metric":"temperature","at":"2026-11-21T03:00:00Z","value":300,"unit":"K"},
        {"metric":"co2_ppm","at":"2026-11-21T03:00:00.1234567Z","value":"high","unit":"ppm"},
        {"metric":"co2_ppm","at":"2099-01-01T00:00:00Z","value":1},
        {"metric":"co2_ppm","at":"1970-01-01T00:00:01Z","value":true},
        {"metric":"co2_ppm","at":"0000-01-01T00:00:00Z","value":2}]}"#;
    let index = plant.batch(device, text.to_vec()).await;
    running.reach(&plant, index).await;

    let filter = ReadingFilter::default();
    let after = plant
        .read
        .readings_after(plant.ledger.id, None, &filter, 100)
        .await
        .unwrap();
    let [kelvin, high, future, truth, ancient] = after.readings.as_slice() else {
        panic!("{after:?}")
    };
    assert_eq!(
        (kelvin.value.clone(), kelvin.unit.as_deref()),
        (Value::Number(300.0), Some("K"))
    );
    assert!((kelvin.canonical.unwrap() - 26.85).abs() < 1e-9);
    assert_eq!(
        (kelvin.site.clone(), kelvin.source),
        (Some(slug("plant-1")), Some(Source::Simulator))
    );
    assert_eq!(
        (high.value.clone(), high.canonical),
        (Value::Text("high".into()), None)
    );
    assert_eq!(high.at, at(0) + TimeDelta::microseconds(123_456));
    assert_eq!(high.suspicion.as_deref(), Some("not_a_number"));
    assert_eq!(future.suspicion.as_deref(), Some("future"));
    assert_eq!(truth.value, Value::Bool(true));
    assert_eq!(
        ancient.at,
        "0000-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap()
    );
    assert_eq!(ancient.position, ReadingPosition { index, ordinal: 4 });

    let status = plant
        .read
        .device_statuses(&[device])
        .await
        .unwrap()
        .remove(0);
    assert_eq!((status.batches, status.readings, status.suspect), (1, 5, 3));
    let filter = LatestFilter::default();
    let (latest, _) = plant.read.latest(plant.ledger.id, &filter).await.unwrap();
    let sources: Vec<_> = latest.iter().map(|latest| latest.source).collect();
    assert_eq!(sources, [Some(Source::Simulator); 2]);
    running.stop().await;
}

#[tokio::test]
async fn a_reading_keeps_its_unit_as_spelled_and_the_number_of_the_metrics_own_unit() {
    let (plant, running, device) = started().await;
    let text = br#"{"readings":[
        {"metric":"temperature","at":"2026-11-21T03:00:00Z","value":-0.0},
        {"metric":"temperature","at":"2026-11-21T03:00:00Z","value":300,"unit":"K"},
        {"metric":"temperature","at":"2026-11-21T03:00:00Z","value":1.5,"unit":""},
        {"metric":"temperature","at":"2026-11-21T03:00:00Z","value":2.5,"unit":"degC"},
        {"metric":"temperature","at":"2026-11-21T03:00:00Z","value":3.5,"quality":"uncertain"},
        {"metric":"temperature","at":"2026-11-21T03:00:00Z","value":true},
        {"metric":"temperature","at":"2026-11-21T03:00:00Z","value":false},
        {"metric":"temperature","at":"2026-11-21T03:00:00Z","value":""}]}"#;
    let index = plant.batch(device, text.to_vec()).await;
    running.reach(&plant, index).await;
    let range = ReadingRange {
        metric: "temperature".parse().unwrap(),
        ..range(device, 10)
    };
    let found = plant.read.readings(&range).await.unwrap();
    let units: Vec<_> = found.iter().map(|r| r.unit.as_deref()).collect();
    let none = None;
    assert_eq!(
        units,
        [
            none,
            Some("K"),
            Some(""),
            Some("degC"),
            none,
            none,
            none,
            none
        ]
    );
    let canonical: Vec<_> = found
        .iter()
        .map(|r| r.canonical.map(|c| format!("{c:.2}")))
        .collect();
    let number = |text: &str| Some(text.to_owned());
    assert_eq!(
        canonical[..3],
        [number("-0.00"), number("26.85"), number("1.50")]
    );
    assert_eq!(canonical[3..], [number("2.50"), None, None, None, None]);
    let values: Vec<_> = found[5..].iter().map(|r| r.value.clone()).collect();
    assert_eq!(
        values,
        [
            Value::Bool(true),
            Value::Bool(false),
            Value::Text(String::new())
        ]
    );
    running.stop().await;
}

#[tokio::test]
async fn readings_of_a_device_in_two_ledgers_are_paged_together_and_followed_apart() {
    let (mut plant, running, device) = started().await;
    let south = crate::plant::create_ledger(&plant.store, "south").await;
    let ledgers = [std::mem::replace(&mut plant.ledger, south.clone()), south];
    for (ledger, values) in ledgers.iter().zip([[1.0, 3.0], [2.0, 4.0]]) {
        plant.ledger = ledger.clone();
        let mut last = Index(0);
        for (n, value) in (0..).zip(values) {
            // The second one is of a day far from its receipt.
            let readings = [
                reading("co2_ppm", at(n * 60), value),
                reading("co2_ppm", at(n * 60 - 40_000_000), value),
            ];
            last = plant.batch(device, batch("", &readings)).await;
        }
        running.reach(&plant, last).await;
    }
    let mut page = range(device, 3);
    let mut found = Vec::new();
    loop {
        let readings = plant.read.readings(&page).await.unwrap();
        let Some(last) = readings.last() else { break };
        page.after = Some(last.cursor());
        found.extend(numbers(&readings));
    }
    assert_eq!(found, [2.0, 1.0, 4.0, 3.0, 2.0, 1.0, 4.0, 3.0]);
    for (ledger, expected) in ledgers
        .iter()
        .zip([[1.0, 1.0, 3.0, 3.0], [2.0, 2.0, 4.0, 4.0]])
    {
        let filter = ReadingFilter::default();
        let after = plant.read.readings_after(ledger.id, None, &filter, 10);
        assert_eq!(numbers(&after.await.unwrap().readings), expected);
    }
    running.stop().await;
}

#[tokio::test]
async fn readings_are_paged_by_time_both_ways_without_loss_at_equal_times() {
    let (plant, running, device) = started().await;
    let mut last = Index(0);
    for n in [3, 1, 2, 0] {
        let seconds = i64::from(n) * 90_000;
        let value = f64::from(n) * 10.0;
        let readings = [
            reading("co2_ppm", at(seconds), value),
            reading("co2_ppm", at(seconds), value + 1.0),
            reading("temperature", at(seconds), 0.0),
        ];
        last = plant.batch(device, batch("", &readings)).await;
    }
    running.reach(&plant, last).await;
    let expected = [0.0, 1.0, 10.0, 11.0, 20.0, 21.0, 30.0, 31.0];
    for (order, expected) in [
        (Order::OldestFirst, expected.to_vec()),
        (Order::NewestFirst, expected.iter().rev().copied().collect()),
    ] {
        let mut found = Vec::new();
        let mut page = ReadingRange {
            order,
            ..range(device, 3)
        };
        loop {
            let readings = plant.read.readings(&page).await.unwrap();
            let Some(last) = readings.last() else { break };
            page.after = Some(last.cursor());
            found.extend(numbers(&readings));
        }
        assert_eq!(found, expected);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_batch_of_many_days_gets_its_partitions() {
    let (plant, running, device) = started().await;
    let days: Vec<String> = (0..180)
        .map(|n| reading("co2_ppm", at(-n * 86_400), 1.0))
        .collect();
    let index = plant.batch(device, batch("", &days)).await;
    running.reach(&plant, index).await;
    assert_eq!(
        plant
            .read
            .readings(&range(device, 1_000))
            .await
            .unwrap()
            .len(),
        180
    );
    running.stop().await;
}

#[tokio::test]
async fn readings_of_days_far_from_their_receipt_make_no_partitions_and_are_found_by_time() {
    let (plant, running, device) = started().await;
    let days: Vec<String> = (0..10_000)
        .map(|n| reading("co2_ppm", at((1 - n) * 86_400), 1.0))
        .collect();
    let far_ahead = [
        reading("co2_ppm", at(3 * 86_400), 1.0),
        reading("co2_ppm", at(0), 1.0),
    ];
    plant.batch(device, batch("", &days)).await;
    let index = plant.batch(device, batch("", &far_ahead)).await;
    running.reach(&plant, index).await;
    let partitions: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'rm_readings.reading'::regclass",
    )
    .fetch_one(plant.store.pool())
    .await
    .unwrap();
    assert_eq!(partitions, 402);

    for order in [Order::OldestFirst, Order::NewestFirst] {
        let page = ReadingRange {
            order,
            ..range(device, 20_000)
        };
        let found = plant.read.readings(&page).await.unwrap();
        assert_eq!(found.len(), 10_002);
        let sorted = match order {
            Order::OldestFirst => found.is_sorted_by_key(|r| (r.at, r.position)),
            Order::NewestFirst => found.iter().rev().is_sorted_by_key(|r| (r.at, r.position)),
        };
        assert!(sorted, "{order:?}");
    }
    let filter = ReadingFilter::default();
    let after = plant
        .read
        .readings_after(plant.ledger.id, None, &filter, 20_000);
    let after = after.await.unwrap().readings;
    assert_eq!(after.len(), 10_002);
    assert!(after.is_sorted_by_key(|r| r.position));
    let old = Series {
        device,
        metric: "co2_ppm".parse().unwrap(),
        from: at(-9_000 * 86_400),
        to: at(-8_999 * 86_400),
        bucket: std::time::Duration::from_mins(1),
    };
    assert_eq!(plant.read.series(&old).await.unwrap().len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn sums_of_the_largest_numbers_that_devices_send_are_finite() {
    let (plant, running, device) = started().await;
    let huge = [
        reading("co2_ppm", at(0), 1.7e308),
        reading("co2_ppm", at(1), 1.7e308),
        reading("co2_ppm", at(2), 1e15),
        reading("co2_ppm", at(3), 1e15),
    ];
    let index = plant.batch(device, batch("", &huge)).await;
    running.reach(&plant, index).await;
    for seconds in [60, 300] {
        let series = Series {
            device,
            metric: "co2_ppm".parse().unwrap(),
            from: at(0),
            to: at(1),
            bucket: std::time::Duration::from_secs(seconds),
        };
        let buckets = plant.read.series(&series).await.unwrap();
        let sums: Vec<f64> = buckets.iter().map(|b| b.aggregate.sum).collect();
        assert_eq!(sums, [2e15]);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_subscription_gets_every_matching_reading_once_in_the_ledgers_order() {
    let (plant, running, device) = started().await;
    let other = plant.register("meter-8").await;
    let filter = ReadingFilter {
        devices: Some(vec![device]),
        metrics: Some(vec!["co2_ppm".parse().unwrap()]),
    };
    let (mut next, mut found) = (None, Vec::new());
    for round in 0..30 {
        let value = f64::from(round) * 10.0;
        let readings: Vec<String> = (0..3)
            .map(|n| {
                reading(
                    "co2_ppm",
                    at(-n),
                    value + f64::from(i32::try_from(n).unwrap()),
                )
            })
            .collect();
        let from = if round % 3 == 0 { other } else { device };
        let index = plant.batch(from, batch("", &readings)).await;
        if round % 7 == 0 {
            running.reach(&plant, index).await;
        }
        let after = plant
            .read
            .readings_after(plant.ledger.id, next, &filter, 2)
            .await
            .unwrap();
        assert!(after.next >= next);
        next = after.next;
        found.extend(numbers(&after.readings));
        if round == 29 {
            running.reach(&plant, index).await;
        }
    }
    loop {
        let after = plant
            .read
            .readings_after(plant.ledger.id, next, &filter, 2)
            .await
            .unwrap();
        next = after.next;
        found.extend(numbers(&after.readings));
        if !after.more {
            break;
        }
    }
    let rounds = (0..30).filter(|round| round % 3 != 0).map(f64::from);
    let expected: Vec<f64> = rounds
        .flat_map(|r| (0..3).map(move |n| r * 10.0 + f64::from(n)))
        .collect();
    assert_eq!(found, expected);
    running.stop().await;
}

#[tokio::test]
async fn the_latest_value_is_the_newest_by_time_then_by_record_and_never_a_suspect_one() {
    let (plant, running, device) = started().await;
    let latest = async |changed_from| {
        let filter = LatestFilter {
            changed_from,
            ..LatestFilter::default()
        };
        let (found, position) = plant.read.latest(plant.ledger.id, &filter).await.unwrap();
        let found: Vec<_> = found
            .into_iter()
            .map(|l| (l.metric.to_string(), l.value, l.index))
            .collect();
        (found, position)
    };
    let send = async |readings: &[String]| {
        let index = plant.batch(device, batch("", readings)).await;
        running.reach(&plant, index).await;
        index
    };
    let one = send(&[
        reading("co2_ppm", at(10), 1.0),
        reading("temperature", at(10), 5.0),
    ])
    .await;
    let (found, position) = latest(None).await;
    assert_eq!(
        found,
        [
            ("co2_ppm".into(), 1.0, one),
            ("temperature".into(), 5.0, one)
        ]
    );

    let late = send(&[reading("co2_ppm", at(9), 2.0)]).await;
    let (found, position) = (latest(Some(position)).await.0, late);
    assert_eq!(found, []);
    let two = send(&[
        reading("co2_ppm", at(10), 3.0),
        reading("co2_ppm", at(10), 4.0),
    ])
    .await;
    assert_eq!(
        latest(Some(position)).await.0,
        [("co2_ppm".into(), 4.0, two)]
    );

    send(&[reading("co2_ppm", at(3600 + 601), 9.0)]).await;
    assert_eq!(latest(None).await.0[0], ("co2_ppm".into(), 4.0, two));

    let filter = LatestFilter {
        site: Some(slug("nowhere")),
        ..LatestFilter::default()
    };
    assert_eq!(
        plant.read.latest(plant.ledger.id, &filter).await.unwrap().0,
        []
    );
    let filter = LatestFilter {
        site: Some(slug("plant-1")),
        devices: Some(vec![device]),
        metrics: Some(vec!["temperature".parse().unwrap()]),
        changed_from: None,
    };
    let (found, _) = plant.read.latest(plant.ledger.id, &filter).await.unwrap();
    assert_eq!(
        (found.len(), found[0].unit.as_str(), found[0].source),
        (1, "Cel", Some(Source::Simulator))
    );
    running.stop().await;
}

#[tokio::test]
async fn gaps_open_split_and_close_per_boot_and_are_listed() {
    let (plant, running, device) = started().await;
    let one = [reading("co2_ppm", at(0), 1.0)];
    let mut indexes = Vec::new();
    for (boot, seq) in [("a", 1), ("a", 6), ("b", 1), ("a", 3)] {
        let head = format!(r#""boot":"{boot}","seq":{seq},"#);
        indexes.push(plant.batch(device, batch(&head, &one)).await);
        running.reach(&plant, *indexes.last().unwrap()).await;
    }
    let gaps = plant.read.gaps(device, false, 10).await.unwrap();
    let shown: Vec<_> = gaps
        .iter()
        .map(|gap| (gap.from_seq, gap.to_seq, gap.filled))
        .collect();
    assert_eq!(
        shown,
        [(4, 5, None), (3, 3, Some(indexes[3])), (2, 2, None)]
    );
    assert!(
        gaps.iter()
            .all(|gap| gap.boot == "a" && gap.noticed == indexes[1])
    );
    assert_eq!(plant.read.gaps(device, true, 10).await.unwrap().len(), 2);
    let boots = plant.read.boots(device, 10).await.unwrap();
    let shown: Vec<_> = boots
        .iter()
        .map(|b| (b.boot.as_str(), b.min_seq, b.max_seq, b.first_index))
        .collect();
    assert_eq!(shown, [("b", 1, 1, indexes[2]), ("a", 1, 6, indexes[0])]);
    let status = plant
        .read
        .device_statuses(&[device])
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (status.last_boot.as_deref(), status.last_seq),
        (Some("a"), Some(3))
    );
    running.stop().await;
}

#[tokio::test]
async fn presence_is_the_newest_news_and_survives_a_rebuild() {
    let (plant, running, device) = started().await;
    let index = plant
        .batch(device, batch("", &[reading("co2_ppm", at(0), 1.0)]))
        .await;
    running.reach(&plant, index).await;
    assert_eq!(plant.read.presence(device).await.unwrap(), None);
    for (online, seconds) in [(true, 10), (false, 5), (true, 20)] {
        plant
            .read
            .set_presence(NodeId(Uuid::nil()), device, online, at(seconds))
            .await
            .unwrap();
    }
    let token = tokio_util::sync::CancellationToken::new();
    running
        .runner
        .rebuild("device_status", &token)
        .await
        .unwrap();
    let status = plant
        .read
        .device_statuses(&[device])
        .await
        .unwrap()
        .remove(0);
    let presence = status.presence.unwrap();
    assert_eq!((presence.online, presence.since), (true, at(10)));
    running.stop().await;
}
