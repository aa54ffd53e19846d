//! TLS at every door, and devices that sign in by certificates: with curl, openssl and paho.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sealrock_testkit::{Authority, Pair};
use tempfile::TempDir;

use crate::nodes::House;
use crate::support::{Device, SOON, Server, batch, data_folder};

/// An authority, and where certificates lie.
pub struct Town {
    folder: TempDir,
    authority: Authority,
}

impl Town {
    pub fn new() -> Self {
        let town = Self {
            folder: data_folder(),
            authority: Authority::new(),
        };
        town.put("ca.pem", &town.authority.pem());
        town.exchange();
        town
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn file(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A new certificate for the servers.
    fn exchange(&self) {
        let Pair { certificate, key } = self.authority.issue(&["127.0.0.1"], 2090);
        self.put("cert.pem", &certificate);
        self.put("key.pem", &key);
    }

    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SEALROCK_TLS_CERT", self.file("cert.pem")),
            ("SEALROCK_TLS_KEY", self.file("key.pem")),
            ("SEALROCK_DEVICE_CA", self.file("ca.pem")),
            // Whom the commands beside it trust.
            ("SSL_CERT_FILE", self.file("ca.pem")),
        ]
    }

    /// The files of a certificate and its key.
    fn keep(&self, name: &str, pair: &Pair) -> [String; 2] {
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        self.put(&certificate, &pair.certificate);
        self.put(&key, &pair.key);
        [self.file(&certificate), self.file(&key)]
    }

    pub fn curl(&self, arguments: &[&str]) -> Output {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-i", "--cacert"])
            .arg(self.path("ca.pem"));
        curl.args(arguments).output().unwrap()
    }

    /// What openssl says of a handshake.
    fn shake(&self, address: &str, arguments: &[&str]) -> String {
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-connect", address, "-CAfile"]);
        openssl.arg(self.path("ca.pem")).args(arguments);
        let said = openssl.stdin(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned()
    }

    /// paho, as that device at that address.
    fn paho(&self, device: &Device, mqtt: &str, certificate: &[String]) -> Paho {
        let mut credentials = device.0.clone();
        credentials["mqtt"] = mqtt.into();
        let file = self.put(&format!("{}.json", device.id()), &credentials.to_string());
        Paho::start(&file, &self.path("ca.pem"), certificate)
    }
}

/// Without a certificate there is nothing to verify, which openssl calls a success too.
fn is_verified(said: &str) -> bool {
    said.contains("-----BEGIN CERTIFICATE") && said.contains("Verify return code: 0 (ok)")
}

/// An address that nobody listens on, or did a moment ago.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

pub fn launched(data: &Path, settings: &[(&'static str, String)]) -> Server {
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    Server::start_with(data, &settings)
}

fn mqtts(server: &Server) -> String {
    format!("mqtts://{}:{}", server.mqtt.0, server.mqtt.1)
}

/// `stay.py`.
struct Paho {
    child: Child,
    input: ChildStdin,
    said: mpsc::Receiver<String>,
}

impl Paho {
    fn start(credentials: &Path, ca: &Path, certificate: &[String]) -> Self {
        let python = std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/stay.py");
        let mut child = Command::new(python)
            .arg(script)
            .args([credentials, ca])
            .args(certificate)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (teller, said) = mpsc::channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = teller.send(line);
            }
        });
        let input = child.stdin.take().unwrap();
        Self { child, input, said }
    }

    fn says(&self) -> String {
        self.said.recv_timeout(SOON).expect("paho says something")
    }

    fn publish(&mut self, batch: &str) {
        writeln!(self.input, "{batch}").unwrap();
    }
}

impl Drop for Paho {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_certificate_is_exchanged_while_connections_stay_and_nothing_is_said_in_plain() {
    let (town, data) = (Town::new(), data_folder());
    let websocket = free_address();
    let mut settings = town.settings();
    settings.push(("SEALROCK_MQTT_WS", websocket.clone()));
    let server = launched(data.path(), &settings);
    let https = server.http.strip_prefix("https://").unwrap().to_owned();

