//! What happens to batches, by a 3.1.1 device.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rumqttc::{Event, Incoming, QoS};
use sealrock_ingest::{BrokerConfig, MAX_BATCH_BYTES, MAX_PACKET_BYTES};

use crate::support::{Platform, device, eventually, soon, topic};
use crate::v4::{Device4, options};

async fn stack(platform: &Platform) -> Device4 {
    Device4::connect(
        options(platform.port(), &device("stack-1")),
        device("stack-1"),
    )
    .await
}

fn batch(seq: u64) -> String {
    format!("{{\"seq\":{seq}}}")
}

/// A batch of exactly this many bytes.
fn batch_of(bytes: usize) -> Vec<u8> {
    let mut batch = br#"{"seq":1,"tags":{"filler":""#.to_vec();
    batch.resize(bytes - 3, b'x');
    batch.extend_from_slice(b"\"}}");
    batch
}

#[tokio::test]
async fn the_acknowledgement_leaves_only_after_the_batch_is_durable() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    platform.ledger.hold();
    stack.publish("batch", QoS::AtLeastOnce, batch(1)).await;
    stack.no_puback_for(Duration::from_millis(300)).await;
    assert_eq!(platform.ledger.taken(), []);
    platform.ledger.commit();
    stack.puback().await;
    let via = format!("mqtt:{}", topic(&device("stack-1"), "batch"));
    assert_eq!(
        platform.ledger.taken(),
        [(device("stack-1").device, via, batch(1).into_bytes())]
    );
}

#[tokio::test]
async fn qos_2_gets_the_same_promise_at_pubrec_and_completes() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    platform.ledger.hold();
    stack.publish("batch", QoS::ExactlyOnce, batch(1)).await;
    let pubrec = |incoming: &Incoming| matches!(incoming, Incoming::PubRec(_)).then_some(());
    assert!(
        tokio::time::timeout(Duration::from_millis(300), stack.until(pubrec))
            .await
            .is_err()
    );
    platform.ledger.commit();
    stack
        .until(|incoming| matches!(incoming, Incoming::PubComp(_)).then_some(()))
        .await;
    assert_eq!(platform.ledger.taken().len(), 1);
}

#[tokio::test]
async fn qos_0_is_recorded_without_a_promise() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    stack.subscribe_receipts().await;
    stack.publish("batch", QoS::AtMostOnce, batch(1)).await;
    assert_eq!(stack.receipt().await["seq"], 1);
}

#[tokio::test]
async fn retain_is_ignored() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    stack
        .client
        .publish(
            topic(&device("stack-1"), "batch"),
            QoS::AtLeastOnce,
            true,
            batch(1),
        )
        .await
        .unwrap();
    stack.puback().await;
    stack
        .client
        .publish(
            topic(&device("stack-1"), "status"),
            QoS::AtLeastOnce,
            true,
            "online",
        )
        .await
        .unwrap();
    stack.puback().await;
    assert_eq!(platform.ledger.taken().len(), 1);
    let retained = std::fs::read_dir(platform.folder.path().join("mqtt/retained"))
        .unwrap()
        .count();
    assert_eq!(retained, 0);
}

#[tokio::test]
async fn the_same_batch_again_is_acknowledged_with_its_first_receipt() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    stack.subscribe_receipts().await;
    stack.publish("batch", QoS::AtLeastOnce, batch(1)).await;
    let first = stack.receipt().await;
    stack.publish("batch", QoS::AtLeastOnce, batch(1)).await;
    let second = stack.receipt().await;
    assert_eq!(
        (&second["index"], &second["duplicate"]),
        (&first["index"], &true.into())
    );
    assert_eq!(platform.ledger.taken().len(), 1);
}

