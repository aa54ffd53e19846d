//! Mosquitto as the operator's guide configures it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sealrock_ingest::{ExternalConfig, probe};
use sealrock_testkit::{Mosquitto, database};

use crate::support::*;
use crate::tls::authority;

/// The guide's block that begins with this file's name, with this folder for its own.
fn block(file: &str, folder: &Path) -> String {
    let guide = include_str!("../../../docs/operators-guide.md");
    let begin = format!("```text\n# {file}");
    let block = guide.split_once(&begin).expect("the guide has it").1;
    let block = block.split_once("\n```").unwrap().0;
    let text = block.split_once('\n').unwrap().1;
    text.replace("/etc/mosquitto/certs", &folder.display().to_string())
        .replace("/etc/mosquitto", &folder.display().to_string())
}

/// A broker of the guide, with users `sealrock` and two meters, each with its name for a password.
fn broker(folder: &Path) -> Mosquitto {
    std::fs::write(folder.join("acl"), block("/etc/mosquitto/acl", folder)).unwrap();
    let passwords = folder.join("passwords");
    std::fs::write(&passwords, "").unwrap();
    for user in [
        "sealrock",
        "northsea/plant-1/meter-1",
        "northsea/plant-1/meter-2",
    ] {
        let made = Command::new("mosquitto_passwd")
            .arg("-b")
            .arg(&passwords)
            .args([user, user])
            .status();
        assert!(made.unwrap().success());
    }
    let configuration = block("/etc/mosquitto/conf.d/sealrock.conf", folder);
    // The test's Mosquitto has its own port.
    let lines = configuration
        .lines()
        .filter(|line| !line.starts_with("listener"));
    Mosquitto::start(&lines.collect::<Vec<_>>())
}

/// Publishes as a meter, over TLS; whether the broker allowed it.
fn publish_as(mosquitto: &Mosquitto, folder: &Path, meter: &str, topic: &str) -> bool {
    let user = format!("northsea/plant-1/{meter}");
    let sent = Command::new("mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", &mosquitto.port().to_string()])
        .args(["-V", "5", "-q", "1", "-u", &user, "-P", &user, "-t", topic])
        .arg("--cafile")
        .arg(folder.join("ca.pem"))
        .args(["-m", &String::from_utf8(batch(1)).unwrap()])
        .output()
        .unwrap();
    let warning = String::from_utf8_lossy(&sent.stderr).into_owned();
    assert!(
        warning.is_empty() || warning.contains("Not authorized"),
        "{warning}"
    );
    warning.is_empty()
}

#[tokio::test]
async fn the_guides_mosquitto_lets_each_device_under_its_own_name_and_no_other() {
    let files = authority();
    let folder = files.path();
    let mosquitto = broker(folder);
    let world = World::on(database().await.pool).await;
    let url = format!("mqtts://sealrock:sealrock@{}", mosquitto.address());
    let asked = ExternalConfig {
        url: url.parse().unwrap(),
        ca: Some(folder.join("ca.pem")),
        ..config(&mosquitto, "node-1")
    };
    let findings = probe(&asked).await.unwrap().findings(&asked);
    assert_eq!(findings, [], "{}", mosquitto.log());
    let node = world.consume_connected(&asked).await;
    for (meter, topic, allowed) in [
        ("meter-2", topic("meter-1", "batch"), false),
        ("meter-1", topic("meter-1", "receipt"), false),
        ("meter-1", topic("meter-1", "batch"), true),
        ("meter-2", topic("meter-2", "batch"), true),
    ] {
        let found = publish_as(&mosquitto, folder, meter, &topic);
        assert_eq!(found, allowed, "{meter} to {topic}");
    }
    world.has_recorded(2).await;
    node.stop(Duration::from_secs(10)).await;
    let mut recorded = world.recorded().await;
    recorded.sort();
    let mut expected = [(stream("meter-1"), 1), (stream("meter-2"), 1)];
    expected.sort();
    assert_eq!(recorded, expected);
}
