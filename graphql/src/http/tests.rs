//! The transport over real HTTP. The names in brackets are audits of npm `graphql-http`.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::future;

use reqwest::header::{ACCEPT, ALLOW, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Client, RequestBuilder, Response};
use sealrock_access::{ClientAddress, Principal};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::caller::Caller;
use crate::endpoint::Limits;
use crate::places::Places;
use crate::rates::Rates;
use crate::testing::Server;

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";

async fn start() -> (Server, Client) {
    (Server::start().await, Client::new())
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

fn post(server: &Server, client: &Client, accept: &str, body: &Value) -> RequestBuilder {
    client
        .post(server.url())
        .header(ACCEPT, accept)
        .bearer_auth(&server.token)
        .json(body)
}

fn get(server: &Server, client: &Client) -> RequestBuilder {
    client.get(server.url()).bearer_auth(&server.token)
}

fn header(response: &Response, name: reqwest::header::HeaderName) -> String {
    let value = response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap());
    value.unwrap_or_default().to_owned()
}

async fn code(response: Response) -> Value {
    let body: Value = response.json().await.unwrap();
    body["errors"][0]["extensions"]["code"].clone()
}

/// [22EB 4655 47DE 80D8 82A3]
#[tokio::test]
async fn the_answer_has_the_media_type_that_the_client_accepts() {
    let (server, client) = start().await;
    let wanted = [(GRAPHQL, GRAPHQL), (JSON, JSON), ("*/*", JSON)];
    for (accept, answered) in wanted {
        let response = send(post(
            &server,
            &client,
            accept,
            &json!({"query": "{__typename}"}),
        ))
        .await;
        assert_eq!(response.status(), 200);
        assert_eq!(
            header(&response, CONTENT_TYPE),
            format!("{answered}; charset=utf-8")
        );
        assert_eq!(
            response.json::<Value>().await.unwrap(),
            json!({"data": {"__typename": "Query"}})
        );
    }
    let response = send(post(
        &server,
        &client,
        "image/png",
        &json!({"query": "{__typename}"}),
    ))
    .await;
    assert_eq!(response.status(), 406);
}

/// [2C94 03D4 BF61 78D5 28B9 B8B3 0220]
#[tokio::test]
async fn a_post_with_every_parameter_runs() {
    let (server, client) = start().await;
    let body = json!({
        "query": "query A { actor } query B($t: String!) { echo(text: $t) }",
        "operationName": "B", "variables": {"t": "grüße"}, "extensions": {"trace": 1}
    });
    let response: Value = send(post(&server, &client, GRAPHQL, &body))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(response, json!({"data": {"echo": "grüße"}}));
    let nulls =
        json!({"query": "{actor}", "operationName": null, "variables": null, "extensions": null});
    let response: Value = send(post(&server, &client, GRAPHQL, &nulls))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(response, json!({"data": {"actor": "service/tester"}}));
}

