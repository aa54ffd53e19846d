//! The bytes that a client sees, where client libraries would hide a malformed packet.

use std::time::Duration;

use sealrock_ingest::Broker;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Platform, SECRET, device, eventually, soon, topic};

pub const CONNACK: [u8; 4] = [0x20, 2, 0, 0];

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    [&length[..], text.as_bytes()].concat()
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 16_384);
    let (low, high) = (
        u8::try_from(body.len() % 128).unwrap(),
        u8::try_from(body.len() / 128).unwrap(),
    );
    [&[first, low | 0x80, high][..], body].concat()
}

pub fn connect(client_id: &str, clean: bool) -> Vec<u8> {
    let flags = 0xC0 | if clean { 2 } else { 0 };
    connect_as(&[4, flags, 0, 60], client_id)
}

/// A CONNECT whose variable header ends so: version, flags, keep-alive and, in 5, properties.
fn connect_as(header: &[u8], client_id: &str) -> Vec<u8> {
    let head = [&text("MQTT")[..], header].concat();
    let user = device("stack-1").device.to_string();
    packet(
        0x10,
        &[head, text(client_id), text(&user), text(SECRET)].concat(),
    )
}

pub fn publish(qos: u8, id: u16, topic: &str, payload: &[u8]) -> Vec<u8> {
    packet(
        0x30 | (qos << 1),
        &[&text(topic)[..], &id.to_be_bytes(), payload].concat(),
    )
}

pub async fn open(platform: &Platform, client_id: &str, clean: bool) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", platform.port()))
        .await
        .unwrap();
    stream.write_all(&connect(client_id, clean)).await.unwrap();
    stream
}

pub async fn read(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    soon(stream.read_exact(&mut bytes)).await.unwrap();
    bytes
}

pub async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = soon(stream.read_to_end(&mut bytes)).await;
    bytes
}

#[tokio::test]
async fn a_client_whose_session_is_taken_over_is_closed_without_a_packet_it_cannot_read() {
    let platform = Platform::start().await;
    let mut first = open(&platform, "same", true).await;
    assert_eq!(read(&mut first, 4).await, CONNACK);
    let mut second = open(&platform, "same", true).await;
    assert_eq!(read(&mut second, 4).await, CONNACK);
    assert!(read_to_end(&mut first).await.is_empty());
}

#[tokio::test]
async fn a_stopping_broker_closes_a_client_without_a_packet_it_cannot_read() {
    let platform = Platform::start().await;
    let mut client = open(&platform, "one", true).await;
    assert_eq!(read(&mut client, 4).await, CONNACK);
    platform.broker.stop(Duration::from_secs(5)).await;
    assert!(read_to_end(&mut client).await.is_empty());
}

#[tokio::test]
async fn a_stopping_broker_tells_a_client_of_version_5() {
    let platform = Platform::start().await;
    let mut client = TcpStream::connect(("127.0.0.1", platform.port()))
        .await
        .unwrap();
    client
        .write_all(&connect_as(&[5, 0xC2, 0, 60, 0], "five"))
        .await
        .unwrap();
    let connack = read(&mut client, 2).await;
    read(&mut client, usize::from(connack[1])).await;
    platform.broker.stop(Duration::from_secs(5)).await;
    assert_eq!(read_to_end(&mut client).await[..3], [0xE0, 1, 0x8B]);
}

#[tokio::test]
async fn a_release_of_an_unknown_packet_id_is_completed_in_two_bytes() {
    let platform = Platform::start().await;
    let mut client = open(&platform, "one", true).await;
    client.write_all(&[0x62, 2, 0, 9]).await.unwrap();
    assert_eq!(
        read(&mut client, 8).await,
        [&CONNACK[..], &[0x70, 2, 0, 9]].concat()
    );
}

