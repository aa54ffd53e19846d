//! The protocol in raw frames, over a real socket.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use sealrock_access::Principal;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::endpoint::Limits;
use crate::rates::Rates;
use crate::testing::Server;

mod standing;

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn connect(server: &Server) -> Self {
        let mut request = format!("ws://{}/graphql/ws", server.address)
            .into_client_request()
            .unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (socket, response) = connect_async(request).await.unwrap();
        assert_eq!(
            response.headers()["sec-websocket-protocol"],
            "graphql-transport-ws"
        );
        Self(socket)
    }

    /// A connection that is acknowledged.
    async fn ready(server: &Server) -> Self {
        let mut client = Self::connect(server).await;
        client.say(&init(server)).await;
        assert_eq!(client.hear().await, json!({"type": "connection_ack"}));
        client
    }

    async fn say(&mut self, message: &Value) {
        self.0
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(&json!({"id": id, "type": "subscribe", "payload": {"query": query}}))
            .await;
    }

    async fn frame(&mut self) -> Message {
        timeout(Duration::from_secs(10), self.0.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
    }

    async fn hear(&mut self) -> Value {
        serde_json::from_str(self.frame().await.to_text().unwrap()).unwrap()
    }

    /// The code that the server closes with; text before it is skipped.
    async fn closed(&mut self) -> u16 {
        self.closed_because().await.0
    }

    /// The same with its reason.
    async fn closed_because(&mut self) -> (u16, String) {
        loop {
            match self.frame().await {
                Message::Close(frame) => {
                    let frame = frame.unwrap();
                    return (frame.code.into(), frame.reason.to_string());
                }
                other => assert!(!other.is_binary(), "{other:?}"),
            }
        }
    }
}

fn init(server: &Server) -> Value {
    let authorization = format!("Bearer {}", server.token);
    json!({"type": "connection_init", "payload": {"authorization": authorization}})
}

fn next(id: &str, field: &str, value: impl Into<Value>) -> Value {
    json!({"id": id, "type": "next", "payload": {"data": {field: value.into()}}})
}

fn complete(id: &str) -> Value {
    json!({"id": id, "type": "complete"})
}

#[tokio::test]
async fn a_client_that_does_not_offer_the_protocol_gets_no_socket() {
    let server = Server::start().await;
    for offered in [None, Some("graphql-ws")] {
        let mut request = format!("ws://{}/graphql/ws", server.address)
            .into_client_request()
            .unwrap();
        if let Some(offered) = offered {
            request
                .headers_mut()
                .insert("sec-websocket-protocol", offered.parse().unwrap());
        }
        let refused = connect_async(request).await.unwrap_err();
        let Error::Http(response) = refused else {
            panic!("{refused}")
        };
        assert_eq!(response.status(), 400);
    }
}

#[tokio::test]
async fn a_tree_of_fragments_is_refused_before_anybody_follows_it() {
    let server = Server::start().await;
    let mut client = Client::ready(&server).await;
    let fragment = |n: u32| {
        let spread = format!("...A{} ", n + 1).repeat(3);
        format!("fragment A{n} on Query {{ {spread} }} ")
    };
    let fragments: String = (0..29).map(fragment).collect();
    let bomb =
        format!("{{ __typename {{ ...A0 }} }} {fragments} fragment A29 on Query {{ ...Nope }}");
    client.subscribe("a", &bomb).await;
    let refused = client.hear().await;
    assert_eq!(refused["type"], "error", "{refused}");
    assert_eq!(
        refused["payload"][0]["extensions"]["code"],
        "GRAPHQL_VALIDATION_FAILED"
    );
}