#[tokio::test]
async fn a_rejected_batch_is_a_dead_letter_an_error_receipt_and_acknowledged() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    stack.subscribe_receipts().await;
    stack.publish("batch", QoS::AtLeastOnce, batch(1)).await;
    assert_eq!(stack.receipt().await["index"], 0);
    for (bytes, seq, code) in [
        (br#"{"seq":1, "other":true}"#.to_vec(), Some(1), "conflict"),
        (b"\xFF\x00 no batch".to_vec(), None, "undecodable"),
        (batch_of(MAX_BATCH_BYTES + 1), Some(1), "too-large"),
    ] {
        stack
            .publish("batch", QoS::AtLeastOnce, bytes.clone())
            .await;
        let receipt = stack.receipt().await;
        assert_eq!(receipt["error"]["code"], code);
        assert_eq!(receipt["seq"].as_u64(), seq);
        assert_eq!(
            platform.letters.kept.lock().unwrap().last().unwrap().bytes,
            bytes
        );
    }
    assert_eq!(
        platform.letters.reasons(),
        ["conflict", "undecodable", "too-large"]
    );
    stack.publish("batch", QoS::AtLeastOnce, batch(2)).await;
    assert_eq!(
        stack.receipt().await["index"],
        1,
        "rejected batches do not block the next"
    );
}

#[tokio::test]
async fn a_batch_of_exactly_one_mebibyte_passes() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    stack
        .publish("batch", QoS::AtLeastOnce, batch_of(MAX_BATCH_BYTES))
        .await;
    stack.puback().await;
    assert_eq!(platform.ledger.taken()[0].2.len(), MAX_BATCH_BYTES);
}

#[tokio::test]
async fn a_packet_over_the_limit_ends_the_connection_without_a_letter() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    stack
        .publish("batch", QoS::AtLeastOnce, batch_of(MAX_PACKET_BYTES + 1))
        .await;
    stack.until_closed().await;
    assert_eq!(platform.letters.reasons(), Vec::<String>::new());
    assert_eq!(platform.ledger.taken(), []);
}

#[tokio::test]
async fn a_dead_letter_that_cannot_be_kept_is_not_acknowledged_until_it_can() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    platform.letters.away.store(true, Ordering::SeqCst);
    stack.publish("batch", QoS::AtLeastOnce, "no batch").await;
    stack.no_puback_for(Duration::from_millis(300)).await;
    platform.letters.away.store(false, Ordering::SeqCst);
    stack.puback().await;
    assert_eq!(platform.letters.reasons(), ["undecodable"]);
}

#[tokio::test]
async fn a_publish_to_a_foreign_topic_is_a_dead_letter_told_acknowledged_and_the_end() {
    let platform = Platform::start().await;
    for foreign in [
        topic(&device("well-2"), "batch"),
        topic(&device("stack-1"), "receipt"),
        "$sealrock/nowhere".into(),
    ] {
        let mut stack = stack(&platform).await;
        stack.subscribe_receipts().await;
        stack
            .client
            .publish(&foreign, QoS::AtLeastOnce, false, batch(9))
            .await
            .unwrap();
        let (mut acked, mut told) = (false, None);
        while !acked || told.is_none() {
            stack
                .until(|incoming| {
                    acked |= matches!(incoming, Incoming::PubAck(_));
                    if let Incoming::Publish(publish) = incoming {
                        told = Some(publish.payload.clone());
                    }
                    Some(())
                })
                .await;
        }
        let told: serde_json::Value = serde_json::from_slice(&told.unwrap()).unwrap();
        assert_eq!(
            (&told["error"]["code"], &told["seq"]),
            (&"wrong-topic".into(), &9.into())
        );
        assert!(
            told["error"]["message"]
                .as_str()
                .unwrap()
                .contains(&foreign)
        );
        stack.until_closed().await;
    }
    assert_eq!(platform.letters.reasons(), ["wrong-topic"; 3]);
    assert_eq!(platform.ledger.taken(), []);
}

#[tokio::test]
async fn an_unavailable_ledger_holds_the_acknowledgement_until_it_is_back() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    platform.ledger.set_available(false);
    stack.publish("batch", QoS::AtLeastOnce, batch(1)).await;
    stack.no_puback_for(Duration::from_millis(500)).await;
    platform.ledger.set_available(true);
    stack.puback().await;
    assert_eq!(platform.ledger.taken().len(), 1);
}

/// A platform that holds batches for 400 ms, with a connected device.
async fn impatient() -> (Platform, Device4) {
    let hold_limit = Duration::from_millis(400);
    let platform = Platform::start_with(|config| BrokerConfig {
        hold_limit,
        ..config
    })
    .await;
    let stack = stack(&platform).await;
    (platform, stack)
}

