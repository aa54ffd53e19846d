//! What is taken, what is not, and what the sender hears.

use std::time::Duration;

use sealrock_ingest::{MAX_BATCH_BYTES, probe};
use sealrock_testkit::{Mosquitto, database};

use crate::support::*;

async fn world() -> World {
    World::on(database().await.pool).await
}

#[tokio::test]
async fn a_batch_is_recorded_and_its_receipt_published() {
    let (world, mosquitto) = (world().await, Mosquitto::start(LASTING));
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    let mut receipts = Listener::to(&mosquitto, "sealrock/v1/+/+/+/receipt").await;
    let sent = (topic("meter-3", "batch"), batch(42));
    publish(&mosquitto, std::slice::from_ref(&sent)).await;
    let (heard_on, receipt) = receipts.next().await;
    assert_eq!(heard_on, topic("meter-3", "receipt"));
    assert_eq!(receipt["seq"], 42);
    let recorded = world.batches().await.remove(0);
    assert_eq!(receipt["index"], recorded.entry.index.0);
    assert_eq!(recorded.entry.via, format!("mqtt:{}", sent.0));
    assert_eq!(recorded.payload.unwrap().bytes, sent.1);

    // The device itself sends it twice.
    publish(&mosquitto, &[sent]).await;
    let (_, again) = receipts.next().await;
    assert_eq!(
        (&again["index"], &again["duplicate"]),
        (&receipt["index"], &true.into())
    );
    assert_eq!(world.recorded().await.len(), 1);
    broker.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn what_cannot_be_taken_is_a_dead_letter_and_keeps_nothing_waiting() {
    let (world, mosquitto) = (world().await, Mosquitto::start(LASTING));
    let (org, site) = (slug("northsea"), slug("plant-1"));
    let gone = world
        .commands
        .decommission_device(&context(), &org, &site, &slug("meter-9"))
        .await;
    gone.unwrap();
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    let mut receipts = Listener::to(&mosquitto, "sealrock/v1/+/+/+/receipt").await;
    publish(
        &mosquitto,
        &[
            (topic("meter-77", "batch"), batch(1)),
            (topic("meter-9", "batch"), batch(2)),
            (topic("meter-1", "batch"), b"{\"seq\":3".to_vec()),
            ("sealrock/v1/North Sea/a/b/batch".to_owned(), batch(4)),
            (topic("meter-1", "batch"), batch(5)),
        ],
    )
    .await;
    let mut heard = Vec::new();
    for _ in 0..4 {
        let (topic, receipt) = receipts.next().await;
        let device = topic.split('/').nth(4).unwrap().to_owned();
        heard.push((
            device,
            receipt["error"]["code"].as_str().unwrap_or("").to_owned(),
        ));
    }
    heard.sort();
    let heard: Vec<_> = heard
        .iter()
        .map(|(device, code)| (device.as_str(), code.as_str()))
        .collect();
    let told = [
        ("meter-1", ""),
        ("meter-1", "undecodable"),
        ("meter-77", "unknown-device"),
        ("meter-9", "refused"),
    ];
    assert_eq!(heard, told);
    broker.stop(Duration::from_secs(10)).await;
    let reasons = |letters: Vec<sealrock_ingest::KeptLetter>| {
        let mut reasons: Vec<_> = letters.into_iter().map(|letter| letter.reason).collect();
        reasons.sort();
        reasons
    };
    assert_eq!(
        reasons(world.letters("northsea").await),
        ["refused", "undecodable"]
    );
    // Whose sender nobody knows are the platform's.
    let nobodys = reasons(world.letters("registry").await);
    assert_eq!(nobodys, ["unknown-device", "wrong-topic"]);

    // All of it was acknowledged: nothing comes again.
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    publish(&mosquitto, &[(topic("meter-2", "batch"), batch(6))]).await;
    world.has_recorded(2).await;
    broker.stop(Duration::from_secs(10)).await;
    assert_eq!(world.letters("northsea").await.len(), 2);
}

#[tokio::test]
async fn a_batch_of_a_mebibyte_is_taken() {
    let (world, mosquitto) = (world().await, Mosquitto::start(LASTING));
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    let mut largest = batch(1);
    largest.resize(MAX_BATCH_BYTES, b' ');
    let mut larger = batch(2);
    larger.resize(MAX_BATCH_BYTES + 1, b' ');
    let to = topic("meter-1", "batch");
    publish(
        &mosquitto,
        &[
            (to.clone(), largest.clone()),
            (to.clone(), larger),
            (to, batch(3)),
        ],
    )
    .await;
    world.has_recorded(2).await;
    broker.stop(Duration::from_secs(10)).await;
    let recorded = world.batches().await;
    assert_eq!(recorded[0].payload.as_ref().unwrap().bytes, largest);
    assert_eq!(world.letters("northsea").await[0].reason, "too-large");
}

#[tokio::test]
async fn presence_is_what_devices_say_of_themselves() {
    let (world, mosquitto) = (world().await, Mosquitto::start(LASTING));
    let (broker, mut presence) = world.consume(&config(&mosquitto, "node-1"));
    soon(broker.connected()).await;
    for word in ["online", "offline"] {
        publish(&mosquitto, &[(topic("meter-1", "status"), word.into())]).await;
        let told = soon(presence.recv()).await.unwrap();
        assert_eq!(
            (told.device.name.as_str(), told.online),
            ("meter-1", word == "online")
        );
    }
    broker.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn a_broker_that_would_lose_messages_is_found_out() {
    let bare = Mosquitto::start(&[]);
    let asked = config(&bare, "node-1");
    let found = probe(&asked).await.unwrap().findings(&asked);
    assert!(
        found
            .iter()
            .any(|finding| finding.bad && finding.text.contains("max_packet_size"))
    );
    let lasting = Mosquitto::start(LASTING);
    let asked = config(&lasting, "node-1");
    assert_eq!(probe(&asked).await.unwrap().findings(&asked), []);
}
