//! Load against a real broker: everything that was due is accounted for, whatever happens to it.
#![expect(clippy::unwrap_used)]

mod broker;

use std::time::Duration;

use broker::{TestBroker, credential, free_port};
use sealrock_simulator::load::{LoadOptions, LoadReport, Over, Tally, offer};
use sealrock_simulator::stop;

fn options(rate: f64, span: Duration) -> LoadOptions {
    LoadOptions {
        rate,
        readings: 10,
        span,
        over: Over::Mqtt(None),
    }
}

fn accounted(report: &LoadReport) -> u64 {
    report.acknowledged + report.failed + report.unanswered + report.unsent
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_sent_once_and_counted_when_it_is_acknowledged() {
    let broker = TestBroker::start(free_port()).await;
    let devices = ["a", "b", "c"].map(|name| credential(name, broker.address));
    let (_handle, stop) = stop();
    let options = options(200.0, Duration::from_millis(500));
    let report = offer(devices.to_vec(), &options, &Tally::default(), &stop)
        .await
        .unwrap();
    assert_eq!(
        (report.offered, report.acknowledged),
        (100, 100),
        "{report}"
    );
    assert_eq!(accounted(&report), 100);
    assert_eq!(report.acknowledged_per_second.iter().sum::<u64>(), 100);
    let taken = broker.taken.lock().unwrap();
    let mut different: Vec<_> = taken.iter().map(|(topic, bytes)| (topic, bytes)).collect();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_broker_did_not_answer_is_counted_and_not_hidden() {
    let broker = TestBroker::start(free_port()).await;
    let devices = vec![credential("a", broker.address)];
    let (handle, stop) = stop();
    let options = options(400.0, Duration::from_mins(10));
    let tally = Tally::default();
    let counted = tally.clone();
    let load = tokio::spawn(async move { offer(devices, &options, &counted, &stop).await });
    while tally.now().0 < 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(broker);
    while tally.now().1 == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    handle.stop();
    let report = load.await.unwrap().unwrap();
    assert!(report.acknowledged >= 20 && report.failed > 0, "{report}");
    assert_eq!(accounted(&report), report.offered, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_cannot_begin_says_which_device_could_not_connect() {
    let broker = TestBroker::start(free_port()).await;
    let address = broker.address;
    drop(broker);
    let (_handle, stop) = stop();
    let options = options(10.0, Duration::from_secs(1));
    let devices = vec![credential("meter-7", address)];
    let error = offer(devices, &options, &Tally::default(), &stop).await;
    assert!(error.unwrap_err().to_string().contains("meter-7"));
}
