//! The reference clients in `clients/`, against the golden frames and against a real server.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sealrock_ledger::decode_payloads;
use sealrock_testkit::DeviceSigner;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Device, Server, data_folder};

const SIGNED: &str = "application/vnd.sealrock.signed-batch";

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients")
}

/// Runs it with this on its standard input; what it printed, and whether it was content.
fn run(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; run `make tools`"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// As [`run`], for what must succeed.
fn succeed(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let output = run(command, input);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}

/// Compiles C as strictly as a firmware's build should; the program.
fn compile(folder: &TempDir, sources: &[&str], libraries: &[&str]) -> PathBuf {
    let program = folder.path().join(sources[0]).with_extension("");
    let sources = sources.iter().map(|name| clients().join("c").join(name));
    let mut cc = Command::new("cc");
    cc.args([
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Wconversion",
        "-Werror",
        "-pedantic",
    ])
    .arg("-o")
    .arg(&program)
    .args(sources)
    .args(libraries);
    succeed(&mut cc, b"");
    program
}

fn c_client(folder: &TempDir) -> PathBuf {
    let sources = ["example.c", "sealrock_device.c", "ed25519_sodium.c"];
    compile(folder, &sources, &["-lsodium"])
}

fn python_client() -> Command {
    let python = std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(python);
    command.arg(clients().join("python/sealrock_device.py"));
    command
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn both_clients_sign_the_golden_frames() {
    let folder = tempfile::tempdir().unwrap();
    let example = c_client(&folder);
    let seed = folder.path().join("seed");
    let golden = include_str!("../../../domain/tests/golden_frames.json");
    let golden: Vec<Value> = serde_json::from_str(golden).unwrap();
    assert!(golden.len() >= 3);
    for frame in golden {
        let field = |name: &str| frame[name].as_str().unwrap();
        let (origin, device) = (field("origin"), field("device"));
        let (batch, wanted) = (hex(field("batch")), hex(field("frame")));
        std::fs::write(&seed, field("seed")).unwrap();
        let mut c = Command::new(&example);
        c.args(["frame", text(&seed), origin, device]);
        assert!(succeed(&mut c, &batch) == wanted, "C: {}", field("name"));
        let mut python = python_client();
        python.args([
            "frame",
            "--key",
            text(&seed),
            "--origin",
            origin,
            "--id",
            device,
        ]);
        assert!(
            succeed(&mut python, &batch) == wanted,
            "Python: {}",
            field("name")
        );
    }
}

#[test]
fn the_batch_builder_in_c_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    let check = compile(&folder, &["check.c", "sealrock_device.c"], &[]);
    let output = run(&mut Command::new(check), b"");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// A server with `northsea/plant-1`, and a folder for what its devices keep.
struct Plant {
    server: Server,
    data: TempDir,
}

fn plant() -> Plant {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    Plant { server, data }
}

impl Plant {
    fn file(&self, name: &str) -> PathBuf {
        self.data.path().join(name)
    }

    /// Registers a device with a key, and writes its credentials into `<name>.json`.
    fn add_signer(&self, name: &str, key: &str) -> Device {
        let arguments = [
            "device", "add", "--org", "northsea", "--site", "plant-1", "--name", name, "--key",
            key, "--json",
        ];
        let credentials = self.server.command(&arguments);
        std::fs::write(self.file(&format!("{name}.json")), &credentials).unwrap();
        Device(serde_json::from_str(&credentials).unwrap())
    }

    fn change_key(&self, command: &str, name: &str, key: &str) -> Value {
        let arguments = [
            "device", command, "--org", "northsea", "--site", "plant-1", "--name", name, "--key",
            key, "--json",
        ];
        serde_json::from_str(&self.server.command(&arguments)).unwrap()
    }

    fn keygen(&self, name: &str) -> PathBuf {
        let file = self.file(name);
        succeed(python_client().args(["keygen", text(&file)]), b"");
        file
    }

    /// Records readings and sends what waits by the Python client; receipts, and whether it was content.
    fn send(&self, name: &str, key: &Path, via: &str, readings: &Value) -> (Vec<Value>, bool) {
        let credentials = self.file(&format!("{name}.json"));
        let state = self.file(&format!("{name}.state"));
        let mut client = python_client();
        client.args(["send", "--via", via, "--key", text(key)]);
        client.args(["--credentials", text(&credentials), "--state", text(&state)]);
        let output = run(&mut client, readings.to_string().as_bytes());
        let lines = String::from_utf8(output.stdout).unwrap();
        assert!(
            !lines.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let receipts = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        (receipts.collect(), output.status.success())
    }

    /// What a device publishes by `mosquitto_pub`, MQTT 3.1.1.
    fn publish(&self, device: &Device, payload: &[u8]) {
        let (host, port) = &self.server.mqtt;
        let mut client = Command::new("mosquitto_pub");
        client.args([
            "-V",
            "311",
            "-q",
            "1",
            "-s",
            "-h",
            host,
            "-p",
            &port.to_string(),
        ]);
        client.args([
            "-u",
            device.id(),
            "-P",
            device.secret(),
            "-t",
            device.topic(),
        ]);
        succeed(&mut client, payload);
    }

    /// Media type and bytes of every payload in a new export, which must verify.
    fn exported(&self, directory: &str) -> Vec<(String, Vec<u8>)> {
        let export = self.file(directory);
        self.server.command(&["export", "northsea", text(&export)]);
        self.server.command(&["verify", text(&export)]);
        let bundle = std::fs::read_dir(export.join("payloads/000.p")).unwrap();
        let bundle = bundle.last().unwrap().unwrap().path();
        let count = text(&bundle).rsplit('/').next().unwrap().parse().unwrap();
        let payloads = decode_payloads(&std::fs::read(&bundle).unwrap(), count).unwrap();
        payloads
            .iter()
            .map(|payload| {
                let payload = payload.shown().unwrap();
                (payload.media.clone(), payload.bytes.clone())
            })
            .collect()
    }
}

#[test]
fn what_a_client_in_c_signs_is_in_the_ledger_as_it_was_sent() {
    let plant = plant();
    let folder = tempfile::tempdir().unwrap();
    let example = c_client(&folder);
    let seed = plant.file("well.seed");
    std::fs::write(
        &seed,
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    )
    .unwrap();
    let said = succeed(Command::new(&example).args(["key", text(&seed)]), b"");
    let said = String::from_utf8(said).unwrap();
    let key = said
        .lines()
        .next()
        .unwrap()
        .trim_start_matches("public key ");
    let device = plant.add_signer("well-1", key);
    let origin = device.0["origin"].as_str().unwrap();

    let build = |seq: &str| {
        let mut build = Command::new(&example);
        build.args(["batch", text(&seed), origin, device.id(), seq]);
        build.args(["pressure=101.325:kPa", "temperature=-3.50:Cel"]);
        succeed(&mut build, b"")
    };
    let frame = build("1");
    plant.publish(&device, &frame);
    plant.publish(&device, &frame);
    // Somebody who has the device's password and another key, or none.
    let other = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
    std::fs::write(&seed, other).unwrap();
    let forged = build("2");
    plant.publish(&device, &forged);
    plant.publish(&device, &forged[73..]);

    let payloads = plant.exported("export");
    assert_eq!(payloads.len(), 4);
    assert_eq!(payloads[3], (SIGNED.to_owned(), frame));
    let letters = plant.server.command(&["dead-letters", "northsea"]);
    assert!(letters.contains("is no key of device well-1"), "{letters}");
    assert!(letters.contains("must be signed"), "{letters}");
}

#[test]
fn the_client_in_python_signs_over_mqtt_and_http_and_changes_over_to_another_key() {
    let plant = plant();
    let (old, new) = (plant.keygen("old.pem"), plant.keygen("new.pem"));
    let public = |key: &Path| format!("{}.pub", text(key));
    let old_id = plant.add_signer("meter-7", &public(&old)).0["key"].clone();
    let readings = |value: f64| json!([{ "metric": "co2_ppm", "value": value, "unit": "ppm" }]);

    let (receipts, content) = plant.send("meter-7", &old, "mqtt", &readings(412.7));
    assert!(content && receipts[0]["seq"] == 1, "{receipts:?}");
    let (receipts, content) = plant.send("meter-7", &old, "http", &readings(413.7));
    assert!(content && receipts[0]["seq"] == 2, "{receipts:?}");

    let added = plant.change_key("rotate-key", "meter-7", &public(&new));
    let (receipts, _) = plant.send("meter-7", &new, "mqtt", &readings(414.7));
    assert!(receipts[0]["index"].as_u64() > added["index"].as_u64());
    let revoked = plant.change_key("revoke-key", "meter-7", old_id.as_str().unwrap());
    assert_eq!(revoked["key"], old_id);
    for via in ["mqtt", "http"] {
        let (receipts, content) = plant.send("meter-7", &old, via, &readings(1.0));
        assert!(!content, "{receipts:?}");
        let message = receipts[0]["error"]["message"].as_str().unwrap();
        assert!(message.contains("was revoked"), "{message}");
    }
    let (receipts, content) = plant.send("meter-7", &new, "http", &readings(415.7));
    assert!(content && receipts[0]["seq"] == 6, "{receipts:?}");

    let payloads = plant.exported("export");
    let frames: Vec<_> = payloads
        .iter()
        .filter(|(media, _)| media == SIGNED)
        .collect();
    assert_eq!(frames.len(), 4);
    for ((_, frame), value) in frames.iter().zip(["412.7", "413.7", "414.7", "415.7"]) {
        let batch = String::from_utf8_lossy(&frame[73..]);
        assert!(frame[0] == 1 && batch.contains(value), "{batch}");
    }
}

#[test]
fn a_simulated_device_whose_credential_has_a_key_signs() {
    let plant = plant();
    let signer = DeviceSigner::new(9);
    let Device(mut credential) = plant.add_signer("meter-9", &signer.public_key());
    credential["signing_key"] = signer.seed().into();
    let file = plant.file("signing.json");
    std::fs::write(&file, credential.to_string()).unwrap();
    let said = plant.server.command(&[
        "simulate",
        "--credentials",
        text(&file),
        "--batches",
        "3",
        "--interval",
        "50ms",
    ]);
    assert!(said.contains("3 acknowledged"), "{said}");
    let payloads = plant.exported("export");
    let frames = payloads.iter().filter(|(media, _)| media == SIGNED);
    assert_eq!(frames.count(), 3);
}
