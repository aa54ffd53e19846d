//! What devices send wrongly is answered, kept and counted; what they send rightly is durable.

use std::time::Duration;

use crate::support::{AT_ONCE, Device, SOON, Server, batch, data_folder};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Plant {
    server: Server,
    device: Device,
    data: TempDir,
}

fn plant() -> Plant {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    let device = server.add_device("meter-1");
    Plant {
        server,
        device,
        data,
    }
}

impl Plant {
    /// A look into the database beside the server.
    async fn ask<T>(&self, sql: &str) -> Vec<T>
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let url = sealrock_postgres::attach(&self.data.path().join("postgres")).unwrap();
        let pool = sealrock_eventstore::connect_as_login(&url, 1)
            .await
            .unwrap();
        let rows = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
        pool.close().await;
        rows
    }

    async fn dead_letters(&self) -> Vec<String> {
        self.ask("SELECT reason FROM ingest.dead_letters ORDER BY id")
            .await
    }

    async fn entries(&self) -> i64 {
        self.ask("SELECT count(*) FROM sealrock.batch_payloads")
            .await[0]
    }

    fn connect(&self, device: &Device) -> (AsyncClient, EventLoop) {
        let (host, port) = self.server.mqtt.clone();
        let mut options = MqttOptions::new(format!("test-{}", device.id()), host, port);
        options.set_credentials(device.id(), device.secret());
        options.set_max_packet_size(4 << 20, 4 << 20);
        options.set_keep_alive(Duration::from_secs(30));
        AsyncClient::new(options, 100)
    }
}

/// The next packet that `wanted` takes.
async fn next<T>(events: &mut EventLoop, wanted: impl Fn(Packet) -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Event::Incoming(packet) = events.poll().await.unwrap()
                && let Some(found) = wanted(packet)
            {
                return found;
            }
        }
    };
    tokio::time::timeout(SOON, wait).await.unwrap()
}

async fn receipt(events: &mut EventLoop) -> Value {
    next(events, |packet| match packet {
        Packet::Publish(publish) => Some(serde_json::from_slice(&publish.payload).unwrap()),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_every_mistake_gets_its_answer_and_nothing_is_lost() {
    let plant = plant();
    let (server, device) = (&plant.server, &plant.device);

    let (status, first) = server.ingest(device, batch("b", 1, 1.0)).await;
    assert_eq!(status, 200, "{first}");
    let same = batch("b", 2, 2.0);
    let (_, second) = server.ingest(device, same.clone()).await;
    let (status, again) = server.ingest(device, same).await;
    assert_eq!(
        (status, &again["index"]),
        (200, &second["index"]),
        "a duplicate has its receipt"
    );
    assert_eq!(again["duplicate"], true);

    let (status, problem) = server.ingest(device, batch("b", 2, 3.0)).await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("conflict")),
        "{problem}"
    );
    let (status, problem) = server.ingest(device, "{\"seq\":3").await;
    assert_eq!(
        (status, &problem["code"]),
        (400, &json!("undecodable")),
        "{problem}"
    );
    let oversize = format!(
        "{{\"seq\":4,\"tags\":{{\"x\":\"{}\"}}}}",
        "x".repeat(1 << 20)
    );
    let (status, problem) = server.ingest(device, oversize).await;
    assert_eq!(status, 413, "{problem}");
    let stranger = Device(json!({ "id": device.id(), "secret": "wrong" }));
    assert_eq!(server.ingest(&stranger, batch("b", 5, 1.0)).await.0, 401);
    let cbor = server.ingest(device, vec![0xA0]).await;
    assert_eq!(cbor.0, 415, "CBOR that says it is JSON: {}", cbor.1);

    let tomorrow = (chrono::Utc::now() + chrono::TimeDelta::days(1)).to_rfc3339();
    let future = json!({ "boot": "b", "seq": 6, "readings": [
        { "metric": "co2_ppm", "at": tomorrow, "value": 1, "unit": "ppm" }] });
    let (status, suspect) = server.ingest(device, future.to_string()).await;
    assert_eq!(status, 200);
    assert_eq!(suspect["suspect"][0]["metric"], "co2_ppm", "{suspect}");

    assert_eq!(plant.entries().await, 3, "one, two and the suspect one");
    let letters = plant.dead_letters().await;
    assert_eq!(
        letters,
        ["conflict", "undecodable", "too-large", "media-type"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn over_mqtt_a_puback_means_durable_and_receipts_tell_the_rest() {
    let plant = plant();
    let device = &plant.device;
    let (client, mut events) = plant.connect(device);
    let receipts = device.topic().replace("/batch", "/receipt");
    client.subscribe(&receipts, QoS::AtLeastOnce).await.unwrap();
    next(&mut events, |p| {
        matches!(p, Packet::SubAck(_)).then_some(())
    })
    .await;

    client
        .publish(device.topic(), QoS::AtLeastOnce, false, batch("b", 1, 1.0))
        .await
        .unwrap();
    next(&mut events, |p| {
        matches!(p, Packet::PubAck(_)).then_some(())
    })
    .await;
    assert_eq!(plant.entries().await, 1, "durable when the PUBACK came");

    for (bytes, code) in [
        (batch("b", 1, 2.0), "conflict"),
        ("not a batch".to_owned(), "undecodable"),
        (format!("{{{}}}", " ".repeat(1 << 20)), "too-large"),
    ] {
        client
            .publish(device.topic(), QoS::AtLeastOnce, false, bytes)
            .await
            .unwrap();
        let answer = loop {
            let answer = receipt(&mut events).await;
            if answer.get("error").is_some() {
                break answer;
            }
        };
        assert_eq!(answer["error"]["code"], code, "{answer}");
    }
    assert_eq!(
        plant.dead_letters().await,
        ["conflict", "undecodable", "too-large"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn over_mqtt_strangers_are_refused_and_foreign_topics_end_the_connection() {
    let plant = plant();
    let stranger = Device(json!({ "id": plant.device.id(), "secret": "wrong" }));
    let (_client, mut events) = plant.connect(&stranger);
    let refused = events.poll().await;
    assert!(refused.is_err(), "{refused:?}");

    let other = plant.server.add_device("meter-2");
    let (client, mut events) = plant.connect(&plant.device);
    let foreign = batch("b", 1, 1.0);
    client
        .publish(other.topic(), QoS::AtLeastOnce, false, foreign)
        .await
        .unwrap();
    let closed = async { while events.poll().await.is_ok() {} };
    tokio::time::timeout(SOON, closed).await.unwrap();
    assert_eq!(plant.dead_letters().await, ["wrong-topic"]);
    assert_eq!(plant.entries().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_or_revoked_device_loses_its_open_connection() {
    let plant = plant();
    let path = [
        "--org", "northsea", "--site", "plant-1", "--name", "meter-1",
    ];
    for command in ["rotate", "revoke"] {
        let device = if command == "rotate" {
            plant.device.clone()
        } else {
            let rotated = [&["device", "rotate"], &path[..], &["--json"]].concat();
            Device(serde_json::from_str(&plant.server.command(&rotated)).unwrap())
        };
        let (_client, mut events) = plant.connect(&device);
        next(&mut events, |p| {
            matches!(p, Packet::ConnAck(_)).then_some(())
        })
        .await;
        plant
            .server
            .command(&[&["device", command], &path[..]].concat());
        let closed = async { while events.poll().await.is_ok() {} };
        tokio::time::timeout(AT_ONCE, closed).await.unwrap();
        let (status, _) = plant.server.ingest(&device, batch("b", 1, 1.0)).await;
        assert_eq!(status, 401, "{command}");
    }
}
