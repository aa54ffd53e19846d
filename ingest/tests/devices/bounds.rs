//! What one device, one revoked device or a stranger may take up.

use std::num::NonZeroU32;
use std::time::Duration;

use sealrock_access::{Proxies, ProxyHeader};
use sealrock_ingest::{
    Broker, BrokerConfig, CONNECTIONS_PER_DEVICE, EmbeddedBroker, SESSIONS_PER_DEVICE,
    StrangerTerms,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::raw::{CONNACK, connect, open, publish, read, read_to_end};
use crate::support::{Platform, config, device, eventually, soon, topic};

#[tokio::test]
async fn a_device_revoked_while_it_signs_in_is_closed_before_anything_is_taken() {
    let platform = Platform::start().await;
    platform.ledger.revoke_after_sign_ins(1);
    let mut client = TcpStream::connect(("127.0.0.1", platform.port()))
        .await
        .unwrap();
    let batch = topic(&device("stack-1"), "batch");
    let both = [connect("one", true), publish(1, 1, &batch, br#"{"seq":1}"#)].concat();
    client.write_all(&both).await.unwrap();
    assert_eq!(read_to_end(&mut client).await, CONNACK);
    eventually(|| platform.broker.online().is_empty()).await;
    assert!(platform.ledger.taken().is_empty());
}

#[tokio::test]
async fn a_fifth_connection_of_a_device_ends_its_oldest_and_no_other() {
    let mut platform = Platform::start().await;
    let mut clients = Vec::new();
    for number in 0..=CONNECTIONS_PER_DEVICE {
        let mut client = open(&platform, &format!("client {number}"), true).await;
        assert_eq!(read(&mut client, 4).await, CONNACK);
        clients.push(client);
    }
    assert!(read_to_end(&mut clients[0]).await.is_empty());
    for client in &mut clients[1..] {
        client.write_all(&[0xC0, 0]).await.unwrap();
        assert_eq!(read(client, 2).await, [0xD0, 0], "a ping is answered");
    }
    assert!(soon(platform.presence.recv()).await.unwrap().online);
    assert!(
        platform.presence.try_recv().is_none(),
        "it was never absent"
    );
}

#[tokio::test]
async fn a_connection_that_is_ended_does_not_hang_on_its_batch() {
    let platform = Platform::start().await;
    platform.ledger.hold();
    let mut client = open(&platform, "one", true).await;
    let batch = topic(&device("stack-1"), "batch");
    client
        .write_all(&publish(1, 1, &batch, br#"{"seq":1}"#))
        .await
        .unwrap();
    eventually(|| platform.ledger.holds_one()).await;
    platform.broker.disconnect(device("stack-1").device);
    assert_eq!(read_to_end(&mut client).await, CONNACK);
    eventually(|| platform.broker.online().is_empty()).await;
}

/// Connects for a session that is kept, and goes; says whether the session was there.
async fn visit(platform: &Platform, client_id: &str) -> bool {
    let mut client = open(platform, client_id, false).await;
    let connack = read(&mut client, 4).await;
    client.write_all(&[0xE0, 0]).await.unwrap();
    drop(client);
    eventually(|| platform.broker.online().is_empty()).await;
    connack[2] == 1
}

#[tokio::test]
async fn a_device_has_its_last_sessions_stored_and_the_older_are_forgotten() {
    let mut platform = Platform::start().await;
    let name = |number: usize| format!("session {number}");
    for number in 0..SESSIONS_PER_DEVICE {
        assert!(!visit(&platform, &name(number)).await);
    }
    assert!(visit(&platform, &name(0)).await, "four are kept");
    assert!(!visit(&platform, &name(4)).await);
    platform.broker.stop(Duration::from_secs(5)).await;
    drop(platform.broker);
    let (ledger, letters) = (platform.ledger.clone(), platform.letters.clone());
    let restarted = EmbeddedBroker::start(config(&platform.folder), ledger, letters);
    (platform.broker, platform.presence) = soon(restarted).await.unwrap();
    assert!(!visit(&platform, &name(1)).await, "the least recently used");
    assert!(!visit(&platform, &name(2)).await, "1 took its place");
    for kept in [0, 4, 1, 2] {
        assert!(visit(&platform, &name(kept)).await, "{kept}");
    }
}

#[tokio::test]
async fn connections_without_a_session_displace_no_session() {
    let platform = Platform::start().await;
    assert!(!visit(&platform, "kept").await);
    for number in 0..10 {
        let mut client = open(&platform, &format!("passing {number}"), true).await;
        assert_eq!(read(&mut client, 4).await, CONNACK);
        drop(client);
        eventually(|| platform.broker.online().is_empty()).await;
    }
    assert!(visit(&platform, "kept").await);
}

#[tokio::test]
async fn a_socket_that_never_signs_in_takes_a_place_until_it_is_closed() {
    let platform = Platform::start_with(|config| BrokerConfig {
        max_connections: 1,
        ..config
    })
    .await;
    let address = ("127.0.0.1", platform.port());
    let silent = TcpStream::connect(address).await.unwrap();
    let begun = std::time::Instant::now();
    for _ in 0..3 {
        let mut other = TcpStream::connect(address).await.unwrap();
        assert!(read_to_end(&mut other).await.is_empty());
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "closed at once");
    drop(silent);
    soon(async {
        while read_first(&platform).await != CONNACK[..] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// A broker that takes so many of an address who have not signed in.
async fn wary_of(strangers: StrangerTerms) -> Platform {
    Platform::start_with(|config| BrokerConfig {
        strangers,
        ..config
    })
    .await
}

async fn come(platform: &Platform, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let address = platform.broker.local_addr();
    soon(socket.connect(address)).await.unwrap()
}

/// Signs in from there; what is answered.
async fn signs_in(platform: &Platform, from: &str, client_id: &str) -> (Vec<u8>, TcpStream) {
    let mut client = come(platform, from).await;
    // Who is turned away may not get so far.
    let _ = client.write_all(&connect(client_id, true)).await;
    let mut bytes = vec![0; 4];
    let read = soon(client.read_exact(&mut bytes)).await;
    (read.map(|_| bytes).unwrap_or_default(), client)
}

#[tokio::test]
async fn strangers_of_an_address_keep_nobody_else_out_and_who_has_signed_in_is_no_stranger() {
    let platform = wary_of(StrangerTerms {
        sockets: 2,
        proxies: Proxies::new(
            vec!["127.0.0.9/32".parse().unwrap()],
            ProxyHeader::default(),
        ),
        ..StrangerTerms::default()
    })
    .await;
    let mut devices = Vec::new();
    for n in 0..3 {
        let (answer, device) = signs_in(&platform, "127.0.0.1", &format!("device {n}")).await;
        assert_eq!(answer, CONNACK, "{n}");
        devices.push(device);
    }
    let silent = [
        come(&platform, "127.0.0.1").await,
        come(&platform, "127.0.0.1").await,
    ];
    let mut third = come(&platform, "127.0.0.1").await;
    assert!(read_to_end(&mut third).await.is_empty());
    assert_eq!(signs_in(&platform, "127.0.0.2", "other").await.0, CONNACK);
    let proxied = [
        come(&platform, "127.0.0.9").await,
        come(&platform, "127.0.0.9").await,
    ];
    assert_eq!(signs_in(&platform, "127.0.0.9", "behind").await.0, CONNACK);
    drop((silent, proxied));
    soon(async {
        while signs_in(&platform, "127.0.0.1", "again").await.0 != CONNACK {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_that_connects_too_often_is_turned_away_and_another_is_not() {
    let platform = wary_of(StrangerTerms {
        per_second: NonZeroU32::new(1),
        ..StrangerTerms::default()
    })
    .await;
    let mut let_in = 0;
    while signs_in(&platform, "127.0.0.1", "one").await.0 == CONNACK {
        let_in += 1;
        assert!(let_in < 1_000, "there is no limit");
    }
    assert!(let_in >= 10, "ten seconds' worth at once: {let_in}");
    assert_eq!(signs_in(&platform, "127.0.0.2", "other").await.0, CONNACK);
}

/// What a device that signs in reads first, if anything.
async fn read_first(platform: &Platform) -> Vec<u8> {
    let mut client = open(platform, "one", true).await;
    let mut bytes = vec![0; 4];
    let read = soon(client.read_exact(&mut bytes)).await;
    read.map(|_| bytes).unwrap_or_default()
}
