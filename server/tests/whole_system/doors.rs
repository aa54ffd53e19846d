//! Who may ask from where, and how much.

use std::process::Command;

use crate::support::{Server, batch, data_folder};

/// The answer with its headers, in small letters.
fn curl(arguments: &[&str]) -> String {
    let said = Command::new("curl")
        .args(["-sS", "-i"])
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8_lossy(&said.stdout).to_lowercase()
}

/// Asks until it is refused for asking too much; how often it was answered until then, and the refusal.
fn until_refused(ask: impl Fn(u64) -> String) -> (u64, String) {
    for seq in 0..1_000 {
        let answer = ask(seq);
        if answer.starts_with("http/1.1 429") {
            return (seq, answer);
        }
    }
    panic!("there is no limit")
}

#[test]
fn pages_of_listed_origins_may_ask_and_others_open_no_socket() {
    let data = data_folder();
    let origins = "https://app.example";
    let server = Server::start_with(data.path(), &[("SEALROCK_CORS_ORIGINS", origins)]);
    let (graphql, socket) = (
        format!("{}/graphql", server.http),
        format!("{}/graphql/ws", server.http),
    );
    let asked = "Access-Control-Request-Method: POST";
    let preflight = |origin| curl(&["-X", "OPTIONS", "-H", origin, "-H", asked, &graphql]);
    let listed = preflight("Origin: https://app.example");
    assert!(
        listed.contains("access-control-allow-origin: https://app.example"),
        "{listed}"
    );
    assert!(
        listed.contains("access-control-allow-credentials: true"),
        "{listed}"
    );
    let stranger = preflight("Origin: https://evil.example");
    assert!(
        !stranger.contains("access-control-allow-origin"),
        "{stranger}"
    );

    let upgrade = [
        "-m",
        "2",
        "-H",
        "Connection: Upgrade",
        "-H",
        "Upgrade: websocket",
        "-H",
        "Sec-WebSocket-Version: 13",
        "-H",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "-H",
        "Sec-WebSocket-Protocol: graphql-transport-ws",
        &socket,
    ];
    for (origin, status) in [
        ("Origin: https://app.example", "101"),
        ("Origin: https://evil.example", "403"),
        ("X-Nothing: of a page", "101"),
    ] {
        let answer = curl(&[&["-H", origin], &upgrade[..]].concat());
        assert!(
            answer.starts_with(&format!("http/1.1 {status}")),
            "{origin}: {answer}"
        );
    }
}

#[test]
fn an_address_and_a_device_that_ask_too_much_are_told_when_to_come_again() {
    let data = data_folder();
    let settings = [
        ("SEALROCK_BEHIND_PROXY", "127.0.0.1"),
        ("SEALROCK_STRANGER_RATE", "1"),
        ("SEALROCK_DEVICE_RATE", "1"),
    ];
    let server = Server::start_with(data.path(), &settings);
    server.register_site();
    let device = server.add_device("meter-1");
    let jwks = format!("{}/.well-known/jwks.json", server.http);
    let from = |address: &str| curl(&["-H", &format!("X-Forwarded-For: {address}"), &jwks]);
    let (answered, refusal) = until_refused(|_| from("198.51.100.7"));
    assert!(
        answered >= 10 && refusal.contains("retry-after: "),
        "{answered}: {refusal}"
    );
    assert!(from("198.51.100.8").starts_with("http/1.1 200"));
    // What stands left of what the proxy wrote counts for nothing.
    assert!(from("198.51.100.8, 198.51.100.7").starts_with("http/1.1 429"));

    let (user, url) = (
        format!("{}:{}", device.id(), device.secret()),
        format!("{}/ingest", server.http),
    );
    let (answered, refusal) = until_refused(|seq| {
        let body = batch("boot", seq, 400.0);
        let there = "X-Forwarded-For: 198.51.100.9";
        curl(&[
            "-u",
            &user,
            "-H",
            there,
            "-H",
            "Content-Type: application/json",
            "-d",
            &body,
            &url,
        ])
    });
    assert!(
        answered >= 10 && refusal.contains("retry-after: "),
        "{answered}: {refusal}"
    );
    assert!(refusal.contains("\"code\":\"rate\""), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_and_a_program_that_ask_too_much_are_told_when_to_come_again() {
    let data = data_folder();
    let settings = [
        ("SEALROCK_GRAPHQL_REQUESTS_PER_SECOND", "1"),
        ("SEALROCK_LEDGER_REQUESTS_PER_SECOND", "1"),
    ];
    let server = Server::start_with(data.path(), &settings);
    server.register_site();
    let until = (chrono::Utc::now() + chrono::Duration::days(1)).to_rfc3339();
    let issue =
        "api-key issue northsea --label report --role auditor --permission read-ledger --until";
    let issue: Vec<_> = issue.split(' ').chain([until.as_str()]).collect();
    let key = server.command(&issue);
    let key = key.split_whitespace().nth(2).unwrap().to_owned();
    let token = server.sign_in().await;
    let (viewer, checkpoint) = (
        format!("{}/graphql", server.http),
        format!("{}/ledger/northsea/checkpoint", server.http),
    );
    for bearer in [&token, &key] {
        let bearer = format!("Authorization: Bearer {bearer}");
        let json = "Content-Type: application/json";
        let question = r#"{"query": "{ viewer { actor } }"}"#;
        let (_, refusal) =
            until_refused(|_| curl(&["-H", &bearer, "-H", json, "-d", question, &viewer]));
        assert!(refusal.contains("retry-after: "), "{refusal}");
        assert!(refusal.contains("rate_limited"), "{refusal}");
        let (answered, refusal) = until_refused(|_| curl(&["-H", &bearer, &checkpoint]));
        assert!(answered >= 10, "ten seconds' worth at once: {answered}");
        assert!(refusal.contains("retry-after: "), "{refusal}");
        assert!(refusal.contains("rate-limited"), "{refusal}");
    }
}

#[test]
fn a_device_that_sends_too_much_by_mqtt_waits_and_nothing_is_lost() {
    let data = data_folder();
    let server = Server::start_with(data.path(), &[("SEALROCK_DEVICE_RATE", "2")]);
    server.register_site();
    let file = data.path().join("device.json");
    std::fs::write(&file, server.add_device("meter-1").0.to_string()).unwrap();
    let arguments = "--batches 26 --interval 1ms --credentials";
    let arguments: Vec<_> = arguments
        .split(' ')
        .chain([file.to_str().unwrap()])
        .collect();
    let said = server.command(&[&["simulate"], &arguments[..]].concat());
    assert!(said.contains("26 acknowledged"), "{said}");
    let status = server.command(&["projections", "status"]);
    assert!(status.contains("/29 entries"), "{status}");
}