    let answer = town.curl(&[&format!("{}/readyz", server.http)]);
    let answer = String::from_utf8_lossy(&answer.stdout).to_lowercase();
    for header in [
        "http/1.1 200",
        "strict-transport-security: max-age=31536000",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
        "content-security-policy: default-src 'none'",
        "x-frame-options: deny",
    ] {
        assert!(answer.contains(header), "{header}: {answer}");
    }
    assert!(
        !town
            .curl(&[&format!("http://{https}/readyz")])
            .status
            .success()
    );
    for (version, works) in [("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)] {
        let said = town.shake(&https, &[version, "-alpn", "http/1.1"]);
        assert_eq!(is_verified(&said), works, "{version}: {said}");
    }
    assert!(
        town.shake(&https, &["-alpn", "mqtt"])
            .contains("no application protocol")
    );

    server.register_site();
    let device = server.add_device("meter-1");
    assert_eq!(device.0["mqtt"], mqtts(&server));
    assert_eq!(device.0["http"], format!("{}/ingest", server.http));
    let mut open = town.paho(&device, &mqtts(&server), &[]);
    assert_eq!(open.says(), "connected");
    let by_socket = town.paho(&device, &format!("wss://{websocket}"), &[]);
    assert_eq!(by_socket.says(), "connected");

    let shown = |server: &Server| {
        let said = town.shake(
            &format!("{}:{}", server.mqtt.0, server.mqtt.1),
            &["-alpn", "mqtt"],
        );
        let from = said.find("-----BEGIN").unwrap_or_else(|| panic!("{said}"));
        said[from..said.find("-----END").unwrap()].to_owned()
    };
    let before = shown(&server);
    town.exchange();
    let begun = Instant::now();
    while shown(&server) == before {
        assert!(begun.elapsed() < SOON, "the new certificate is not shown");
        std::thread::sleep(Duration::from_millis(100));
    }
    let now = shown(&server);
    town.put("cert.pem", "broken");
    open.publish(&batch("boot", 1, 400.0));
    assert_eq!(open.says(), "PUBACK");
    assert_eq!(shown(&server), now);

    let file = town.put("simulated.json", &device.0.to_string());
    let said = server.command(&[
        "simulate",
        "--credentials",
        file.to_str().unwrap(),
        "--batches",
        "2",
        "--interval",
        "10ms",
    ]);
    assert!(said.contains("2 acknowledged"), "{said}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_signs_in_by_its_certificate_until_another_node_is_told_otherwise() {
    let (town, house) = (Town::new(), House::new().await);
    let (here, there) = (data_folder(), data_folder());
    let settings = town.settings();
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    let a = house.node_with(here.path(), &settings);
    let b = house.node_with(there.path(), &settings);
    a.register_site();
    let (device, other) = (a.add_device("meter-1"), a.add_device("meter-2"));
    let of = |device: &Device| town.authority.issue(&[device.id()], 2090);
    let own = town.keep("own", &of(&device));
    let not_added = town.keep("not-added", &of(&device));
    let others = town.keep("others", &of(&other));
    let change = |what: &str, name: &str, more: &[&str]| {
        let path = ["--org", "northsea", "--site", "plant-1", "--name", name];
        a.command(&[&["device", what], &path[..], more].concat())
    };
    change("add-certificate", "meter-1", &["--certificate", &own[0]]);
    change("add-certificate", "meter-2", &["--certificate", &others[0]]);

    let mut open = town.paho(&device, &mqtts(&b), &own);
    assert_eq!(open.says(), "connected");
    open.publish(&batch("boot", 1, 400.0));
    assert_eq!(open.says(), "PUBACK");
    let post = |by: &[String; 2], seq: u64| {
        let (url, body) = (format!("{}/ingest", a.http), batch("boot", seq, 401.0));
        let json = "content-type: application/json";
        let said = town.curl(&[
            "--cert", &by[0], "--key", &by[1], "-H", json, "-d", &body, &url,
        ]);
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    let answer = post(&own, 2);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = post(&not_added, 3);
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");

    // Not authorised (135) or bad user name or password (134): the handshake was good.
    for wrong in [&not_added, &others] {
        assert_eq!(town.paho(&device, &mqtts(&b), wrong).says(), "refused 134");
    }
    let expired = town.keep("expired", &town.authority.issue(&[device.id()], 2020));
    let strangers = town.keep("strangers", &Authority::new().issue(&[device.id()], 2090));
    for bad in [&expired, &strangers] {
        let said = town.paho(&device, &mqtts(&b), bad).says();
        assert!(
            said.contains("SSL") || said.contains("disconnected"),
            "{said}"
        );
        assert_eq!(post(bad, 4), "");
    }

    // Administrative action (152).
    change("revoke-certificate", "meter-1", &["--certificate", &own[0]]);
    assert_eq!(open.says(), "disconnected 152");
    assert_eq!(town.paho(&device, &mqtts(&b), &own).says(), "refused 134");

    let by_secret = town.paho(&device, &mqtts(&b), &[]);
    assert_eq!(by_secret.says(), "connected");
    change("rotate", "meter-1", &["--json"]);
    assert_eq!(by_secret.says(), "disconnected 152");

    let by_certificate = town.paho(&other, &mqtts(&b), &others);
    assert_eq!(by_certificate.says(), "connected");
    change("revoke", "meter-2", &[]);
    assert_eq!(by_certificate.says(), "disconnected 152");
    assert_eq!(town.paho(&other, &mqtts(&b), &others).says(), "refused 134");
    change("rotate", "meter-2", &["--json"]);
    let again = town.paho(&other, &mqtts(&b), &others);
    assert_eq!(again.says(), "connected");
    change("decommission", "meter-2", &[]);
    assert_eq!(again.says(), "disconnected 152");
}
