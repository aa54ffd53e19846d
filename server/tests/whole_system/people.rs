//! Accounts of people, from the command line to the API.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::support::{SOON, Server, chosen_for, data_folder};

/// What a refused command says; it must have made nothing.
fn refused(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn listed(server: &Server) -> Vec<Value> {
    serde_json::from_str(&server.command(&["user", "list", "--json"])).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_added_with_a_role_and_an_organisation_and_signs_in_as_that() {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    let add = ["user", "add", "otto", "--role"];
    let without = refused(&server, &[&add[..], &["operator"]].concat());
    assert!(without.contains("--org <name>"), "{without}");
    let unknown = [&add[..], &["operator", "--org", "southsea"]].concat();
    let unknown = refused(&server, &unknown);
    assert!(
        unknown.contains("there are: northsea")
            && unknown.contains("organisation add --name southsea"),
        "{unknown}"
    );
    let no_role = refused(
        &server,
        &[&add[..], &["device", "--org", "northsea"]].concat(),
    );
    assert!(no_role.contains("site-manager"), "{no_role}");
    assert_eq!(listed(&server).len(), 1, "the first administrator");

    let made = [&add[..], &["operator", "--org", "northsea", "--json"]].concat();
    let made: Value = serde_json::from_str(&server.command(&made)).unwrap();
    let taken = refused(&server, &[&add[..], &["auditor"]].concat());
    assert!(taken.contains("there is a user otto already"), "{taken}");

    let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { viewer { actor role organisation } } }";
    let input = json!({ "username": "otto", "password": made["password"] });
    let answer = server
        .graphql(None, sign_in, json!({ "input": input }))
        .await;
    let viewer = &answer["data"]["signIn"]["viewer"];
    assert_eq!(viewer["role"], "OPERATOR", "{answer}");
    assert_eq!(viewer["organisation"], "northsea");
    let otto = listed(&server).pop().unwrap();
    assert_eq!(otto["username"], "otto");
    assert_eq!(otto["organisation"], "northsea");
    assert_eq!(otto["mustChangePassword"], true);
    assert_eq!(
        viewer["actor"],
        format!("user/{}", otto["id"].as_str().unwrap())
    );
    server.stop();
}

/// What `/.well-known/jwks.json` shows.
async fn published_keys(server: &Server) -> Vec<Value> {
    let url = format!("{}/.well-known/jwks.json", server.http);
    let keys: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    keys["keys"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_tokens_changes_beside_a_server_and_nobody_is_signed_out() {
    let data = data_folder();
    let server = Server::start(data.path());
    let before = server.sign_in().await;
    let published = published_keys(&server).await;
    assert_eq!(published.len(), 2);
    let rotated = server.command(&["key", "rotate-tokens", "--json"]);
    let rotated: Value = serde_json::from_str(&rotated).unwrap();
    assert_eq!(
        rotated["kid"], published[1]["kid"],
        "the next one was published"
    );

    let begun = Instant::now();
    while published_keys(&server).await[0]["kid"] != rotated["kid"] {
        assert!(begun.elapsed() < SOON, "the new key is not taken up");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(published_keys(&server).await.len(), 3);
    let viewer = "{ viewer { username } }";
    for token in [before, server.sign_in().await] {
        let answer = server.graphql(Some(&token), viewer, json!({})).await;
        assert_eq!(answer["data"]["viewer"]["username"], "admin", "{answer}");
    }
    let again = refused(&server, &["key", "rotate-tokens"]);
    assert!(again.contains("rotate again in"), "{again}");

    // Somebody has the keys: not the next one signs, which he has too, and nothing waits.
    let password = chosen_for(server.admin_password.as_deref().unwrap());
    let browser = Browser::sign_in(&server, "admin", &password).await;
    let stolen = published_keys(&server).await;
    let replaced = server.command(&["key", "rotate-tokens", "--compromised", "--json"]);
    let replaced: Value = serde_json::from_str(&replaced).unwrap();
    assert!(stolen.iter().all(|key| key["kid"] != replaced["kid"]));
    let begun = Instant::now();
    while published_keys(&server).await[0]["kid"] != replaced["kid"] {
        assert!(begun.elapsed() < SOON, "the new key is not taken up");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(published_keys(&server).await.len(), 2);
    let answer = server
        .graphql(Some(&browser.token), viewer, json!({}))
        .await;
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "{answer}"
    );
    let refreshed = browser.refresh(&server).await;
    let answer = server
        .graphql(Some(&refreshed.token), viewer, json!({}))
        .await;
    assert_eq!(answer["data"]["viewer"]["username"], "admin", "{answer}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_an_account_that_signs_in_at_once_and_is_erased_again() {
    let data = data_folder();
    let server = Server::start(data.path());
    let mut adding = Command::new(env!("CARGO_BIN_EXE_sealrock"))
        .env("SEALROCK_LOG", "warn")
        .args([
            "user",
            "add",
            "robot",
            "--role",
            "auditor",
            "--password-stdin",
            "--data",
        ])
        .arg(data.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = adding.stdin.take().unwrap();
    input.write_all(b"otter marzipan quilt\n").unwrap();
    drop(input);
    assert!(adding.wait().unwrap().success());

    let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = json!({ "input": { "username": "robot", "password": "otter marzipan quilt" } });
    let answer = server.graphql(None, sign_in, input.clone()).await;
    let token = answer["data"]["signIn"]["accessToken"].as_str().unwrap();
    let organisations = "{ organisations { nodes { slug } } }";
    let answer = server.graphql(Some(token), organisations, json!({})).await;
    assert!(answer["errors"].is_null(), "{answer}");

    server.command(&["user", "erase", "robot"]);
    assert_eq!(listed(&server).len(), 1, "the first administrator");
    let begun = Instant::now();
    while server.graphql(Some(token), organisations, json!({})).await["errors"].is_null() {
        assert!(
            begun.elapsed() < SOON,
            "the token of an erased account holds"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answer = server.graphql(None, sign_in, input).await;
    let code = &answer["errors"][0]["extensions"]["code"];
    assert_eq!(code, "UNAUTHENTICATED", "{answer}");
    let unknown = refused(&server, &["user", "erase", "robot"]);
    assert!(unknown.contains("there is no user robot"), "{unknown}");
    server.stop();
}
