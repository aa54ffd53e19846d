//! An MQTT 5 device by rumqttc.

use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, Packet, PubAckReason, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};
use sealrock_ingest::DeviceIdentity;

use crate::support::{Platform, SECRET, device, soon, topic};

fn connect(port: u16, identity: &DeviceIdentity, secret: &str) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(format!("v5 of {}", identity.name), "127.0.0.1", port);
    options.set_credentials(identity.device.to_string(), secret);
    options.set_keep_alive(Duration::from_secs(30));
    AsyncClient::new(options, 100)
}

/// The CONNACK's code.
pub async fn connect_code(port: u16, identity: &DeviceIdentity, secret: &str) -> ConnectReturnCode {
    let (_client, mut events) = connect(port, identity, secret);
    match soon(events.poll()).await {
        Ok(Event::Incoming(Packet::ConnAck(connack))) => connack.code,
        Err(ConnectionError::ConnectionRefused(code)) => code,
        Err(ConnectionError::MqttState(StateError::ConnFail { reason })) => reason,
        other => panic!("no CONNACK: {other:?}"),
    }
}

async fn until<T>(events: &mut EventLoop, mut wanted: impl FnMut(&Packet) -> Option<T>) -> T {
    soon(async {
        loop {
            if let Event::Incoming(incoming) = events.poll().await.unwrap()
                && let Some(found) = wanted(&incoming)
            {
                return found;
            }
        }
    })
    .await
}

fn puback(packet: &Packet) -> Option<PubAckReason> {
    match packet {
        Packet::PubAck(ack) => Some(ack.reason),
        _ => None,
    }
}

#[tokio::test]
async fn the_connack_tells_the_packet_limit_and_no_lower_qos() {
    let platform = Platform::start().await;
    let (_client, mut events) = connect(platform.port(), &device("stack-1"), SECRET);
    let properties = until(&mut events, |packet| match packet {
        Packet::ConnAck(connack) => connack.properties.clone(),
        _ => None,
    })
    .await;
    assert_eq!(
        properties.max_packet_size,
        Some(u32::try_from(sealrock_ingest::MAX_PACKET_BYTES).unwrap())
    );
    assert_eq!(properties.max_qos, None);
    assert_eq!(properties.retain_available, Some(1));
}

#[tokio::test]
async fn a_version_5_device_gets_its_acknowledgement_after_the_commit_and_its_receipt() {
    let platform = Platform::start().await;
    let stack = device("stack-1");
    let (client, mut events) = connect(platform.port(), &stack, SECRET);
    client
        .subscribe(topic(&stack, "receipt"), QoS::AtLeastOnce)
        .await
        .unwrap();
    until(&mut events, |packet| {
        matches!(packet, Packet::SubAck(_)).then_some(())
    })
    .await;
    platform.ledger.hold();
    client
        .publish(
            topic(&stack, "batch"),
            QoS::AtLeastOnce,
            true,
            r#"{"seq":7}"#,
        )
        .await
        .unwrap();
    let early = tokio::time::timeout(Duration::from_millis(300), until(&mut events, puback)).await;
    assert!(early.is_err(), "acknowledged before the commit");
    platform.ledger.commit();
    let (mut ack, mut receipt) = (None, None);
    while ack.is_none() || receipt.is_none() {
        until(&mut events, |packet| {
            ack = ack.or(puback(packet));
            if let Packet::Publish(publish) = packet {
                receipt = Some(publish.payload.clone());
            }
            Some(())
        })
        .await;
    }
    assert_eq!(ack, Some(PubAckReason::Success));
    assert_eq!(
        receipt.unwrap(),
        r#"{"index":0,"ledger":"test/acme","seq":7}"#
    );
}

#[tokio::test]
async fn a_foreign_subscription_is_not_authorised() {
    let platform = Platform::start().await;
    let (client, mut events) = connect(platform.port(), &device("stack-1"), SECRET);
    client
        .subscribe(topic(&device("well-2"), "receipt"), QoS::AtLeastOnce)
        .await
        .unwrap();
    let codes = until(&mut events, |packet| match packet {
        Packet::SubAck(suback) => Some(suback.return_codes.clone()),
        _ => None,
    })
    .await;
    assert_eq!(codes, [SubscribeReasonCode::NotAuthorized]);
}
