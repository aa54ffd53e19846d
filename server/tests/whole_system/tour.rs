//! The newcomer's tour (docs/tour.md), with clients that nobody here wrote: paho-mqtt,
//! `mosquitto_pub`, graphql-ws, aics-tlog, rfc8785.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sealrock_ledger::TilePath;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Device, SOON, Server, batch, data_folder};

/// The programs of `tests/clients`; `make test` installs what they need.
fn client(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(file)
}

fn python() -> Command {
    Command::new(std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned()))
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

fn succeed(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}; run `make test`"));
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    text(&output)
}

fn write(folder: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn add_probe(server: &Server) -> Device {
    let arguments = [
        "device",
        "add",
        "--org",
        "demo",
        "--site",
        "kericho-tea",
        "--name",
        "my-probe",
        "--json",
    ];
    Device(serde_json::from_str(&server.command(&arguments)).unwrap())
}

fn mosquitto_pub(server: &Server, device: &Device, batch: &str) {
    let (host, port) = &server.mqtt;
    let port = port.to_string();
    succeed(Command::new("mosquitto_pub").args([
        "-V",
        "311",
        "-q",
        "1",
        "-h",
        host,
        "-p",
        &port,
        "-u",
        device.id(),
        "-P",
        device.secret(),
        "-t",
        device.topic(),
        "-m",
        batch,
    ]));
}

/// The values of the probe's readings as a query answers them.
async fn values(server: &Server, token: &str, device: &Device) -> Vec<Value> {
    let query = "query($device: ID!, $from: DateTime!, $to: DateTime!) {
        readings(device: $device, metric: \"co2_ppm\", from: $from, to: $to) {
            nodes { value provenance { ledger indexes } } } }";
    let variables = json!({
        "device": device.id(), "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z",
    });
    let answer = server.graphql(Some(token), query, variables).await;
    let nodes = answer["data"]["readings"]["nodes"].as_array();
    nodes
        .unwrap_or_else(|| panic!("{answer}"))
        .iter()
        .map(|node| node["value"].clone())
        .collect()
}

