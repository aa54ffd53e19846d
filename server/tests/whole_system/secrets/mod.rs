//! What servers write to their logs: everything but secrets.

mod people;

use std::collections::BTreeMap;
use std::path::Path;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::{Device, Server, batch, data_folder};

/// All of ours, and every statement.
const EVERYTHING: &str = "info,sqlx=debug,sealrock=trace,sealrock_access=trace,sealrock_audit=trace,\
    sealrock_commands=trace,sealrock_eventstore=trace,sealrock_graphql=trace,sealrock_ingest=trace,\
    sealrock_ledger=trace,sealrock_postgres=trace,sealrock_projections=trace";

/// Fields whose values are secrets, wherever a program or an answer tells them.
const SECRET: [&str; 9] = [
    "accessToken",
    "apiKey",
    "password",
    "recoveryCodes",
    "refreshToken",
    "secret",
    "token",
    "totpSecret",
    "uri",
];

/// What the run must have made of secrets, at least one each.
const KINDS: [&str; 15] = [
    "accessToken",
    "API key",
    "chosen password",
    "cookie",
    "first password",
    "invitation",
    "key northsea.",
    "key second-factor",
    "key token.key",
    "key token.next.key",
    "password",
    "recoveryCodes",
    "secret",
    "uri",
    "wrong password",
];

/// Every secret that was made, by what it is.
#[derive(Default)]
struct Made(BTreeMap<String, String>);

impl Made {
    fn keep(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= 8, "{name} {secret:?} could be in any log");
        let number = self.0.len();
        self.0.insert(format!("{name} {number}"), secret.to_owned());
    }

    /// Keeps what an answer tells.
    fn told(&mut self, answer: &Value) {
        match answer {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (value, SECRET.contains(&name.as_str())) {
                        (Value::String(secret), true) => self.keep(name, secret),
                        (Value::Array(secrets), true) => {
                            let secrets = secrets.iter().filter_map(Value::as_str);
                            secrets.for_each(|secret| self.keep(name, secret));
                        }
                        _ => self.told(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.told(item)),
            _ => {}
        }
    }
}

/// As `sealrock … --json` prints it.
fn command(server: &Server, made: &mut Made, arguments: &[&str]) -> Value {
    let answer = serde_json::from_str(&server.command(arguments)).unwrap();
    made.told(&answer);
    answer
}

async fn ask(server: &Server, made: &mut Made, token: Option<&str>, query: &str) -> Value {
    let answer = server.graphql(token, query, json!({})).await;
    made.told(&answer);
    answer
}

/// Devices sign in over HTTP and MQTT, rightly and wrongly; one's secret is rotated.
async fn devices(server: &Server, made: &mut Made) {
    let device = server.add_device("meter-7");
    made.told(&device.0);
    let (status, receipt) = server.ingest(&device, batch("b", 1, 400.0)).await;
    assert_eq!(status, 200, "{receipt}");
    let mut wrong = device.0.clone();
    wrong["secret"] = json!("not-the-secret-of-this-device");
    made.told(&wrong);
    let (status, _) = server
        .ingest(&Device(wrong.clone()), batch("b", 2, 400.0))
        .await;
    assert_eq!(status, 401);
    for device in [&device, &Device(wrong)] {
        let (host, port) = &server.mqtt;
        let port = port.to_string();
        let to = [
            "-h",
            host,
            "-p",
            &port,
            "-q",
            "1",
            "-u",
            device.id(),
            "-P",
            device.secret(),
        ];
        let what = ["-t", device.topic(), "-m", "{}"];
        let mut client = std::process::Command::new("mosquitto_pub");
        client.args(to).args(what).output().unwrap();
    }
    let of = [
        "--org", "northsea", "--site", "plant-1", "--name", "meter-7", "--json",
    ];
    command(server, made, &[&["device", "rotate"], &of[..]].concat());
}

/// A socket whose client proves itself in the handshake and again in a message.
async fn socket(server: &Server, token: &str) {
    let url = server.http.replace("http://", "ws://") + "/graphql/ws";
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert(
        "sec-websocket-protocol",
        "graphql-transport-ws".parse().unwrap(),
    );
    let bearer = format!("Bearer {token}");
    headers.insert("authorization", bearer.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let payload = json!({ "authorization": bearer });
    for kind in ["connection_init", "ping", "connection_init"] {
        let message = json!({ "type": kind, "payload": payload }).to_string();
        if socket.send(Message::text(message)).await.is_err() {
            break;
        }
    }
    while let Some(Ok(frame)) = socket.next().await {
        assert!(
            !frame.to_string().contains(token),
            "a token is not said again"
        );
    }
}

/// Somebody who puts secrets where they do not belong: into the query, and into the path.
async fn asked_by_mistake(server: &Server, made: &mut Made) {
    let secret = sealrock_access::ApiKeySecret::generate().reveal();
    made.keep("misplaced API key", &secret);
    for place in ["graphql?access_token=", "ledger/northsea/", "nowhere/"] {
        let url = format!("{}/{place}{}", server.http, &*secret);
        let answer = reqwest::get(url).await.unwrap();
        assert!(answer.status().is_client_error(), "{place}");
    }
}

fn search(log: &str, made: &Made) {
    for (name, secret) in &made.0 {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(
            line.is_none(),
            "{name} stands in the log: {}",
            line.unwrap_or_default()
        );
    }
}

/// Private keys that a server has made in its data folder.
fn key_files(folder: &Path, made: &mut Made) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let secret = text.lines().find(|line| !line.starts_with("-----"));
        if let Some(secret) = secret.filter(|line| line.len() >= 16) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            made.keep(&format!("key {name}"), secret);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_that_a_server_made_or_was_told_stands_in_its_log() {
    let (data, log) = (data_folder(), tempfile::NamedTempFile::new().unwrap());
    let environment = [("SEALROCK_LOG", EVERYTHING)];
    let server = Server::start_logging(data.path(), &environment, log.path());
    server.register_site();
    let mut made = Made::default();
    let token = people::administrator(&server, &mut made).await;
    people::member(&server, &mut made).await;
    people::program(&server, &mut made).await;
    devices(&server, &mut made).await;
    socket(&server, &token).await;
    asked_by_mistake(&server, &mut made).await;
    server.stop();
    key_files(&data.path().join("keys"), &mut made);
    for kind in KINDS {
        let of_kind = made.0.keys().filter(|name| name.starts_with(kind));
        assert!(of_kind.count() > 0, "none was made: {kind}");
    }

    let log = std::fs::read_to_string(log.path()).unwrap();
    for said in ["TRACE", "socket closed", "sqlx::query", "answered"] {
        assert!(log.contains(said), "the log says little: no {said}");
    }
    search(&log, &made);
}