#[tokio::test]
async fn each_item_of_a_subscription_is_paid_for_and_waits_until_it_can_be() {
    let five = NonZeroU32::new(5).unwrap();
    let server = Server::built(Limits::default(), |endpoint| {
        endpoint.rates = Arc::new(Rates::new(NonZeroU32::MAX, five));
    })
    .await;
    let mut client = Client::ready(&server).await;
    client
        .subscribe("a", "subscription { count(to: 99) }")
        .await;
    for number in 1..=5 {
        assert_eq!(client.hear().await["payload"]["data"]["count"], number);
    }
    // The next may be paid for twelve seconds later.
    let more = timeout(Duration::from_millis(700), client.0.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn a_subscription_sends_each_item_and_then_completes() {
    let server = Server::start().await;
    let mut client = Client::ready(&server).await;
    client.subscribe("a", "subscription { count(to: 3) }").await;
    for number in 1..=3 {
        assert_eq!(client.hear().await, next("a", "count", number));
    }
    assert_eq!(client.hear().await, complete("a"));
    // The id is free again as soon as the client has read that.
    client.subscribe("a", "subscription { count(to: 1) }").await;
    assert_eq!(client.hear().await, next("a", "count", 1));
}

#[tokio::test]
async fn queries_and_mutations_run_over_the_socket_too() {
    let server = Server::start().await;
    let mut client = Client::ready(&server).await;
    client.subscribe("q", "{ actor }").await;
    assert_eq!(client.hear().await, next("q", "actor", "service/tester"));
    assert_eq!(client.hear().await, complete("q"));
    client
        .subscribe("m", "mutation { increment(number: 41) }")
        .await;
    assert_eq!(client.hear().await, next("m", "increment", 42));
    assert_eq!(client.hear().await, complete("m"));
}

#[tokio::test]
async fn operations_on_one_socket_do_not_wait_for_each_other() {
    let server = Server::start().await;
    let mut client = Client::ready(&server).await;
    client.subscribe("idle", "subscription { forever }").await;
    client.subscribe("b", "subscription { count(to: 1) }").await;
    assert_eq!(client.hear().await, next("b", "count", 1));
}

#[tokio::test]
async fn a_completed_operation_sends_nothing_more() {
    let server = Server::start().await;
    let mut client = Client::ready(&server).await;
    client.subscribe("f", "subscription { flood }").await;
    assert_eq!(client.hear().await["id"], "f");
    client.say(&complete("f")).await;
    client.say(&complete("never started")).await;
    client.say(&json!({"type": "ping"})).await;
    while client.hear().await["type"] != "pong" {}
    client.subscribe("f", "{ actor }").await;
    assert_eq!(client.hear().await, next("f", "actor", "service/tester"));
}

#[tokio::test]
async fn a_document_that_cannot_run_is_answered_with_error_and_nothing_else() {
    let server = Server::start().await;
    let mut client = Client::ready(&server).await;
    let cases = [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
    ];
    for (query, code) in cases {
        client.subscribe("e", query).await;
        let error = client.hear().await;
        assert_eq!(
            (&error["type"], &error["id"]),
            (&json!("error"), &json!("e"))
        );
        assert_eq!(error["payload"][0]["extensions"]["code"], code, "{error}");
    }
    client.subscribe("e", "{ actor }").await;
    assert_eq!(client.hear().await["type"], "next");
}

#[tokio::test]
async fn an_operation_that_fails_half_way_is_next_with_errors() {
    let server = Server::start().await;
    let mut client = Client::ready(&server).await;
    client.subscribe("h", "{ failing }").await;
    let answer = client.hear().await;
    assert_eq!(answer["type"], "next");
    assert_eq!(answer["payload"]["errors"][0]["path"], json!(["failing"]));
    assert_eq!(client.hear().await, complete("h"));
}

#[tokio::test]
async fn a_ping_is_answered_with_its_payload_even_before_init() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client
        .say(&json!({"type": "ping", "payload": {"n": 1}}))
        .await;
    assert_eq!(
        client.hear().await,
        json!({"type": "pong", "payload": {"n": 1}})
    );
    client.say(&json!({"type": "pong"})).await;
    client.say(&json!({"type": "ping"})).await;
    assert_eq!(client.hear().await, json!({"type": "pong"}));
}

#[tokio::test]
async fn no_init_in_time_closes_with_4408() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.closed().await, 4408);
}

#[tokio::test]
async fn a_second_init_closes_with_4429() {
    let server = Server::start().await;
    let mut client = Client::ready(&server).await;
    client.say(&init(&server)).await;
    assert_eq!(client.closed().await, 4429);
}

#[tokio::test]
async fn an_operation_before_the_acknowledgement_closes_with_4401() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.subscribe("a", "{ actor }").await;
    assert_eq!(client.closed().await, 4401);
}

#[tokio::test]
async fn an_init_without_a_good_token_closes_with_4403() {
    let server = Server::start().await;
    for payload in [
        json!(null),
        json!({}),
        json!({"authorization": "Bearer a.b.c"}),
        json!({"authorization": 1}),
    ] {
        let mut client = Client::connect(&server).await;
        client
            .say(&json!({"type": "connection_init", "payload": payload}))
            .await;
        assert_eq!(client.closed().await, 4403, "{payload}");
    }
}

/// A token of the tester, or of somebody else, that holds for so many seconds more.
fn token(server: &Server, name: &str, seconds: i64) -> String {
    let name = name.parse().unwrap();
    let issued = chrono::Utc::now() - chrono::TimeDelta::seconds(600 - seconds);
    let issued = server.tokens.issue_at(&Principal::Service { name }, issued);
    format!("Bearer {}", issued.token)
}

