//! Members and API keys as administrators manage them.

use std::time::{Duration, Instant};

use sealrock_access::Role;
use serde_json::{Value, json};

use crate::organisations::person;
use crate::world::{World, code_of, start};

const ISSUE: &str = r#"mutation ($permissions: [String!]!) { issueApiKey(input: {
  organisation: "northsea", label: "Nightly", role: MRV, permissions: $permissions
  until: "2027-11-01T00:00:00Z"
}) { key secret duplicate receipt { ledger } } }"#;

const LISTED: &str = r#"{ access(organisation: "northsea") {
  members { account username role sites active }
  apiKeys { key label prefix role permissions revoked lastUsedAt }
  grants { grantee role until } selfRegistration stream
} }"#;

const ENTRIES: &str = r#"{ ledgerEntries(ledger: "northsea", first: 1) { nodes { index } } }"#;

/// Waits until what was taken away holds no more: less than a second, on a machine with time for it.
async fn soon(mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(5), "it goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn key(world: &World) -> (String, String) {
    let issued = world
        .data(ISSUE, json!({"permissions": ["read-ledger"]}))
        .await;
    let issued = &issued["issueApiKey"];
    let text = |field: &str| issued[field].as_str().unwrap().to_owned();
    (text("key"), text("secret"))
}

#[tokio::test]
async fn an_api_key_opens_what_it_was_given_over_http_and_socket_until_it_is_revoked() {
    let world = start().await;
    world.register_places().await;
    let (key, secret) = key(&world).await;
    let answer = world.ask_as(Some(&secret), ENTRIES, json!({})).await;
    assert_eq!(
        answer["data"]["ledgerEntries"]["nodes"][0]["index"], 0,
        "{answer}"
    );
    let other = world.ask_as(Some(&secret), LISTED, json!({})).await;
    assert_eq!(code_of(&other), "FORBIDDEN");

    let listed = world.data(LISTED, json!({})).await;
    let shown = &listed["access"]["apiKeys"][0];
    assert_eq!(
        (&shown["label"], &shown["revoked"]),
        (&json!("Nightly"), &json!(false))
    );
    assert!(secret.contains(shown["prefix"].as_str().unwrap()) && !shown["lastUsedAt"].is_null());
    assert!(
        !listed
            .to_string()
            .contains(secret.split('_').next_back().unwrap())
    );

    let follow = r#"subscription { ledgerEntries(ledger: "northsea") { index } }"#;
    let mut feed = world.subscribe_as(&secret, follow, json!({})).await;
    let revoke = r#"mutation ($key: UUID!) {
      revokeApiKey(input: {organisation: "northsea", key: $key}) { duplicate }
    }"#;
    world.data(revoke, json!({"key": key})).await;
    soon(async || {
        let answer = world.ask_as(Some(&secret), ENTRIES, json!({})).await;
        answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    })
    .await;
    assert_eq!(feed.closed().await, 4403);
}

#[tokio::test]
async fn no_key_is_issued_with_a_permission_that_asks_for_a_person() {
    let world = start().await;
    world.register_places().await;
    for (permission, code) in [
        ("approve-permit-limits", "REJECTED"),
        ("record-capture", "REJECTED"),
        ("everything", "BAD_USER_INPUT"),
    ] {
        let refused = world
            .code(ISSUE, json!({"permissions": [permission]}))
            .await;
        assert_eq!(refused, code, "{permission}");
    }
}

#[tokio::test]
async fn a_role_that_changes_is_another_one_at_once_and_closes_open_sockets() {
    let world = start().await;
    world.register_places().await;
    let otto = person(Role::Mrv, "northsea");
    let account = otto.actor().split('/').nth(1).unwrap().to_owned();
    let token = world.token_of(&otto);
    let follow = r#"subscription { ledgerEntries(ledger: "northsea") { index } }"#;
    let mut feed = world.subscribe_as(&token, follow, json!({})).await;
    let assign = r#"mutation ($account: UUID!, $role: Role!) {
      assignRole(input: {organisation: "northsea", account: $account, role: $role}) { duplicate }
    }"#;
    let assigned: Value = json!({"account": account, "role": "OPERATOR"});
    world.data(assign, assigned).await;
    let role = async || {
        let answer = world
            .ask_as(Some(&token), "{ viewer { role } }", json!({}))
            .await;
        answer["data"]["viewer"]["role"].clone()
    };
    soon(async || role().await == "OPERATOR").await;
    assert_eq!(feed.closed().await, 4403);
    let listed = world.data(LISTED, json!({})).await;
    let member = &listed["access"]["members"][0];
    assert_eq!(
        (&member["account"], &member["role"]),
        (&json!(account), &json!("OPERATOR"))
    );

    let deactivate = r#"mutation ($account: UUID!) {
      deactivateMember(input: {organisation: "northsea", account: $account}) { duplicate }
    }"#;
    world.data(deactivate, json!({"account": account})).await;
    soon(async || {
        let answer = world
            .ask_as(Some(&token), "{ viewer { role } }", json!({}))
            .await;
        answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    })
    .await;
}
