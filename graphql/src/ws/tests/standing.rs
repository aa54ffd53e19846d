//! What a socket does when who is on it may do something else.

use std::sync::{Arc, Mutex};

use chrono::Utc;
use sealrock_access::{AccountId, Grant, Identified, Identify, Principal, Role, SessionId};
use uuid::Uuid;

use super::*;

/// Says of everybody that it is this one.
struct Says(Mutex<Principal>);

impl Identify for Says {
    fn identify<'a>(&'a self, _: &'a str) -> Identified<'a> {
        Box::pin(std::future::ready(Ok(self.0.lock().unwrap().clone())))
    }
}

impl Says {
    fn becomes(&self, change: impl FnOnce(&mut Principal)) {
        change(&mut self.0.lock().unwrap());
    }
}

/// A verifier whom another organisation lets look.
async fn verifier_at(limits: Limits) -> (Server, Arc<Says>) {
    let id = AccountId(Uuid::nil());
    let role = Role::Verifier;
    let mut verifier = Principal::signed_in(id, "vera".parse().unwrap(), role, None);
    lend(&mut verifier);
    let says = Arc::new(Says(Mutex::new(verifier)));
    let identity = Arc::clone(&says);
    let server = Server::built(limits, |endpoint| endpoint.identity = identity).await;
    (server, says)
}

fn lend(to: &mut Principal) {
    let Principal::User { grants, .. } = to else {
        panic!("a person")
    };
    *grants = vec![Grant {
        organisation: "northsea".parse().unwrap(),
        sites: None,
        until: Utc::now() + chrono::TimeDelta::days(1),
    }];
}

fn take_back(from: &mut Principal) {
    let Principal::User { grants, .. } = from else {
        panic!("a person")
    };
    grants.clear();
}

#[tokio::test]
async fn a_new_token_does_not_make_good_for_a_right_that_is_gone() {
    let (server, says) = verifier_at(Limits::default()).await;
    let mut client = Client::ready(&server).await;
    client.subscribe("a", "subscription { forever }").await;
    says.becomes(take_back);
    let ping = json!({"type": "ping", "payload": {"authorization": "Bearer another"}});
    client.say(&ping).await;
    let (code, reason) = loop {
        match client.frame().await {
            Message::Close(Some(frame)) => break (u16::from(frame.code), frame.reason),
            other => assert!(!other.is_text(), "the socket goes on: {other}"),
        }
    };
    assert_eq!(code, 4403);
    assert!(reason.contains("has changed"), "{reason}");
}

#[tokio::test]
async fn who_has_stepped_up_or_signed_in_again_goes_on_with_the_new_token() {
    let (server, says) = verifier_at(Limits::default()).await;
    let mut client = Client::ready(&server).await;
    client.subscribe("a", "subscription { forever }").await;
    says.becomes(|principal| {
        let Principal::User {
            session,
            stepped_up,
            ..
        } = principal
        else {
            panic!("a person")
        };
        *session = Some(SessionId(Uuid::nil()));
        *stepped_up = Some(Utc::now() + chrono::TimeDelta::minutes(1));
    });
    let ping = json!({"type": "ping", "payload": {"authorization": "Bearer another"}});
    client.say(&ping).await;
    assert_eq!(client.hear().await["type"], "pong");
    client.subscribe("a", "subscription { forever }").await;
    assert_eq!(client.closed().await, 4409, "the subscription still runs");
}

/// The subscription's place is given back although the server would wait for its client much longer.
#[tokio::test]
async fn what_was_taken_away_stops_also_while_the_client_reads_nothing() {
    let limits = Limits {
        subscriptions_per_account: 1,
        send_timeout: Duration::from_mins(5),
        ..Limits::default()
    };
    let (server, says) = verifier_at(limits).await;
    let mut deaf = Client::ready(&server).await;
    deaf.subscribe("f", "subscription { flood }").await;
    // Until it waits for its client.
    tokio::time::sleep(Duration::from_secs(2)).await;
    says.becomes(take_back);
    let mut other = Client::ready(&server).await;
    let again = async {
        loop {
            other.subscribe("c", "subscription { count(to: 1) }").await;
            match other.hear().await["type"].as_str().unwrap() {
                "next" => break,
                kind => assert_eq!(kind, "error"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let stopped = timeout(Duration::from_secs(10), again).await;
    stopped.expect("it stops within ten seconds");
}
