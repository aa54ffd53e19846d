//! Signing in by an identity provider, which these tests play.

use std::os::unix::fs::PermissionsExt as _;

use reqwest::StatusCode;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::provider::{CLIENT, Provider, SECRET, SUBJECT};
use crate::support::{Server, data_folder};

async fn get(url: &str, cookie: &str) -> reqwest::Response {
    let client = reqwest::Client::builder().redirect(Policy::none());
    let request = client.build().unwrap().get(url).header(COOKIE, cookie);
    request.send().await.unwrap()
}

/// `name=value` of the cookie of this name.
fn cookie(answer: &reqwest::Response, name: &str) -> Option<String> {
    let cookies = answer.headers().get_all(SET_COOKIE).iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap().split("; ").next().unwrap());
    let found = cookies.find(|cookie| cookie.starts_with(&format!("{name}=")));
    found.map(str::to_owned)
}

/// To the provider and back: the answer to the callback.
async fn sign_in(server: &Server, provider: &Provider) -> reqwest::Response {
    let begun = get(&format!("{}/oidc/start", server.http), "").await;
    assert_eq!(begun.status(), StatusCode::SEE_OTHER);
    let flow = cookie(&begun, "__Host-sealrock-oidc").unwrap();
    let there = begun.headers()[LOCATION].to_str().unwrap();
    let back = provider.authorize(&there.parse().unwrap());
    let query = back.query().unwrap();
    // The setting was made before the port was known.
    assert_eq!(back.path(), "/oidc/callback");
    get(&format!("{}/oidc/callback?{query}", server.http), &flow).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_linked_has_the_session_of_the_account_and_nobody_else_has_one() {
    let (provider, data) = (Provider::start().await, data_folder());
    let secret = data.path().join("oidc.secret");
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let settings = [
        ("SEALROCK_OIDC_ISSUER", provider.issuer.as_str()),
        ("SEALROCK_OIDC_CLIENT_ID", CLIENT),
        ("SEALROCK_OIDC_CLIENT_SECRET_FILE", secret.to_str().unwrap()),
        (
            "SEALROCK_OIDC_REDIRECT_URL",
            "http://localhost/oidc/callback",
        ),
    ];
    let server = Server::start_with(data.path(), &settings);
    server.register_site();
    for name in ["otto", "sigrid"] {
        let add = [
            "user", "add", name, "--role", "operator", "--org", "northsea",
        ];
        server.command(&add);
    }
    // A name is no link.
    provider
        .changes(json!({ "preferred_username": "otto", "email": "otto", "email_verified": true }));
    let answer = sign_in(&server, &provider).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(cookie(&answer, "__Host-sealrock-refresh"), None);
    let told = answer.text().await.unwrap();
    assert!(told.contains(SUBJECT), "{told}");

    server.command(&["user", "link-oidc", "otto", "--subject", SUBJECT]);
    let taken = server.run(&["user", "link-oidc", "sigrid", "--subject", SUBJECT]);
    assert_eq!(taken.status.code(), Some(2));
    let answer = sign_in(&server, &provider).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let cookie = cookie(&answer, "__Host-sealrock-refresh").unwrap();
    let browser = Browser {
        token: String::new(),
        cookie,
    };
    let browser = browser.refresh(&server).await;
    let viewer = "{ viewer { username role organisation mustChangePassword } }";
    let answer = server
        .graphql(Some(&browser.token), viewer, Value::Null)
        .await;
    assert_eq!(
        answer["data"]["viewer"],
        json!({ "username": "otto", "role": "OPERATOR", "organisation": "northsea", "mustChangePassword": false }),
        "{answer}"
    );

    server.command(&["user", "unlink-oidc", "otto"]);
    let answer = sign_in(&server, &provider).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    server.stop();
}
