//! The publisher against a real broker that dies and comes back.
#![expect(clippy::unwrap_used)]

mod broker;

use std::collections::HashMap;
use std::time::Duration;

use broker::{TestBroker, credential, free_port};
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use sealrock_simulator::{
    Boot, Device, FleetOptions, Model, Options, Progress, ProgressSink, Schedule, Seed, run_fleet,
    stop,
};

fn device(name: &str, broker: &TestBroker, rate: f64) -> Device {
    let start = Utc::now() - TimeDelta::hours(1);
    let schedule = Schedule::new(start, Duration::from_secs(1), 1.0).unwrap();
    Device {
        credential: credential(name, broker.address),
        model: Model::Bme280,
        seed: Seed(7),
        history: None,
        schedule: schedule.with_rate(rate).unwrap(),
        boot: Boot::random(),
    }
}

fn options(batches: Option<u64>) -> FleetOptions {
    let retry = (Duration::from_millis(50), Duration::from_millis(400));
    FleetOptions {
        publisher: Options {
            retry,
            ..Options::default()
        },
        batches,
    }
}

async fn until(progress: &ProgressSink, enough: impl FnMut(&Progress) -> bool) {
    let mut watch = progress.subscribe();
    let reached = tokio::time::timeout(Duration::from_secs(30), watch.wait_for(enough)).await;
    assert!(reached.is_ok(), "still {}", progress.get());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_batch_is_acknowledged_although_the_broker_is_killed_in_the_middle() {
    let first = TestBroker::start(free_port()).await;
    let address = first.address;
    let progress = ProgressSink::default();
    let (_handle, stop) = stop();
    let devices = vec![device("a", &first, 200.0), device("b", &first, 200.0)];
    let expected: Vec<Bytes> = devices
        .iter()
        .flat_map(|d| d.batches().take(300).map(|b| b.bytes))
        .collect();
    let sink = progress.clone();
    let fleet =
        tokio::spawn(async move { run_fleet(devices, options(Some(300)), &sink, &stop).await });

    until(&progress, |p| p.acknowledged >= 60).await;
    let before = first.taken.clone();
    drop(first);
    until(&progress, |p| p.disconnects >= 2).await;
    let second = TestBroker::start(address).await;
    let reports = tokio::time::timeout(Duration::from_mins(1), fleet)
        .await
        .unwrap()
        .unwrap();

    assert!(
        reports.iter().all(|report| report.unanswered == 0),
        "{reports:?}"
    );
    let end = progress.get();
    assert_eq!((end.published, end.acknowledged), (600, 600), "{end}");
    assert_eq!(
        (end.dropped, end.refused, end.errors, end.connected),
        (0, 0, 0, 0),
        "{end}"
    );
    assert!(end.receipts > 0, "{end}");

    // Whatever was repeated was repeated with the same bytes; nothing is missing.
    let mut seen: HashMap<Bytes, usize> = HashMap::new();
    for (_, bytes) in before
        .lock()
        .unwrap()
        .iter()
        .chain(second.taken.lock().unwrap().iter())
    {
        *seen.entry(bytes.clone()).or_default() += 1;
    }
    for bytes in &expected {
        assert!(seen.contains_key(bytes), "lost: {bytes:?}");
    }
    let batches = seen.keys().filter(|bytes| bytes.starts_with(b"{")).count();
    assert_eq!(batches, expected.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_device_says_goodbye_and_leaves_nothing_unanswered() {
    let broker = TestBroker::start(free_port()).await;
    let progress = ProgressSink::default();
    let (handle, stop) = stop();
    let devices = vec![device("a", &broker, 50.0)];
    let sink = progress.clone();
    let fleet = tokio::spawn(async move { run_fleet(devices, options(None), &sink, &stop).await });
    until(&progress, |p| p.receipts >= 5).await;
    handle.stop();
    let reports = tokio::time::timeout(Duration::from_secs(10), fleet)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(reports[0].unanswered, 0);
    assert_eq!(progress.get().published, progress.get().acknowledged);

    let status = "sealrock/v1/demo/site/a/status";
    let said = || {
        let taken = broker.taken.lock().unwrap();
        let said = taken.iter().filter(|(topic, _)| topic == status);
        said.map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>()
    };
    for _ in 0..100 {
        if said().len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(said(), ["online", "offline"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_buffer_drops_the_oldest_and_counts_them_while_no_broker_answers() {
    let gone = TestBroker::start(free_port()).await;
    let device = device("a", &gone, 500.0);
    drop(gone);
    let progress = ProgressSink::default();
    let (handle, stop) = stop();
    let mut options = options(None);
    options.publisher.buffer = 10;
    let sink = progress.clone();
    let fleet = tokio::spawn(async move { run_fleet(vec![device], options, &sink, &stop).await });
    until(&progress, |p| p.dropped >= 5).await;
    handle.stop();
    let reports = tokio::time::timeout(Duration::from_secs(10), fleet)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (reports[0].unanswered, progress.get().acknowledged),
        (10, 0)
    );
}
