//! `POST /ingest` over a real socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use sealrock_ingest::HttpLimits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Ledger, Letters, SECRET, device, eventually, soon};

struct Site {
    ledger: Arc<Ledger>,
    letters: Arc<Letters>,
    addr: SocketAddr,
}

impl Site {
    async fn start() -> Self {
        Self::start_within(HttpLimits::default()).await
    }

    async fn start_within(limits: HttpLimits) -> Self {
        let (ledger, letters) = (Ledger::new(), Arc::new(Letters::default()));
        let router = sealrock_ingest::router_within(limits, ledger.clone(), letters.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            ledger,
            letters,
            addr,
        }
    }

    fn post(&self, media_type: &str, body: impl Into<Vec<u8>>) -> RequestBuilder {
        let request = Client::new().post(format!("http://{}/ingest", self.addr));
        request.header("content-type", media_type).body(body.into())
    }

    async fn send(&self, media_type: &str, body: impl Into<Vec<u8>>) -> Response {
        let user = device("stack-1").device.to_string();
        self.post(media_type, body)
            .basic_auth(user, Some(SECRET))
            .send()
            .await
            .unwrap()
    }
}

/// Status, code and the whole document of a problem.
async fn problem(response: Response) -> (StatusCode, String, Value) {
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let status = response.status();
    let document: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(document["status"], status.as_u16());
    (
        status,
        document["code"].as_str().unwrap().to_owned(),
        document,
    )
}