#[tokio::test]
async fn a_qos_2_publish_is_released_after_a_reconnect() {
    let platform = Platform::start().await;
    let batch = topic(&device("stack-1"), "batch");
    let mut client = open(&platform, "two", false).await;
    client
        .write_all(&publish(2, 9, &batch, br#"{"seq":1}"#))
        .await
        .unwrap();
    assert_eq!(
        read(&mut client, 8).await,
        [&CONNACK[..], &[0x50, 2, 0, 9]].concat()
    );
    drop(client);
    eventually(|| platform.broker.online().is_empty()).await;
    let mut client = open(&platform, "two", false).await;
    client.write_all(&[0x62, 2, 0, 9]).await.unwrap();
    assert_eq!(read(&mut client, 8).await, [0x20, 2, 1, 0, 0x70, 2, 0, 9]);
    assert_eq!(platform.ledger.taken().len(), 1);
}

/// Connects with MQTT 5 and a session of a minute.
async fn open_v5(platform: &Platform, client_id: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", platform.port()))
        .await
        .unwrap();
    let header = [5, 0xC0, 0, 60, 5, 0x11, 0, 0, 0, 60];
    stream
        .write_all(&connect_as(&header, client_id))
        .await
        .unwrap();
    let connack = read(&mut stream, 2).await;
    read(&mut stream, usize::from(connack[1])).await;
    stream
}

#[tokio::test]
async fn a_qos_2_publish_of_version_5_is_known_after_a_reconnect() {
    let platform = Platform::start().await;
    let mut client = open_v5(&platform, "five").await;
    let batch = [
        &text(&topic(&device("stack-1"), "batch"))[..],
        &[0, 9, 0],
        br#"{"seq":1}"#,
    ]
    .concat();
    client.write_all(&packet(0x34, &batch)).await.unwrap();
    assert_eq!(read(&mut client, 4).await, [0x50, 2, 0, 9]);
    drop(client);
    eventually(|| platform.broker.online().is_empty()).await;
    let mut client = open_v5(&platform, "five").await;
    client.write_all(&[0x62, 2, 0, 9]).await.unwrap();
    assert_eq!(
        read(&mut client, 4).await,
        [0x70, 2, 0, 9],
        "a longer PUBCOMP says: not found"
    );
}

#[tokio::test]
async fn a_foreign_topic_is_acknowledged_in_the_form_of_3_1_1_and_closed() {
    let platform = Platform::start().await;
    for (qos, ack) in [(1, 0x40), (2, 0x50)] {
        let mut client = open(&platform, "one", true).await;
        client
            .write_all(&publish(qos, 5, &topic(&device("well-2"), "batch"), b"x"))
            .await
            .unwrap();
        assert_eq!(
            read_to_end(&mut client).await,
            [&CONNACK[..], &[ack, 2, 0, 5]].concat()
        );
    }
    assert_eq!(platform.letters.reasons(), ["wrong-topic"; 2]);
}

#[tokio::test]
async fn refused_sign_ins_have_the_return_codes_of_3_1_1() {
    let platform = Platform::start().await;
    platform.ledger.set_available(false);
    let mut client = open(&platform, "one", true).await;
    assert_eq!(read_to_end(&mut client).await, [0x20, 2, 0, 3]);
    platform.ledger.set_available(true);
    let mut client = TcpStream::connect(("127.0.0.1", platform.port()))
        .await
        .unwrap();
    let body = [text("MQTT"), vec![4, 2, 0, 60], text("anonymous")].concat();
    client.write_all(&packet(0x10, &body)).await.unwrap();
    assert_eq!(read_to_end(&mut client).await, [0x20, 2, 0, 4]);
}

#[tokio::test]
async fn refused_and_granted_subscriptions_have_the_codes_of_3_1_1() {
    let platform = Platform::start().await;
    let mut client = open(&platform, "one", true).await;
    let filters = [
        text("#"),
        vec![1],
        text(&topic(&device("stack-1"), "receipt")),
        vec![2],
    ]
    .concat();
    client
        .write_all(&packet(0x82, &[&[0, 3][..], &filters].concat()))
        .await
        .unwrap();
    assert_eq!(
        read(&mut client, 10).await,
        [&CONNACK[..], &[0x90, 4, 0, 3, 0x80, 2]].concat()
    );
}

#[tokio::test]
async fn garbage_and_silence_harm_nobody_else() {
    let platform = Platform::start().await;
    let _silent = TcpStream::connect(("127.0.0.1", platform.port()))
        .await
        .unwrap();
    let mut garbage = TcpStream::connect(("127.0.0.1", platform.port()))
        .await
        .unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut client = open(&platform, "one", true).await;
    client
        .write_all(&publish(
            1,
            1,
            &topic(&device("stack-1"), "batch"),
            br#"{"seq":1}"#,
        ))
        .await
        .unwrap();
    assert_eq!(
        read(&mut client, 8).await,
        [&CONNACK[..], &[0x40, 2, 0, 1]].concat()
    );
}