/// [A5BF 423L LKJ0-3 6C00-3 4760-3 58B0-3 B6DC BCF8 8764 3E3A]
#[tokio::test]
async fn what_is_no_graphql_request_is_400_in_either_media_type() {
    let (server, client) = start().await;
    let mut bodies = vec![
        String::new(),
        "{".into(),
        "[]".into(),
        "1".into(),
        "{}".into(),
    ];
    for wrong in ["1", "true", "[]", "{}"] {
        bodies.push(format!(r#"{{"query":{wrong}}}"#));
        bodies.push(format!(
            r#"{{"query":"{{actor}}","operationName":{wrong}}}"#
        ));
    }
    for wrong in ["1", "true", "[]", r#""text""#] {
        bodies.push(format!(r#"{{"query":"{{actor}}","variables":{wrong}}}"#));
        bodies.push(format!(r#"{{"query":"{{actor}}","extensions":{wrong}}}"#));
    }
    for body in bodies {
        for accept in [JSON, GRAPHQL] {
            let request = client
                .post(server.url())
                .header(ACCEPT, accept)
                .header(CONTENT_TYPE, JSON);
            let response = send(request.body(body.clone())).await;
            assert_eq!(response.status(), 400, "{body}");
            assert_eq!(code(response).await, "BAD_REQUEST", "{body}");
        }
    }
}

/// [9ABE]
#[tokio::test]
async fn another_content_type_than_json_is_415() {
    let (server, client) = start().await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
    ] {
        let request = client.post(server.url()).header(CONTENT_TYPE, content_type);
        let response = send(request.body(r#"{"query":"{__typename}"}"#)).await;
        assert_eq!(response.status(), 415, "{content_type}");
        assert_eq!(code(response).await, "UNSUPPORTED_MEDIA_TYPE");
    }
    let without = send(
        client
            .post(server.url())
            .body(r#"{"query":"{__typename}"}"#),
    )
    .await;
    assert_eq!(without.status(), 415);
    let quoted = client
        .post(server.url())
        .header(CONTENT_TYPE, "application/json; charset=\"UTF-8\"");
    assert_eq!(
        send(quoted.body(r#"{"query":"{__typename}"}"#))
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn a_body_above_the_limit_is_413() {
    let (server, client) = start().await;
    let body = json!({"query": "{actor}", "variables": {"x": "x".repeat(2 << 20)}});
    let response = send(post(&server, &client, JSON, &body)).await;
    assert_eq!(response.status(), 413);
    assert_eq!(code(response).await, "PAYLOAD_TOO_LARGE");
}

/// [572B FDE2 7B9B 865D 556A D586 51FE 74FF 5E5B 86EE]
#[tokio::test]
async fn a_document_that_cannot_run_is_400_without_data_or_200_for_old_clients() {
    let (server, client) = start().await;
    let cases = [
        (json!({"query": "{"}), "GRAPHQL_PARSE_FAILED"),
        (json!({"query": "{ nothing }"}), "GRAPHQL_VALIDATION_FAILED"),
        (
            json!({"query": "query A {actor}", "operationName": "B"}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            json!({"query": "query A($t: String!) {echo(text: $t)}", "variables": {"t": 1}}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            json!({"query": "subscription {count(to: 1)}"}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ];
    for (body, expected) in cases {
        for (accept, status) in [(GRAPHQL, 400), (JSON, 200)] {
            let response = send(post(&server, &client, accept, &body)).await;
            assert_eq!(response.status(), status, "{body}");
            let answer: Value = response.json().await.unwrap();
            assert!(answer.get("data").is_none(), "{answer}");
            assert_eq!(
                answer["errors"][0]["extensions"]["code"], expected,
                "{answer}"
            );
        }
    }
}

#[tokio::test]
async fn an_operation_that_failed_half_way_is_200_with_data_and_a_code() {
    let (server, client) = start().await;
    let response = send(post(
        &server,
        &client,
        GRAPHQL,
        &json!({"query": "{failing}"}),
    ))
    .await;
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    assert!(
        answer["data"].is_null() && answer.get("data").is_some(),
        "{answer}"
    );
    assert_eq!(answer["errors"][0]["path"], json!(["failing"]));
    assert!(
        answer["errors"][0]["extensions"]["code"].is_string(),
        "{answer}"
    );
}

/// [5A70 D6D5 6A70 9C48]
#[tokio::test]
async fn get_runs_queries_and_refuses_mutations() {
    let (server, client) = start().await;
    let query = [
        ("query", "query($t: String!){echo(text: $t)}"),
        ("variables", r#"{"t":"a b"}"#),
    ];
    let response = send(get(&server, &client).query(&query)).await;
    assert_eq!(
        response.json::<Value>().await.unwrap(),
        json!({"data": {"echo": "a b"}})
    );

    for mutation in [
        "mutation {increment(number: 1)}",
        "query Q {actor} mutation M {increment(number: 1)}",
    ] {
        let query = [
            ("query", mutation),
            (
                "operationName",
                if mutation.contains('Q') { "M" } else { "" },
            ),
        ];
        let query = if mutation.contains('Q') {
            &query[..]
        } else {
            &query[..1]
        };
        let response = send(get(&server, &client).query(query)).await;
        assert_eq!(response.status(), 405);
        assert_eq!(header(&response, ALLOW), "POST");
        assert_eq!(code(response).await, "METHOD_NOT_ALLOWED");
    }
    assert_eq!(send(get(&server, &client)).await.status(), 400);
    let broken =
        send(get(&server, &client).query(&[("query", "{actor}"), ("variables", "{")])).await;
    assert_eq!(broken.status(), 400);
}

#[tokio::test]
async fn other_methods_are_405_with_the_ones_there_are() {
    let (server, client) = start().await;
    for method in [
        reqwest::Method::PUT,
        reqwest::Method::DELETE,
        reqwest::Method::PATCH,
    ] {
        let response = send(client.request(method, server.url())).await;
        assert_eq!(response.status(), 405);
        assert_eq!(header(&response, ALLOW), "GET, HEAD, POST");
    }
}

#[tokio::test]
async fn a_browser_gets_the_page() {
    let (server, client) = start().await;
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let response = send(client.get(server.url()).header(ACCEPT, accept)).await;
    assert!(header(&response, CONTENT_TYPE).starts_with("text/html"));
    let page = response.text().await.unwrap();
    assert!(page.contains("<form>"));
    assert!(
        !page.contains("://"),
        "the page loads nothing from elsewhere"
    );
}

#[tokio::test]
async fn a_bearer_is_known_and_a_bad_token_is_401() {
    let (server, client) = start().await;
    let url = server.url();
    let ask = |authorization: &str| {
        client
            .post(&url)
            .header(AUTHORIZATION, authorization)
            .json(&json!({"query": "{actor}"}))
    };
    let answer: Value = send(ask(&format!("bearer {}", server.token)))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(answer["data"]["actor"], "service/tester");
    for bad in ["Bearer x.y.z", "Basic eDp5", "Bearer"] {
        let response = send(ask(bad)).await;
        assert_eq!(response.status(), 401, "{bad}");
        assert!(header(&response, WWW_AUTHENTICATE).starts_with("Bearer"));
        assert_eq!(code(response).await, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn nobody_may_only_sign_in() {
    let (server, client) = start().await;
    let nobody = |query: &str| client.post(server.url()).json(&json!({"query": query}));
    let public = ["{ __typename }", "mutation { signIn(input: \"ada\") }"];
    for query in public {
        let answer: Value = send(nobody(query)).await.json().await.unwrap();
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
    }
    let closed = [
        "{ actor }",
        "{ __typename signIn: actor }",
        "{ ...F } fragment F on Query { actor }",
        "{ ... { actor } }",
        "mutation { signIn(input: \"ada\") increment(number: 1) }",
        "subscription { forever }",
    ];
    for query in closed {
        let response = send(nobody(query)).await;
        assert_eq!(response.status(), 401, "{query}");
        assert_eq!(header(&response, WWW_AUTHENTICATE), "Bearer");
        assert_eq!(code(response).await, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn the_schema_is_for_who_is_signed_in() {
    let (server, client) = start().await;
    let query = json!({"query": "{ __schema { queryType { name } } }"});
    let stranger = send(client.post(server.url()).json(&query)).await;
    assert_eq!(code(stranger).await, "INTROSPECTION_DISABLED");
    let known: Value = send(post(&server, &client, JSON, &query))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(known["data"]["__schema"]["queryType"]["name"], "Query");
}

/// Apollo's protocol, over POST and GET.
#[tokio::test]
async fn a_document_is_named_by_its_hash_once_it_was_sent_with_it() {
    let (server, client) = start().await;
    let document = "query($t: String!) { echo(text: $t) }";
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(document));
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
    let named = json!({"variables": {"t": "a"}, "extensions": extensions});
    let unknown: Value = send(post(&server, &client, JSON, &named))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(
        unknown["errors"][0]["extensions"]["code"],
        "PERSISTED_QUERY_NOT_FOUND"
    );
    let mut sent = named.clone();
    sent["query"] = json!(document);
    let answer = json!({"data": {"echo": "a"}});
    for body in [sent, named] {
        let answered: Value = send(post(&server, &client, GRAPHQL, &body))
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(answered, answer);
    }
    let query = [
        ("variables", r#"{"t":"a"}"#.to_owned()),
        ("extensions", extensions.to_string()),
    ];
    let got: Value = send(get(&server, &client).query(&query))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(got, answer);
    let wrong = json!({"query": document, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0"}}});
    assert_eq!(
        code(send(post(&server, &client, JSON, &wrong)).await).await,
        "BAD_REQUEST"
    );
    let broken = json!({"extensions": {"persistedQuery": {"version": 2}}});
    assert_eq!(
        send(post(&server, &client, JSON, &broken)).await.status(),
        400
    );
}

#[tokio::test]
async fn every_error_says_whether_to_try_again() {
    let (server, client) = start().await;
    for (query, retryable) in [("{", false), ("{ nothing }", false), ("{ failing }", false)] {
        let answer: Value = send(post(&server, &client, JSON, &json!({"query": query})))
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(
            answer["errors"][0]["extensions"]["retryable"], retryable,
            "{answer}"
        );
    }
    let batch = json!([{"query": "{ actor }"}, {"query": "{ actor }"}]);
    let refused: Value = send(post(&server, &client, JSON, &batch))
        .await
        .json()
        .await
        .unwrap();
    let error = &refused["errors"][0];
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("batches are not taken"),
        "{error}"
    );
    assert_eq!(error["extensions"]["retryable"], false);
}

#[tokio::test]
async fn a_panic_is_an_error_without_its_words() {
    let (server, client) = start().await;
    let response = send(post(
        &server,
        &client,
        JSON,
        &json!({"query": "{ panicking }"}),
    ))
    .await;
    let text = response.text().await.unwrap();
    assert!(
        text.contains("INTERNAL") && !text.contains("tonsils"),
        "{text}"
    );
}

#[tokio::test]
async fn an_account_that_asks_too_often_is_told_when_to_come_again() {
    let server = Server::built(Limits::default(), |endpoint| {
        endpoint.rates = Arc::new(Rates::new(NonZeroU32::MIN, NonZeroU32::MAX));
    })
    .await;
    let client = Client::new();
    let ask = || send(post(&server, &client, JSON, &json!({"query": "{ actor }"})));
    let (first, second) = (ask().await, ask().await);
    assert_eq!(
        (first.status().as_u16(), second.status().as_u16()),
        (200, 200)
    );
    let third = ask().await;
    assert_eq!(third.status(), 429);
    assert_eq!(header(&third, RETRY_AFTER), "1");
    assert_eq!(code(third).await, "RATE_LIMITED");
}

#[tokio::test]
async fn what_an_account_asks_for_costs_and_what_it_costs_is_said() {
    let server = Server::built(Limits::default(), |endpoint| {
        endpoint.rates = Arc::new(Rates::new(NonZeroU32::MAX, NonZeroU32::new(5).unwrap()));
    })
    .await;
    let client = Client::new();
    let ask = || {
        send(post(
            &server,
            &client,
            JSON,
            &json!({"query": "{ a: actor b: actor c: actor }"}),
        ))
    };
    let answer: Value = ask().await.json().await.unwrap();
    assert_eq!(
        answer["extensions"]["cost"],
        json!({"spent": 3, "perMinute": 5})
    );
    let refused = ask().await;
    assert_eq!(refused.status(), 429);
    assert!(header(&refused, RETRY_AFTER).parse::<u64>().unwrap() >= 1);
    assert_eq!(code(refused).await, "COST_BUDGET_SPENT");
}

#[tokio::test]
async fn a_document_of_nothing_but_brackets_is_refused_before_anybody_is_known() {
    let (server, client) = start().await;
    for bracket in ["{a", "[", "{a(b:["] {
        let body = json!({ "query": bracket.repeat(2_000) });
        let response = send(client.post(server.url()).json(&body)).await;
        assert_eq!(response.status(), 400, "{bracket}");
    }
}

#[tokio::test]
async fn one_request_signs_in_once() {
    let (server, client) = start().await;
    let once = json!({"query": "mutation { signIn(input: \"a\") }"});
    assert_eq!(
        send(client.post(server.url()).json(&once)).await.status(),
        200
    );
    let twice = json!({"query": "mutation { signIn(input: \"a\") b: signIn(input: \"b\") }"});
    assert_eq!(
        send(client.post(server.url()).json(&twice)).await.status(),
        401
    );
}

#[tokio::test]
async fn what_takes_too_long_is_a_timeout_and_its_place_is_free_again() {
    let server = Server::with(Limits {
        requests: 1,
        request_time: Duration::from_millis(200),
        ..Limits::default()
    })
    .await;
    let client = Client::new();
    let endless = post(&server, &client, GRAPHQL, &json!({"query": "{ endless }"}));
    let response = send(endless).await;
    assert_eq!(response.status(), 504);
    assert_eq!(code(response).await, "TIMEOUT");
    let well = send(post(
        &server,
        &client,
        GRAPHQL,
        &json!({"query": "{ actor }"}),
    ))
    .await;
    assert_eq!(well.status(), 200);
}

#[tokio::test]
async fn one_request_too_many_is_told_to_come_again() {
    let server = Server::with(Limits {
        requests: 1,
        ..Limits::default()
    })
    .await;
    let client = Client::new();
    let endless = || post(&server, &client, GRAPHQL, &json!({"query": "{ endless }"})).send();
    // One of them has the place and keeps it.
    let (one, two) = (Box::pin(endless()), Box::pin(endless()));
    let refused = future::select(one, two).await.factor_first().0.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(header(&refused, RETRY_AFTER), "1");
    assert_eq!(code(refused).await, "UNAVAILABLE");
}

/// Says that a body comes, and sends half of it.
async fn half_a_request(server: &Server, more: &str) -> TcpStream {
    let mut stream = TcpStream::connect(&server.address).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n{more}\
         content-length: 1000\r\n\r\n{}",
        " ".repeat(500)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn strangers_who_send_slowly_keep_nobody_out() {
    let server = Server::with(Limits {
        requests: 1,
        strangers: 1,
        ..Limits::default()
    })
    .await;
    let _slow = [
        half_a_request(&server, "").await,
        half_a_request(&server, "").await,
    ];
    let client = Client::new();
    for _ in 0..3 {
        let known = post(&server, &client, GRAPHQL, &json!({"query": "{ actor }"}));
        assert_eq!(send(known).await.status(), 200);
        let sign_in = json!({"query": "mutation { signIn(input: \"ada\") }"});
        let stranger = client.post(server.url()).json(&sign_in);
        assert_eq!(send(stranger).await.status(), 200);
    }
}

#[tokio::test]
async fn who_sends_slowly_or_asks_for_what_takes_long_keeps_no_other_account_out() {
    let server = Server::with(Limits {
        requests: 3,
        requests_of_one: 2,
        ..Limits::default()
    })
    .await;
    let eve = Principal::Service {
        name: "eve".parse().unwrap(),
    };
    let eve = server.tokens.issue(&eve).token;
    let slowly = format!("authorization: Bearer {eve}\r\n");
    let mut slow = Vec::new();
    for _ in 0..3 {
        slow.push(half_a_request(&server, &slowly).await);
    }
    let client = Client::new();
    let actor = json!({"query": "{ actor }"});
    // Once she has taken all of hers.
    let refused = loop {
        let hers = client.post(server.url()).bearer_auth(&eve).json(&actor);
        let answer = send(hers).await;
        if answer.status() != 200 {
            break answer;
        }
        // One of them may have come while the question before had a place.
        slow.push(half_a_request(&server, &slowly).await);
    };
    assert_eq!(refused.status(), 503);
    assert_eq!(header(&refused, RETRY_AFTER), "1");
    let told: Value = refused.json().await.unwrap();
    let message = told["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("this account"), "{message}");
    for _ in 0..3 {
        let known = post(&server, &client, GRAPHQL, &actor);
        assert_eq!(send(known).await.status(), 200);
    }
}

#[test]
fn strangers_of_one_address_leave_places_to_those_of_others() {
    let places = Places::new(&Limits {
        strangers: 3,
        strangers_of_one: 2,
        ..Limits::default()
    });
    let take = |address: &str| {
        let address = ClientAddress(address.parse().unwrap());
        places.try_take(&Caller::Anonymous, Some(address))
    };
    let crowd = [take("192.0.2.1"), take("192.0.2.1")];
    assert!(crowd.iter().all(Result::is_ok) && take("192.0.2.1").is_err());
    let other = take("192.0.2.2");
    assert!(
        other.is_ok() && take("192.0.2.3").is_err(),
        "there are three in all"
    );
    drop(crowd);
    assert!(take("192.0.2.1").is_ok());
}

#[tokio::test]
async fn a_token_that_is_worth_nothing_gets_no_place() {
    let server = Server::with(Limits {
        requests: 0,
        ..Limits::default()
    })
    .await;
    let bad = "authorization: Bearer x.y.z\r\n";
    let mut stream = half_a_request(&server, bad).await;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401", "answered before its body is here");
}

#[tokio::test]
async fn a_stranger_may_send_what_signing_in_takes_and_soon() {
    let server = Server::with(Limits {
        stranger_time: Duration::from_millis(200),
        ..Limits::default()
    })
    .await;
    let long = json!({"query": "{ __typename }", "variables": {"x": "x".repeat(20_000)}});
    let response = send(Client::new().post(server.url()).json(&long)).await;
    assert_eq!(response.status(), 413);
    assert_eq!(code(response).await, "PAYLOAD_TOO_LARGE");
    let mut stream = half_a_request(&server, "").await;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn an_answer_keeps_its_place_until_it_is_taken() {
    let server = Server::with(Limits {
        requests: 1,
        ..Limits::default()
    })
    .await;
    let client = Client::new();
    let long = json!({"query": "{ long }"});
    let untaken = send(post(&server, &client, GRAPHQL, &long)).await;
    let known = || post(&server, &client, GRAPHQL, &json!({"query": "{ actor }"}));
    assert_eq!(send(known()).await.status(), 503);
    drop(untaken);
    while send(known()).await.status() != 200 {
        tokio::task::yield_now().await;
    }
}
