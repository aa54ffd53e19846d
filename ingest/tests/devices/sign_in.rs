//! Who may connect, subscribe, and leave a will.

use rumqttc::v5::mqttbytes::v5::ConnectReturnCode as Code5;
use rumqttc::{ConnectReturnCode, Incoming, LastWill, MqttOptions, QoS, SubscribeReasonCode};
use sealrock_ingest::Broker;

use crate::support::{Platform, SECRET, device, eventually, soon, topic};
use crate::v4::{Device4, options};
use crate::v5;

async fn refusal(options: MqttOptions) -> ConnectReturnCode {
    let (_client, mut events) = rumqttc::AsyncClient::new(options, 10);
    match soon(events.poll()).await {
        Err(rumqttc::ConnectionError::ConnectionRefused(code)) => code,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_device_signs_in_with_its_id_and_secret() {
    let platform = Platform::start().await;
    Device4::connect(
        options(platform.port(), &device("stack-1")),
        device("stack-1"),
    )
    .await;
    assert_eq!(
        v5::connect_code(platform.port(), &device("well-2"), SECRET).await,
        Code5::Success
    );
}

#[tokio::test]
async fn a_wrong_secret_an_unknown_device_and_no_credentials_are_refused() {
    let platform = Platform::start().await;
    let known = device("stack-1");
    let mut wrong = options(platform.port(), &known);
    wrong.set_credentials(known.device.to_string(), "wrong");
    assert_eq!(refusal(wrong).await, ConnectReturnCode::BadUserNamePassword);
    assert_eq!(
        refusal(options(platform.port(), &device("nobody"))).await,
        ConnectReturnCode::BadUserNamePassword
    );
    let mut named = options(platform.port(), &known);
    named.set_credentials("not-an-id", SECRET);
    assert_eq!(refusal(named).await, ConnectReturnCode::BadUserNamePassword);
    let anonymous = MqttOptions::new("anonymous", "127.0.0.1", platform.port());
    assert_eq!(
        refusal(anonymous).await,
        ConnectReturnCode::BadUserNamePassword
    );
    assert_eq!(
        v5::connect_code(platform.port(), &known, "wrong").await,
        Code5::BadUserNamePassword
    );
}

#[tokio::test]
async fn while_secrets_cannot_be_checked_the_server_is_unavailable_and_nobody_is_called_wrong() {
    let platform = Platform::start().await;
    platform.ledger.set_available(false);
    let code = refusal(options(platform.port(), &device("stack-1"))).await;
    assert_eq!(code, ConnectReturnCode::ServiceUnavailable);
    assert_eq!(
        v5::connect_code(platform.port(), &device("stack-1"), SECRET).await,
        Code5::ServerUnavailable
    );
}

#[tokio::test]
async fn a_client_id_that_another_device_uses_is_refused_and_its_holder_stays() {
    let platform = Platform::start().await;
    let mut holder = Device4::connect(
        options(platform.port(), &device("stack-1")),
        device("stack-1"),
    )
    .await;
    let mut thief = MqttOptions::new("client of stack-1", "127.0.0.1", platform.port());
    thief.set_credentials(device("well-2").device.to_string(), SECRET);
    assert_eq!(refusal(thief).await, ConnectReturnCode::BadClientId);
    holder
        .publish("batch", QoS::AtLeastOnce, r#"{"seq":1}"#)
        .await;
    holder.puback().await;
}

#[tokio::test]
async fn only_the_own_receipt_topic_can_be_subscribed() {
    let platform = Platform::start().await;
    let mut stack = Device4::connect(
        options(platform.port(), &device("stack-1")),
        device("stack-1"),
    )
    .await;
    let share = format!("$share/g/{}", topic(&device("stack-1"), "receipt"));
    for filter in [
        topic(&device("well-2"), "receipt"),
        topic(&device("stack-1"), "batch"),
        "sealrock/#".into(),
        "#".into(),
        share,
    ] {
        stack
            .client
            .subscribe(&filter, QoS::AtLeastOnce)
            .await
            .unwrap();
        let codes = stack.until(suback).await;
        assert_eq!(codes, [SubscribeReasonCode::Failure], "{filter}");
    }
    stack
        .client
        .subscribe(topic(&device("stack-1"), "receipt"), QoS::AtLeastOnce)
        .await
        .unwrap();
    assert_eq!(
        stack.until(suback).await,
        [SubscribeReasonCode::Success(QoS::AtLeastOnce)]
    );
}

fn suback(incoming: &Incoming) -> Option<Vec<SubscribeReasonCode>> {
    match incoming {
        Incoming::SubAck(suback) => Some(suback.return_codes.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn a_will_on_the_own_status_topic_is_accepted_even_retained_and_elsewhere_refused() {
    let platform = Platform::start().await;
    let stack = device("stack-1");
    let mut foreign = options(platform.port(), &stack);
    foreign.set_last_will(LastWill::new(
        topic(&device("well-2"), "status"),
        "offline",
        QoS::AtLeastOnce,
        false,
    ));
    assert_eq!(refusal(foreign).await, ConnectReturnCode::NotAuthorized);
    let mut own = options(platform.port(), &stack);
    own.set_last_will(LastWill::new(
        topic(&stack, "status"),
        "offline",
        QoS::AtLeastOnce,
        true,
    ));
    Device4::connect(own, stack).await;
}

#[tokio::test]
async fn presence_follows_connect_and_loss() {
    let mut platform = Platform::start().await;
    let stack = Device4::connect(
        options(platform.port(), &device("stack-1")),
        device("stack-1"),
    )
    .await;
    let came = soon(platform.presence.recv()).await.unwrap();
    assert_eq!((came.device, came.online), (device("stack-1"), true));
    assert_eq!(platform.broker.online(), [device("stack-1").device]);
    drop(stack);
    let left = soon(platform.presence.recv()).await.unwrap();
    assert_eq!((left.device, left.online), (device("stack-1"), false));
    assert!(left.at >= came.at);
}

#[tokio::test]
async fn a_device_that_takes_over_its_own_session_is_not_reported_absent() {
    let mut platform = Platform::start().await;
    let identity = device("stack-1");
    let _first = Device4::connect(options(platform.port(), &identity), identity.clone()).await;
    let mut second = Device4::connect(options(platform.port(), &identity), identity.clone()).await;
    second
        .publish("batch", QoS::AtLeastOnce, r#"{"seq":1}"#)
        .await;
    second.puback().await;
    assert!(soon(platform.presence.recv()).await.unwrap().online);
    assert!(platform.presence.try_recv().is_none());
    drop(second);
    eventually(|| platform.broker.online().is_empty()).await;
    assert!(!soon(platform.presence.recv()).await.unwrap().online);
}

#[tokio::test]
async fn a_revoked_device_is_disconnected() {
    let platform = Platform::start().await;
    let mut stack = Device4::connect(
        options(platform.port(), &device("stack-1")),
        device("stack-1"),
    )
    .await;
    platform.broker.disconnect(device("stack-1").device);
    stack.until_closed().await;
    eventually(|| platform.broker.online().is_empty()).await;
}