async fn until_values(server: &Server, token: &str, device: &Device, wanted: &[f64]) {
    let begun = Instant::now();
    loop {
        let found = values(server, token, device).await;
        if found == wanted.iter().map(|value| json!(value)).collect::<Vec<_>>() {
            return;
        }
        assert!(begun.elapsed() < SOON, "{found:?}, not {wanted:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Read models go on one by one: that the reading is there does not mean that the gap is.
async fn until_gap(server: &Server, token: &str, device: &Device, (from, to): (u64, u64)) {
    let query = "query($id: ID!) { device(id: $id) { gaps { boot fromSeq toSeq open } } }";
    let wanted = json!([{ "boot": "tour", "fromSeq": from, "toSeq": to, "open": true }]);
    let begun = Instant::now();
    loop {
        let answer = server
            .graphql(Some(token), query, json!({ "id": device.id() }))
            .await;
        if answer["data"]["device"]["gaps"] == wanted {
            return;
        }
        assert!(begun.elapsed() < SOON, "{answer}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// npm graphql-ws, subscribed to a device's readings from the ledger's start. Dropping it ends it.
struct Subscriber {
    process: Child,
    results: mpsc::Receiver<String>,
}

impl Subscriber {
    async fn start(server: &Server, token: &str, device: &Device) -> Self {
        let query = "{ ledger(name: \"demo\") { start } }";
        let answer = server.graphql(Some(token), query, json!({})).await;
        let start = answer["data"]["ledger"]["start"]
            .as_str()
            .unwrap()
            .to_owned();
        let socket = server.http.replace("http://", "ws://") + "/graphql/ws";
        let subscription = format!(
            "subscription {{ readings(organisation: \"demo\", device: \"{}\", after: \"{start}\") \
             {{ value }} }}",
            device.id()
        );
        let mut process = Command::new("node")
            .arg(client("subscribe.mjs"))
            .args([&socket, token, &subscription])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = process.stdout.take().unwrap();
        let (sender, results) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { process, results }
    }

    /// The next reading's value.
    fn next(&mut self) -> Value {
        let line = self.results.recv_timeout(SOON).unwrap();
        let result: Value = serde_json::from_str(&line).unwrap();
        result["data"]["readings"]["value"].clone()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Flips one bit in the middle of the entry at `index` of an export.
fn flip(export: &Path, size: u64, index: u64) {
    let (n, width) = TilePath::bundles(size)
        .nth(usize::try_from(index / 256).unwrap())
        .unwrap();
    let path = export.join(TilePath::Entries { n, width }.to_string());
    let mut bundle = std::fs::read(&path).unwrap();
    let mut at = 0;
    for _ in 0..index % 256 {
        at += 2 + usize::from(u16::from_be_bytes([bundle[at], bundle[at + 1]]));
    }
    bundle[at + 100] ^= 1;
    std::fs::write(path, bundle).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newcomers_tour_works_from_the_demo_to_the_auditor() {
    let (data, files) = (data_folder(), tempfile::tempdir().unwrap());
    let server = Server::demo(data.path(), &[]);
    let password = server.admin_password.clone();
    let token = server.sign_in().await;
    let probe = add_probe(&server);

    // A batch by paho-mqtt (MQTT 5), one by mosquitto_pub (MQTT 3.1.1).
    let credentials = write(&files, "probe.json", &probe.0.to_string());
    let first = write(&files, "batch.json", &batch("tour", 1, 412.5));
    let published = succeed(
        python()
            .arg(client("publish.py"))
            .arg(&credentials)
            .arg(&first),
    );
    assert!(
        published.contains("PUBACK") && published.contains("\"index\""),
        "{published}"
    );
    mosquitto_pub(&server, &probe, &batch("tour", 2, 413.5));

    until_values(&server, &token, &probe, &[412.5, 413.5]).await;

    // graphql-ws gets both from the ledger's start on, and a third that comes while it listens.
    let mut subscriber = Subscriber::start(&server, &token, &probe).await;
    assert_eq!(subscriber.next(), json!(412.5));
    assert_eq!(subscriber.next(), json!(413.5));
    mosquitto_pub(&server, &probe, &batch("tour", 3, 414.5));
    assert_eq!(subscriber.next(), json!(414.5));
    drop(subscriber);

    // kill -9, restart: everything is there, and the device goes on with a gap that is visible.
    server.kill();
    let mut server = Server::start(data.path());
    assert_eq!(
        server.admin_password, None,
        "the administrator was made at the first start"
    );
    server.admin_password = password;
    let token = server.sign_in().await;
    mosquitto_pub(&server, &probe, &batch("tour", 6, 415.5));
    until_values(&server, &token, &probe, &[412.5, 413.5, 414.5, 415.5]).await;
    until_gap(&server, &token, &probe, (4, 5)).await;

    // An auditor's check, by our own program and by others.
    let export = files.path().join("export");
    let path = export.to_str().unwrap();
    let exported: Value =
        serde_json::from_str(&server.command(&["export", "demo", path, "--json"])).unwrap();
    let size = exported["size"].as_u64().unwrap();
    assert!(server.command(&["verify", path]).contains("verified"));
    let checked = succeed(python().arg(client("check_export.py")).arg(&export));
    assert!(
        checked.contains(&format!("{size} entries are canonical")),
        "{checked}"
    );
    server.command(&["fsck", "demo"]);

    // One flipped byte names the entry.
    let damaged = size / 2;
    flip(&export, size, damaged);
    let verified = server.run(&["verify", path, "--json"]);
    assert_eq!(verified.status.code(), Some(1), "{}", text(&verified));
    let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{report}");
    assert_eq!(findings[0]["index"], damaged, "{report}");
    server.stop();
}
