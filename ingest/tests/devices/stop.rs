//! Stopping.

use std::time::{Duration, Instant};

use rumqttc::QoS;
use sealrock_ingest::Broker;

use crate::support::{Platform, device, soon};
use crate::v4::{Device4, options};

async fn stack(platform: &Platform) -> Device4 {
    Device4::connect(
        options(platform.port(), &device("stack-1")),
        device("stack-1"),
    )
    .await
}

#[tokio::test]
async fn a_batch_in_flight_is_acknowledged_before_the_broker_ends() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    platform.ledger.hold();
    stack
        .publish("batch", QoS::AtLeastOnce, r#"{"seq":1}"#)
        .await;
    stack.no_puback_for(Duration::from_millis(200)).await;
    let stop = platform.broker.stop(Duration::from_secs(10));
    let commit = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        platform.ledger.commit();
    };
    let ((), (), _) = soon(async { tokio::join!(stop, commit, stack.puback()) }).await;
    assert_eq!(platform.ledger.taken().len(), 1);
    assert!(
        tokio::net::TcpStream::connect(("127.0.0.1", platform.port()))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_batch_that_waits_for_the_ledger_does_not_delay_the_end() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    platform.ledger.set_available(false);
    stack
        .publish("batch", QoS::AtLeastOnce, r#"{"seq":1}"#)
        .await;
    stack.no_puback_for(Duration::from_millis(200)).await;
    let begun = Instant::now();
    platform.broker.stop(Duration::from_secs(10)).await;
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    stack.until_closed().await;
}

#[tokio::test]
async fn a_commit_that_never_comes_is_waited_for_no_longer_than_the_grace() {
    let platform = Platform::start().await;
    let mut stack = stack(&platform).await;
    platform.ledger.hold();
    stack
        .publish("batch", QoS::AtLeastOnce, r#"{"seq":1}"#)
        .await;
    stack.no_puback_for(Duration::from_millis(200)).await;
    let begun = Instant::now();
    platform.broker.stop(Duration::from_millis(300)).await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_connection_that_never_signs_in_does_not_delay_the_end() {
    let platform = Platform::start().await;
    let _silent = tokio::net::TcpStream::connect(("127.0.0.1", platform.port()))
        .await
        .unwrap();
    stack(&platform).await;
    let begun = Instant::now();
    platform.broker.stop(Duration::from_secs(10)).await;
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
}