#[tokio::test]
async fn a_socket_is_closed_with_4403_when_its_token_expires() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let authorization = token(&server, "tester", 2);
    client
        .say(&json!({"type": "connection_init", "payload": {"authorization": authorization}}))
        .await;
    assert_eq!(client.hear().await, json!({"type": "connection_ack"}));
    client.subscribe("a", "subscription { forever }").await;
    let (code, reason) = client.closed_because().await;
    assert_eq!(code, 4403);
    assert!(
        reason.contains("expired") && reason.contains("ping"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_socket_lives_on_with_a_new_token_of_the_same_account_in_a_ping() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let short = token(&server, "tester", 2);
    client
        .say(&json!({"type": "connection_init", "payload": {"authorization": short}}))
        .await;
    assert_eq!(client.hear().await, json!({"type": "connection_ack"}));
    client.subscribe("a", "subscription { forever }").await;
    let long = token(&server, "tester", 300);
    client
        .say(&json!({"type": "ping", "payload": {"authorization": long}}))
        .await;
    let pong = client.hear().await;
    assert_eq!(pong["type"], "pong");
    let until = pong["payload"]["expiresAt"].as_str().unwrap();
    assert!(
        until.parse::<chrono::DateTime<chrono::Utc>>().is_ok(),
        "{until}"
    );
    assert!(
        !pong.to_string().contains("Bearer"),
        "a token is not said again"
    );
    // Past the first one's time.
    tokio::time::sleep(Duration::from_secs(4)).await;
    client.subscribe("a", "subscription { forever }").await;
    assert_eq!(client.closed().await, 4409, "the subscription still runs");
}

#[tokio::test]
async fn another_accounts_token_or_a_bad_one_in_a_ping_closes_with_4403() {
    let server = Server::start().await;
    for authorization in [token(&server, "somebody", 300), "Bearer a.b.c".to_owned()] {
        let mut client = Client::ready(&server).await;
        client
            .say(&json!({"type": "ping", "payload": {"authorization": authorization}}))
            .await;
        assert_eq!(client.closed().await, 4403);
    }
}

#[tokio::test]
async fn an_account_has_so_many_subscriptions_on_all_of_its_sockets_and_queries_besides() {
    let limits = Limits {
        subscriptions_per_account: 2,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let (mut one, mut two) = (Client::ready(&server).await, Client::ready(&server).await);
    one.subscribe("a", "subscription { forever }").await;
    one.subscribe("b", "subscription { forever }").await;
    one.subscribe("q", "{ actor }").await;
    assert_eq!(one.hear().await["type"], "next");
    assert_eq!(one.hear().await, complete("q"));
    two.subscribe("c", "subscription { forever }").await;
    let error = two.hear().await;
    assert_eq!(error["type"], "error");
    let extensions = &error["payload"][0]["extensions"];
    assert_eq!(extensions["code"], "TOO_MANY_OPERATIONS");
    assert_eq!(extensions["retryable"], true);
    one.say(&complete("a")).await;
    one.subscribe("q", "{ actor }").await;
    assert_eq!(one.hear().await["type"], "next");
    two.subscribe("c", "subscription { count(to: 1) }").await;
    assert_eq!(two.hear().await, next("c", "count", 1));
}

#[tokio::test]
async fn a_document_beyond_its_limits_is_an_error_of_its_operation() {
    let server = Server::start().await;
    let mut client = Client::ready(&server).await;
    client.subscribe("d", &"{a".repeat(70)).await;
    let error = client.hear().await;
    assert_eq!(
        (&error["type"], &error["id"]),
        (&json!("error"), &json!("d"))
    );
    let code = &error["payload"][0]["extensions"]["code"];
    assert_eq!(code, "DOCUMENT_LIMIT_EXCEEDED");
    let unknown = json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "00"}}});
    client
        .say(&json!({"id": "p", "type": "subscribe", "payload": unknown}))
        .await;
    let error = client.hear().await;
    assert_eq!(error["payload"][0]["message"], "PersistedQueryNotFound");
}

#[tokio::test]
async fn the_id_of_a_running_operation_closes_with_4409() {
    let server = Server::start().await;
    let mut client = Client::ready(&server).await;
    client.subscribe("a", "subscription { forever }").await;
    client.subscribe("a", "subscription { forever }").await;
    assert_eq!(client.closed().await, 4409);
}

