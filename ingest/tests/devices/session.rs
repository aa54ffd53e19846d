//! Reconnects and sessions.

use std::time::Duration;

use rumqttc::{Incoming, QoS};
use sealrock_ingest::{Broker, EmbeddedBroker};

use crate::support::{Platform, config, device, eventually, soon};
use crate::v4::{Device4, options};

#[tokio::test]
async fn a_device_that_reconnects_during_a_held_acknowledgement_repeats_and_the_batch_is_there_once()
 {
    let platform = Platform::start().await;
    let mut settings = options(platform.port(), &device("stack-1"));
    settings.set_clean_session(false);
    let mut stack = Device4::connect(settings, device("stack-1")).await;
    platform.ledger.hold();
    stack
        .publish("batch", QoS::AtLeastOnce, r#"{"seq":1}"#)
        .await;
    stack.no_puback_for(Duration::from_millis(200)).await;
    stack.events.clean(); // the connection breaks; what is unacknowledged is repeated on the next
    platform.ledger.commit();
    let mut present = None;
    stack
        .until(|incoming| match incoming {
            Incoming::ConnAck(connack) => {
                present = Some(connack.session_present);
                None
            }
            Incoming::PubAck(_) => Some(()),
            _ => None,
        })
        .await;
    assert_eq!(present, Some(true));
    assert_eq!(platform.ledger.taken().len(), 1);
}

#[tokio::test]
async fn a_batch_whose_device_left_is_not_held_for_it() {
    let platform = Platform::start().await;
    let mut stack = Device4::connect(
        options(platform.port(), &device("stack-1")),
        device("stack-1"),
    )
    .await;
    platform.ledger.set_available(false);
    for seq in 0..10 {
        stack
            .publish("batch", QoS::AtLeastOnce, format!("{{\"seq\":{seq}}}"))
            .await;
    }
    stack.no_puback_for(Duration::from_millis(200)).await;
    drop(stack);
    eventually(|| platform.broker.online().is_empty()).await;
}

#[tokio::test]
async fn receipts_wait_for_a_session_that_is_away_and_survive_a_restart_of_the_broker() {
    let mut platform = Platform::start().await;
    let identity = device("stack-1");
    let mut settings = options(platform.port(), &identity);
    settings.set_clean_session(false);
    let mut stack = Device4::connect(settings, identity.clone()).await;
    stack.subscribe_receipts().await;
    drop(stack);
    eventually(|| platform.broker.online().is_empty()).await;
    platform
        .broker
        .send_receipt(&identity, br#"{"seq":8}"#.to_vec())
        .await;
    platform.broker.stop(Duration::from_secs(5)).await;
    drop(platform.broker);
    let restarted = EmbeddedBroker::start(
        config(&platform.folder),
        platform.ledger.clone(),
        platform.letters.clone(),
    );
    (platform.broker, platform.presence) = soon(restarted).await.unwrap();
    let mut settings = options(platform.broker.local_addr().port(), &identity);
    settings.set_clean_session(false);
    let mut stack = Device4::new(settings, identity);
    assert!(stack.connack().await.session_present);
    assert_eq!(stack.receipt().await["seq"], 8);
}