#[tokio::test]
async fn a_batch_is_answered_with_its_receipt_and_a_repeat_with_the_same() {
    let site = Site::start().await;
    let mut receipt = json!({
        "seq": 5, "index": 0, "ledger": "test/acme", "checkpoint": "signed", "duplicate": false,
        "suspect": [], "suspectCount": 0,
    });
    for duplicate in [false, true] {
        let response = site.send("application/json", r#"{"seq":5}"#).await;
        assert_eq!(response.status(), 200);
        receipt["duplicate"] = duplicate.into();
        assert_eq!(response.json::<Value>().await.unwrap(), receipt);
    }
    assert_eq!(site.ledger.taken().len(), 1);
    assert_eq!(site.ledger.taken()[0].1, "http:/ingest");
}

#[tokio::test]
async fn without_good_credentials_nothing_is_taken_and_no_letter_kept() {
    let site = Site::start().await;
    let anonymous = site.post("application/json", "{}").send().await.unwrap();
    assert_eq!(
        anonymous.headers()["www-authenticate"],
        "Basic realm=\"sealrock\""
    );
    assert_eq!(problem(anonymous).await.0, 401);
    let user = device("stack-1").device.to_string();
    let wrong = site
        .post("application/json", "{}")
        .basic_auth(user, Some("wrong"))
        .send()
        .await
        .unwrap();
    let (status, code, _) = problem(wrong).await;
    assert_eq!((status.as_u16(), code.as_str()), (401, "bad-credentials"));
    assert!(site.ledger.taken().is_empty() && site.letters.reasons().is_empty());
}

#[tokio::test]
async fn each_rejection_has_its_status_its_code_and_its_letter() {
    let site = Site::start().await;
    site.send("application/json", r#"{"seq":1}"#).await;
    let oversize = vec![b'{'; sealrock_ingest::MAX_BATCH_BYTES + 1];
    for (media_type, body, status, code) in [
        (
            "application/json",
            br#"{"seq":1,"x":2}"#.to_vec(),
            409,
            "conflict",
        ),
        (
            "application/json",
            b"{\"seq\":".to_vec(),
            400,
            "undecodable",
        ),
        ("application/json", vec![], 400, "undecodable"),
        ("application/json", oversize, 413, "too-large"),
        ("application/cbor", b"{}".to_vec(), 415, "media-type"),
        ("text/plain", b"{}".to_vec(), 415, "media-type"),
    ] {
        let (is_status, is_code, _) = problem(site.send(media_type, body.clone()).await).await;
        assert_eq!((is_status.as_u16(), is_code.as_str()), (status, code));
        let letter = site.letters.kept.lock().unwrap().last().unwrap().clone();
        assert_eq!(
            (letter.reason.as_str(), letter.via.as_str(), letter.bytes),
            (code, "http:/ingest", body.into())
        );
    }
    assert_eq!(site.letters.reasons().len(), 6);
}

#[tokio::test]
async fn a_conflict_names_the_seq() {
    let site = Site::start().await;
    site.send("application/json", r#"{"seq":1}"#).await;
    let (_, _, document) = problem(site.send("application/json", r#"{"seq":1,"x":2}"#).await).await;
    assert_eq!(document["seq"], 1);
    assert_eq!(document["detail"], "seq 1 holds other bytes at index 0");
}

#[tokio::test]
async fn a_body_over_the_packet_limit_is_not_read() {
    let site = Site::start().await;
    let body = vec![b'{'; sealrock_ingest::MAX_PACKET_BYTES + 1];
    let user = device("stack-1").device.to_string();
    // The server may close while the client still writes; then there is no answer to read.
    if let Ok(response) = site
        .post("application/json", body)
        .basic_auth(user, Some(SECRET))
        .send()
        .await
    {
        assert_eq!(problem(response).await.0, 413);
    }
    assert!(site.letters.reasons().is_empty());
}

#[tokio::test]
async fn an_unavailable_ledger_is_503_with_a_time_to_come_back() {
    let site = Site::start().await;
    site.ledger.set_available(false);
    let response = site.send("application/json", r#"{"seq":1}"#).await;
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(problem(response).await.0, 503);
}

#[tokio::test]
async fn a_rejection_whose_letter_cannot_be_kept_is_503_too() {
    let site = Site::start().await;
    site.letters.away.store(true, Ordering::SeqCst);
    let (status, code, _) = problem(site.send("application/json", "no batch").await).await;
    assert_eq!((status.as_u16(), code.as_str()), (503, "unavailable"));
}

#[tokio::test]
async fn over_the_bodies_that_may_be_held_a_device_is_asked_to_come_back() {
    let site = Site::start_within(HttpLimits {
        bodies: 1,
        ..HttpLimits::default()
    })
    .await;
    site.ledger.hold();
    let first = site.send("application/json", r#"{"seq":1}"#);
    let second = async {
        eventually(|| site.ledger.holds_one()).await;
        let response = site.send("application/json", r#"{"seq":2}"#).await;
        assert_eq!(response.headers()["retry-after"], "2");
        site.ledger.commit();
        problem(response).await.0
    };
    let (first, second) = soon(async { tokio::join!(first, second) }).await;
    assert_eq!((first.status().as_u16(), second.as_u16()), (200, 503));
    let third = site.send("application/json", r#"{"seq":3}"#).await;
    assert_eq!(third.status(), 200, "the place is free again");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let site = Site::start_within(HttpLimits {
        read: Duration::from_millis(100),
        ..HttpLimits::default()
    })
    .await;
    let mut stream = tokio::net::TcpStream::connect(site.addr).await.unwrap();
    let credentials = STANDARD.encode(format!("{}:{SECRET}", device("stack-1").device));
    let head = format!(
        "POST /ingest HTTP/1.1\r\nhost: x\r\nauthorization: Basic {credentials}\r\n\
         content-type: application/json\r\ncontent-length: 9\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    soon(stream.read_exact(&mut status)).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 408");
    assert!(site.ledger.taken().is_empty());
}

#[tokio::test]
async fn what_is_refused_at_the_door_counts_as_a_batch_and_past_the_rate_makes_no_dead_letter() {
    let site = Site::start().await;
    site.ledger.allow_refusals(1);
    let (status, ..) = problem(site.send("text/plain", "{}").await).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let response = site.send("text/plain", "{}").await;
    assert!(response.headers().contains_key("retry-after"));
    let (status, code, _) = problem(response).await;
    assert_eq!((status.as_u16(), code.as_str()), (429, "rate"));
    assert_eq!(site.letters.reasons(), ["media-type"]);
}

#[tokio::test]
async fn a_batch_behind_a_revocation_is_answered_as_wrong_credentials_are_and_is_no_dead_letter() {
    let site = Site::start().await;
    site.ledger.sign_out();
    let (status, code, _) = problem(site.send("application/json", r#"{"seq":5}"#).await).await;
    assert_eq!((status.as_u16(), code.as_str()), (401, "bad-credentials"));
    assert!(site.letters.reasons().is_empty());
}