#[tokio::test]
async fn what_is_no_message_closes_with_4400() {
    let server = Server::start().await;
    let invalid = [
        "",
        "nonsense",
        "[]",
        "{}",
        r#"{"type":"start"}"#,
        r#"{"type":"subscribe","payload":{"query":"{actor}"}}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{actor}"}}"#,
        r#"{"type":"subscribe","id":"a"}"#,
        r#"{"type":"subscribe","id":"a","payload":{}}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{actor}"}}"#,
        r#"{"type":"ping","payload":1}"#,
        r#"{"type":"complete"}"#,
    ];
    for text in invalid {
        let mut client = Client::ready(&server).await;
        client.0.send(Message::text(text)).await.unwrap();
        assert_eq!(client.closed().await, 4400, "{text}");
    }
    let mut client = Client::ready(&server).await;
    client
        .0
        .send(Message::binary(b"{}".to_vec()))
        .await
        .unwrap();
    assert_eq!(client.closed().await, 4400);
}

/// The head of a frame of that kind, in text of a client, that says how long it is.
fn head(opcode: u8, length: u64) -> Vec<u8> {
    let mut head = vec![0x80 | opcode, 0x80 | 127];
    head.extend(length.to_be_bytes());
    head.extend([0; 4]);
    head
}

#[tokio::test]
async fn what_is_too_long_no_text_or_no_frame_is_closed_with_the_codes_of_websockets() {
    let server = Server::start().await;
    let not_text = [head(1, 2), vec![0xC3, 0x28]].concat();
    for (bytes, code) in [
        (head(1, 2 << 20), 1009),
        (not_text, 1007),
        (head(3, 0), 1002),
    ] {
        let mut client = Client::ready(&server).await;
        let MaybeTlsStream::Plain(stream) = client.0.get_mut() else {
            panic!("it is plain")
        };
        stream.write_all(&bytes).await.unwrap();
        assert_eq!(client.closed().await, code);
    }
}

#[tokio::test]
async fn who_sends_more_than_is_read_hears_that_it_is_too_long() {
    let server = Server::start().await;
    let client = Client::ready(&server).await;
    let (mut sink, mut stream) = client.0.split();
    // What the buffers of the connection do not hold is never taken.
    let sending = async move {
        let _ = sink.send(Message::text("x".repeat(2 << 20))).await;
        std::future::pending::<()>().await;
    };
    let heard = async {
        loop {
            if let Message::Close(frame) = stream.next().await.unwrap().unwrap() {
                return u16::from(frame.unwrap().code);
            }
        }
    };
    let code = tokio::select! {
        () = sending => unreachable!("it waits for the other"),
        code = timeout(Duration::from_mins(1), heard) => code.unwrap(),
    };
    assert_eq!(code, 1009);
}

#[tokio::test]
async fn a_shutdown_closes_with_1001_whether_initialised_or_not() {
    let server = Server::start().await;
    let mut fresh = Client::connect(&server).await;
    let mut ready = Client::ready(&server).await;
    ready.subscribe("a", "subscription { forever }").await;
    server.shutdown.cancel();
    assert_eq!(fresh.closed().await, 1001);
    assert_eq!(ready.closed().await, 1001);
}

