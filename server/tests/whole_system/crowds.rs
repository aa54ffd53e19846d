//! What one address may take of the doors, by TLS and in plain.

use std::net::TcpStream;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::encrypted::{Town, launched};
use crate::support::{SOON, Server, batch, data_folder};

fn curl(arguments: &[&str]) -> Output {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-i"]).args(arguments).output().unwrap()
}

/// What was answered, and nothing if there was no connection.
fn text(said: &Output) -> String {
    String::from_utf8_lossy(&said.stdout).into_owned()
}

fn crowd(server: &Server, curl: impl Fn(&[&str]) -> Output) {
    let (_, address) = server.http.split_once("://").unwrap();
    let url = format!("{}/livez", server.http);
    // From wherever the kernel says, and from another address.
    let here = || text(&curl(&[&url]));
    let elsewhere = text(&curl(&["--interface", "127.0.0.2", &url]));
    assert!(elsewhere.starts_with("HTTP/1.1 200"), "{elsewhere}");
    assert!(here().starts_with("HTTP/1.1 200"));

    let begun = Instant::now();
    let mut crowd = Vec::new();
    // Those who have just gone may still have places when the first ones come.
    while !here().is_empty() {
        assert!(begun.elapsed() < SOON, "an address may have all places");
        crowd.extend((0..4).map(|_| TcpStream::connect(address).unwrap()));
    }
    let elsewhere = text(&curl(&["--interface", "127.0.0.2", &url]));
    assert!(elsewhere.starts_with("HTTP/1.1 200"), "{elsewhere}");
    drop(crowd);
    while !here().starts_with("HTTP/1.1 200") {
        assert!(begun.elapsed() < SOON, "who has left keeps his place");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_address_that_takes_all_that_it_may_keeps_no_other_out() {
    let limit = ("SEALROCK_ADDRESS_CONNECTIONS", "4");
    let data = data_folder();
    crowd(&Server::start_with(data.path(), &[limit]), curl);

    let (town, data) = (Town::new(), data_folder());
    let mut settings = town.settings();
    settings.push((limit.0, limit.1.to_owned()));
    // The name in the certificate is that of one address.
    crowd(&launched(data.path(), &settings), |arguments| {
        town.curl(arguments)
    });
}

#[test]
fn a_page_of_our_host_in_plain_opens_no_socket_where_we_speak_tls() {
    let (town, data) = (Town::new(), data_folder());
    let server = launched(data.path(), &town.settings());
    let socket = format!("{}/graphql/ws", server.http);
    let opens = |origin: &str| {
        let origin = format!("Origin: {origin}");
        let headers = [
            origin.as_str(),
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol: graphql-transport-ws",
        ];
        let headers = headers.iter().flat_map(|header| ["-H", header]);
        let rest = ["--http1.1", "-m", "2", &socket];
        text(&town.curl(&headers.chain(rest).collect::<Vec<_>>()))
    };
    let own = opens(&server.http);
    assert!(own.starts_with("HTTP/1.1 101"), "{own}");
    let plain = opens(&server.http.replace("https://", "http://"));
    assert!(plain.starts_with("HTTP/1.1 403"), "{plain}");
}

/// Asks until it is refused for asking too much; how often it was answered.
fn until_refused(ask: impl Fn() -> String) -> usize {
    let answered = (0..1_000).find(|_| ask().starts_with("HTTP/1.1 429"));
    answered.expect("there is a limit")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_up_word_proves_nothing_and_who_has_proved_himself_goes_on() {
    let data = data_folder();
    let server = Server::start_with(data.path(), &[("SEALROCK_STRANGER_RATE", "1")]);
    server.register_site();
    let device = server.add_device("meter-1");
    let token = server.sign_in().await;
    let bearer = format!("Authorization: Bearer {token}");
    let graphql = format!("{}/graphql", server.http);
    let checkpoint = format!("{}/ledger/northsea/checkpoint", server.http);
    let (json, query) = (
        "Content-Type: application/json",
        r#"{"query":"{ viewer { actor } }"}"#,
    );
    let ask = || text(&curl(&["-H", &bearer, "-H", json, "-d", query, &graphql]));
    let read = || text(&curl(&["-H", &bearer, &checkpoint]));
    let (user, ingest) = (
        format!("{}:{}", device.id(), device.secret()),
        format!("{}/ingest", server.http),
    );
    let send = |seq| {
        text(&curl(&[
            "-u",
            &user,
            "-H",
            json,
            "-d",
            &batch("boot", seq, 1.0),
            &ingest,
        ]))
    };
    for answer in [ask(), send(1)] {
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    let jwks = format!("{}/.well-known/jwks.json", server.http);
    let made_up = ["-H", "Authorization: Bearer let me in", &jwks];
    until_refused(|| text(&curl(&made_up)));
    for seq in 2..20 {
        for answer in [ask(), read(), send(seq)] {
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
    }
}