#[tokio::test]
async fn a_batch_held_too_long_ends_the_connection_without_acknowledgement() {
    let (platform, mut stack) = impatient().await;
    platform.ledger.set_available(false);
    stack.publish("batch", QoS::AtLeastOnce, batch(1)).await;
    assert!(
        !stack.until_ack_or_closed().await,
        "acknowledged without being durable"
    );
}

#[tokio::test]
async fn a_commit_that_hangs_ends_the_connection_without_acknowledgement() {
    let (platform, mut stack) = impatient().await;
    platform.ledger.hold();
    stack.publish("batch", QoS::AtLeastOnce, batch(1)).await;
    assert!(
        !stack.until_ack_or_closed().await,
        "acknowledged without being durable"
    );
}

#[tokio::test]
async fn a_device_that_publishes_with_qos_0_and_leaves_has_all_of_it_recorded() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    platform.ledger.hold();
    for seq in 0..20 {
        stack.publish("batch", QoS::AtMostOnce, batch(seq)).await;
    }
    stack.no_puback_for(Duration::from_millis(200)).await;
    stack.client.disconnect().await.unwrap();
    stack.no_puback_for(Duration::from_millis(200)).await;
    drop(stack);
    platform.ledger.commit();
    eventually(|| platform.ledger.taken().len() == 20).await;
}

impl Device4 {
    async fn until_ack_or_closed(&mut self) -> bool {
        crate::support::soon(async {
            loop {
                match self.events.poll().await {
                    Ok(rumqttc::Event::Incoming(Incoming::PubAck(_))) => return true,
                    Ok(_) => {}
                    Err(_) => return false,
                }
            }
        })
        .await
    }
}

#[tokio::test]
async fn a_thousand_batches_in_flight_are_all_acknowledged_and_taken_in_order() {
    let platform = Platform::start().await;
    let mut settings = options(platform.port(), &device("stack-1"));
    settings.set_inflight(1_000);
    let mut stack = Device4::connect(settings, device("stack-1")).await;
    platform.ledger.hold();
    for seq in 0..1_000 {
        stack.publish("batch", QoS::AtLeastOnce, batch(seq)).await;
    }
    stack.no_puback_for(Duration::from_millis(300)).await;
    platform.ledger.commit();
    for _ in 0..1_000 {
        stack.puback().await;
    }
    let taken = platform.ledger.taken();
    assert!(
        taken.iter().map(|(_, _, bytes)| bytes).eq((0..1_000)
            .map(|seq| batch(seq).into_bytes())
            .collect::<Vec<_>>()
            .iter())
    );
}

#[tokio::test]
async fn receipts_that_nobody_reads_do_not_stop_the_batches() {
    let platform = Platform::start().await;
    let mut settings = options(platform.port(), &device("stack-1"));
    settings.set_manual_acks(true);
    let mut stack = Device4::connect(settings, device("stack-1")).await;
    stack.subscribe_receipts().await;
    for seq in 0..1_500 {
        stack.publish("batch", QoS::AtLeastOnce, batch(seq)).await;
    }
    for _ in 0..1_500 {
        stack.puback().await;
    }
}

#[tokio::test]
async fn a_publish_to_a_foreign_topic_past_the_rate_waits_before_it_is_a_dead_letter() {
    let platform = Platform::start().await;
    platform.ledger.allow_refusals(0);
    let mut stack = stack(&platform).await;
    let foreign = topic(&device("well-2"), "batch");
    let sent = stack
        .client
        .publish(foreign, QoS::AtLeastOnce, false, batch(9));
    sent.await.unwrap();
    stack.no_puback_for(Duration::from_millis(300)).await;
    assert!(platform.letters.reasons().is_empty());
    platform.ledger.allow_refusals(1);
    stack.puback().await;
    assert_eq!(platform.letters.reasons(), ["wrong-topic"]);
}

#[tokio::test]
async fn a_batch_behind_a_revocation_ends_the_connection_and_is_not_acknowledged() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    platform.ledger.sign_out();
    stack.publish("batch", QoS::AtLeastOnce, batch(9)).await;
    let acknowledged = soon(async {
        while let Ok(event) = stack.events.poll().await {
            if matches!(event, Event::Incoming(Incoming::PubAck(_))) {
                return true;
            }
        }
        false
    });
    assert!(!acknowledged.await);
    assert!(platform.letters.reasons().is_empty());
}