#[tokio::test]
async fn one_operation_too_many_is_an_error_and_the_others_go_on() {
    let limits = Limits {
        operations_per_socket: 2,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let mut client = Client::ready(&server).await;
    for id in ["a", "b", "c"] {
        client.subscribe(id, "subscription { forever }").await;
    }
    let error = client.hear().await;
    assert_eq!(
        (&error["type"], &error["id"]),
        (&json!("error"), &json!("c"))
    );
    assert_eq!(
        error["payload"][0]["extensions"]["code"],
        "TOO_MANY_OPERATIONS"
    );
    client.say(&complete("a")).await;
    client.subscribe("c", "{ actor }").await;
    assert_eq!(client.hear().await["type"], "next");
}

/// Its close frame stands behind what it did not read, so it sees 4413 when it reads on.
#[tokio::test]
async fn a_client_that_takes_nothing_is_closed_with_4413() {
    let limits = Limits {
        send_timeout: Duration::from_secs(3),
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let mut client = Client::ready(&server).await;
    client.subscribe("f", "subscription { flood }").await;
    // The server waits three seconds for the client, then three for it to take the close frame: the
    // client reads on in the middle of the latter.
    tokio::time::sleep(Duration::from_millis(4500)).await;
    let read_on = async {
        let mut last = None;
        while let Some(Ok(frame)) = client.0.next().await {
            last = Some(frame);
        }
        last
    };
    let last = timeout(Duration::from_secs(30), read_on).await.unwrap();
    let Some(Message::Close(Some(close))) = last else {
        panic!("closed without a word")
    };
    assert_eq!(u16::from(close.code), 4413);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_told_its_position_and_misses_nothing_after_it() {
    let limits = Limits {
        send_timeout: Duration::from_secs(3),
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let mut client = Client::ready(&server).await;
    let items =
        |after: &str| format!("subscription {{ items(after: \"{after}\") {{ position text }} }}");
    client.subscribe("i", &items("0")).await;
    tokio::time::sleep(Duration::from_millis(4500)).await;
    let (mut read, mut close) = (Vec::new(), None);
    while let Some(Ok(frame)) = client.0.next().await {
        match frame {
            Message::Close(frame) => close = frame,
            Message::Text(text) => {
                let item: Value = serde_json::from_str(&text).unwrap();
                read.push(item["payload"]["data"]["items"]["position"].clone());
            }
            _ => {}
        }
    }
    let close = close.expect("closed with a word");
    assert_eq!(u16::from(close.code), 4413);
    let position = close.reason.rsplit(' ').next().unwrap().to_owned();
    assert_eq!(
        read.last().unwrap(),
        &json!(position),
        "what it was told is what it has"
    );
    let mut again = Client::ready(&server).await;
    again.subscribe("i", &items(&position)).await;
    let following: u64 = position.parse::<u64>().unwrap() + 1;
    let item = again.hear().await;
    assert_eq!(
        item["payload"]["data"]["items"]["position"],
        following.to_string()
    );
}

#[tokio::test]
async fn a_position_that_could_be_another_subscriptions_is_not_named() {
    let limits = Limits {
        send_timeout: Duration::from_secs(3),
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let mut client = Client::ready(&server).await;
    client.subscribe("other", "subscription { forever }").await;
    let items = "subscription { items { position text } }";
    client.subscribe("items", items).await;
    tokio::time::sleep(Duration::from_millis(4500)).await;
    let closed = timeout(Duration::from_mins(1), client.closed_because());
    let (code, reason) = closed.await.unwrap();
    assert_eq!(code, 4413);
    assert!(reason.ends_with("after the last position"), "{reason}");
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_dropped_when_it_does_not_answer() {
    let limits = Limits {
        ping_interval: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let mut client = Client::ready(&server).await;
    assert!(matches!(client.frame().await, Message::Ping(_)));
    // tungstenite answers pings only while it is read.
    tokio::time::sleep(Duration::from_millis(500)).await;
    while let Some(Ok(frame)) = timeout(Duration::from_secs(5), client.0.next())
        .await
        .unwrap()
    {
        assert!(matches!(frame, Message::Ping(_)), "{frame:?}");
    }
}

#[tokio::test]
async fn a_query_on_a_socket_has_the_time_of_a_request_and_a_subscription_has_not() {
    let limits = Limits {
        request_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let mut client = Client::ready(&server).await;
    client.subscribe("s", "subscription { forever }").await;
    client.subscribe("q", "{ endless }").await;
    let error = client.hear().await;
    assert_eq!(
        (&error["type"], &error["id"]),
        (&json!("error"), &json!("q"))
    );
    assert_eq!(error["payload"][0]["extensions"]["code"], "TIMEOUT");
    client.subscribe("s", "subscription { forever }").await;
    assert_eq!(client.closed().await, 4409, "the subscription still runs");
}

#[tokio::test]
async fn queries_beyond_an_accounts_share_wait_and_those_of_other_accounts_do_not() {
    let limits = Limits {
        requests: 3,
        requests_of_one: 2,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let mut client = Client::ready(&server).await;
    for id in ["a", "b"] {
        client.subscribe(id, "{ endless }").await;
    }
    client.subscribe("c", "{ actor }").await;
    let mut other = Client::connect(&server).await;
    let authorization = token(&server, "somebody", 300);
    other
        .say(&json!({"type": "connection_init", "payload": {"authorization": authorization}}))
        .await;
    assert_eq!(other.hear().await, json!({"type": "connection_ack"}));
    other.subscribe("q", "{ actor }").await;
    assert_eq!(other.hear().await, next("q", "actor", "service/somebody"));
    client.say(&complete("a")).await;
    assert_eq!(client.hear().await, next("c", "actor", "service/tester"));
}

#[tokio::test]
async fn one_socket_too_many_is_refused_in_http() {
    let limits = Limits {
        sockets: 1,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let _first = Client::ready(&server).await;
    let request = reqwest::Client::new()
        .get(format!("{}/ws", server.url()))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "graphql-transport-ws");
    let refused = request.send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
}
