//! A server that takes from somebody else's broker, and topics of other makes on both.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use sealrock_testkit::Mosquitto;
use serde_json::Value;

use crate::support::{SOON, Server, data_folder};

/// As the operator's guide has it.
const LASTING: &[&str] = &[
    "persistence true",
    "max_inflight_messages 0",
    "max_queued_messages 10000000",
    "max_packet_size 1114112",
];

const TOPICS: &str = r#"[{pattern="vidyutai/{site}/{asset}/{metric}",organisation="northsea"}]"#;

fn publish(port: u16, arguments: &[&str]) -> Output {
    Command::new("mosquitto_pub")
        .args([
            "-h",
            "127.0.0.1",
            "-V",
            "5",
            "-q",
            "1",
            "-p",
            &port.to_string(),
        ])
        .args(arguments)
        .output()
        .unwrap()
}

fn published(port: u16, arguments: &[&str]) {
    let output = publish(port, arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn message(value: u32) -> String {
    format!(r#"{{"timestamp":"2026-11-21T03:12:45Z","value":{value},"unit":"kW"}}"#)
}

/// How many batches the ledger holds; waits until there are so many.
async fn batches(data: &Path, expected: i64) -> i64 {
    let url = sealrock_postgres::attach(&data.join("postgres")).unwrap();
    let pool = sealrock_eventstore::connect_as_login(&url, 1)
        .await
        .unwrap();
    let begun = Instant::now();
    let count = loop {
        let count = sqlx::query_scalar("SELECT count(*) FROM sealrock.batch_payloads");
        let count: i64 = count.fetch_one(&pool).await.unwrap();
        if count >= expected || begun.elapsed() > SOON {
            break count;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    pool.close().await;
    count
}

#[tokio::test]
async fn a_server_that_is_killed_again_and_again_records_what_an_external_broker_has_once() {
    let (data, mosquitto) = (data_folder(), Mosquitto::start(LASTING));
    let url = format!("mqtt://{}", mosquitto.address());
    let environment = [
        ("SEALROCK_MQTT_URL", url.as_str()),
        ("SEALROCK_TOPICS", TOPICS),
    ];
    let start = || Server::start_with(data.path(), &environment);
    let mut server = start();
    server.register_site();
    let device = server.add_device("meter-1");
    let mut expected = 0;
    for round in 0..3 {
        // The session is there from the first connection on.
        published(
            mosquitto.port(),
            &[
                "-t",
                "vidyutai/plant-1/meter-1/grid_power",
                "-m",
                &message(round),
            ],
        );
        expected += 1;
        assert_eq!(batches(data.path(), expected).await, expected);
        for number in 0..40 {
            let value = message(1_000 * (round + 1) + number);
            published(
                mosquitto.port(),
                &["-t", "vidyutai/plant-1/meter-1/pv_generation", "-m", &value],
            );
            expected += 1;
            if number == 20 {
                server.kill();
                server = start();
            }
        }
    }
    assert_eq!(batches(data.path(), expected).await, expected);

    // The embedded broker reads the same topics, from the device that they name.
    let (_, port) = server.mqtt.clone();
    let signed_in = ["-u", device.id(), "-P", device.secret()];
    let of = |asset: &str| format!("vidyutai/plant-1/{asset}/battery_soc");
    let sent = |topic: &str| {
        let message = message(81);
        publish(
            port,
            &[&signed_in[..], &["-t", topic, "-m", &message]].concat(),
        )
    };
    assert!(sent(&of("meter-1")).status.success());
    sent(&of("meter-2"));
    assert_eq!(batches(data.path(), expected + 1).await, expected + 1);
    let letters = server.command(&["dead-letters", "northsea", "--json"]);
    let letters: Value = serde_json::from_str(&letters).unwrap();
    assert_eq!(letters[0]["reason"], "wrong-topic", "{letters}");
    server.command(&["fsck", "northsea"]);
    let doctor: Value = serde_json::from_str(&server.command(&["doctor", "--json"])).unwrap();
    let broker = doctor
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["name"] == "broker");
    assert_eq!(broker.unwrap()["good"], true, "{doctor}");

    let export = data.path().join("export");
    let export = export.to_str().unwrap();
    server.command(&["export", "northsea", export]);
    server.command(&["verify", export]);
    server.stop();
}
