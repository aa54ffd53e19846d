//! Sessions of browsers, second factors, and being kept out, over HTTP.

use reqwest::header::{HeaderMap, RETRY_AFTER, SET_COOKIE};
use sealrock_access::{Password, Role, accounts};
use serde_json::{Value, json};
use totp_rs::{Algorithm, Secret, TOTP};

use crate::world::{World, code_of, start};

const PHRASE: &str = "otter marzipan quilt";
const SIGN_IN: &str = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
const REFRESH: &str = "mutation { refreshSession { accessToken viewer { username } } }";
const VIEWER: &str = "{ viewer { username sessions { id current renewable client } secondFactor { enrolled recoveryCodesLeft } } }";

/// A world with account `ada`, who has chosen her password.
async fn world() -> World {
    let world = start().await;
    let (name, password) = ("ada".parse().unwrap(), Password::new(PHRASE));
    let added = accounts::add_with(&world.pool, &name, Role::Auditor, None, password).await;
    added.unwrap();
    world
}

/// An answer with its headers, as a browser of this server's own page gets it.
async fn browse(
    world: &World,
    headers: &[(&str, &str)],
    query: &str,
    input: Value,
) -> (HeaderMap, Value) {
    let mut request = reqwest::Client::new()
        .post(format!("http://{}/graphql", world.address))
        .header("user-agent", "a browser");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = json!({"query": query, "variables": {"input": input}});
    let answer = request.json(&body).send().await.unwrap();
    (answer.headers().clone(), answer.json().await.unwrap())
}

/// `name=value` of the cookie that an answer sets.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let set = headers.get(SET_COOKIE)?.to_str().unwrap();
    for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(set.split("; ").any(|found| found == part), "{set}");
    }
    set.split("; ").next().map(str::to_owned)
}

/// Signs ada in, in a browser; the token and the cookie.
async fn in_browser(world: &World) -> (String, String) {
    let input = json!({"username": "ada", "password": PHRASE, "session": true});
    let (headers, answer) = browse(world, &[], SIGN_IN, input).await;
    let token = answer["data"]["signIn"]["accessToken"].as_str();
    let token = token.unwrap_or_else(|| panic!("{answer}")).to_owned();
    (token, cookie(&headers).unwrap())
}

async fn refresh(world: &World, headers: &[(&str, &str)]) -> (HeaderMap, Value) {
    browse(world, headers, REFRESH, Value::Null).await
}

#[tokio::test]
async fn a_browser_goes_on_by_its_cookie_until_it_signs_out() {
    let world = world().await;
    let (_, first) = in_browser(&world).await;
    let (headers, answer) = refresh(&world, &[("cookie", &first)]).await;
    let refreshed = &answer["data"]["refreshSession"];
    assert_eq!(refreshed["viewer"]["username"], "ada", "{answer}");
    let token = refreshed["accessToken"].as_str().unwrap().to_owned();
    let second = cookie(&headers).unwrap();
    assert_ne!(first, second);
    let viewer = world.ask_as(Some(&token), VIEWER, json!({})).await;
    let sessions = viewer["data"]["viewer"]["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 1, "{viewer}");
    assert_eq!(sessions[0]["current"], true);
    assert_eq!(sessions[0]["client"], "a browser");

    let out = "mutation { signOut { signedOut } }";
    let (headers, answer) = browse(&world, &[("cookie", &second)], out, Value::Null).await;
    assert_eq!(answer["data"]["signOut"]["signedOut"], true, "{answer}");
    assert_eq!(cookie(&headers).unwrap(), "__Host-sealrock-refresh=");
    // Its access token has ended with it, and so has the cookie.
    let viewer = world.ask_as(Some(&token), VIEWER, json!({})).await;
    assert_eq!(code_of(&viewer), "UNAUTHENTICATED", "{viewer}");
    let (headers, answer) = refresh(&world, &[("cookie", &second)]).await;
    assert_eq!(code_of(&answer), "UNAUTHENTICATED");
    assert_eq!(cookie(&headers).unwrap(), "__Host-sealrock-refresh=");
}

#[tokio::test]
async fn a_cookie_that_was_copied_is_worth_nothing_to_either_of_the_two() {
    let world = world().await;
    let (token, stolen) = in_browser(&world).await;
    let (headers, _) = refresh(&world, &[("cookie", &stolen)]).await;
    let next = cookie(&headers).unwrap();
    refresh(&world, &[("cookie", &next)]).await;
    for cookie in [&stolen, &next] {
        let (_, answer) = refresh(&world, &[("cookie", cookie)]).await;
        assert_eq!(code_of(&answer), "UNAUTHENTICATED", "{answer}");
    }
    let viewer = world.ask_as(Some(&token), VIEWER, json!({})).await;
    assert_eq!(code_of(&viewer), "UNAUTHENTICATED", "{viewer}");
}

#[tokio::test]
async fn a_page_of_another_site_can_neither_begin_nor_go_on_with_nor_end_a_session() {
    let world = world().await;
    let (_, cookie) = in_browser(&world).await;
    let out = "mutation { signOut { signedOut } }";
    for foreign in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ] {
        let headers = [("cookie", cookie.as_str()), foreign];
        let (_, answer) = refresh(&world, &headers).await;
        assert_eq!(code_of(&answer), "FORBIDDEN", "{answer}");
        let (_, answer) = browse(&world, &headers, out, Value::Null).await;
        assert_eq!(code_of(&answer), "FORBIDDEN", "{answer}");
        let input = json!({"username": "ada", "password": PHRASE, "session": true});
        let (headers, answer) = browse(&world, &[foreign], SIGN_IN, input).await;
        assert_eq!(code_of(&answer), "FORBIDDEN", "{answer}");
        assert!(headers.get(SET_COOKIE).is_none());
    }
    let own = format!("http://{}", world.address);
    let headers = [("cookie", cookie.as_str()), ("origin", own.as_str())];
    let (_, answer) = refresh(&world, &headers).await;
    assert!(answer["errors"].is_null(), "{answer}");
}

#[tokio::test]
async fn what_is_no_browser_gets_a_token_and_no_cookie() {
    let world = world().await;
    let input = json!({"username": "ada", "password": PHRASE});
    let (headers, answer) = browse(&world, &[], SIGN_IN, input).await;
    assert!(answer["data"]["signIn"]["accessToken"].is_string());
    assert!(headers.get(SET_COOKIE).is_none());
    let (_, answer) = refresh(&world, &[]).await;
    assert_eq!(code_of(&answer), "UNAUTHENTICATED");
}

#[tokio::test]
async fn somebody_ends_the_own_sessions_one_by_one_or_all_and_nobody_elses() {
    let world = world().await;
    let (own, _) = in_browser(&world).await;
    let (other, _) = in_browser(&world).await;
    let viewer = world.ask_as(Some(&own), VIEWER, json!({})).await;
    let sessions = viewer["data"]["viewer"]["sessions"].as_array().unwrap();
    let of_other = sessions.iter().find(|session| session["current"] == false);
    let id = of_other.unwrap()["id"].as_str().unwrap().to_owned();

    let revoke =
        "mutation ($input: RevokeSessionInput!) { revokeSession(input: $input) { ended } }";
    let input = json!({"input": {"id": id}});
    let (name, password) = ("eve".parse().unwrap(), Password::new(PHRASE));
    let added = accounts::add_with(&world.pool, &name, Role::Admin, None, password).await;
    added.unwrap();
    let eve = json!({"input": {"username": "eve", "password": PHRASE}});
    let eve = world.ask_as(None, SIGN_IN, eve).await;
    let eve = eve["data"]["signIn"]["accessToken"].as_str().unwrap();
    let refused = world.ask_as(Some(eve), revoke, input.clone()).await;
    assert_eq!(code_of(&refused), "NOT_FOUND");
    let refused = world
        .ask_as(Some(&own), revoke, json!({"input": {"id": "nonsense"}}))
        .await;
    assert_eq!(code_of(&refused), "NOT_FOUND");

    let ended = world.ask_as(Some(&own), revoke, input).await;
    assert_eq!(ended["data"]["revokeSession"]["ended"], 1, "{ended}");
    let refused = world.ask_as(Some(&other), VIEWER, json!({})).await;
    assert_eq!(code_of(&refused), "UNAUTHENTICATED");
    in_browser(&world).await;
    let all = "mutation { signOutEverywhere { ended } }";
    let ended = world.ask_as(Some(&own), all, json!({})).await;
    assert_eq!(ended["data"]["signOutEverywhere"]["ended"], 2, "{ended}");
    let refused = world.ask_as(Some(&own), VIEWER, json!({})).await;
    assert_eq!(code_of(&refused), "UNAUTHENTICATED");
}

#[tokio::test]
async fn who_guesses_is_told_when_to_try_again_whether_or_not_there_is_such_a_name() {
    let world = world().await;
    let mut told = Vec::new();
    for name in ["ada", "nobody"] {
        let guess = json!({"username": name, "password": "wrong"});
        for _ in 0..10 {
            let (_, answer) = browse(&world, &[], SIGN_IN, guess.clone()).await;
            assert_eq!(code_of(&answer), "UNAUTHENTICATED", "{answer}");
        }
        let kept_out =
            "UPDATE access.sign_in_attempts SET blocked_until = now() + interval '900 s'";
        sqlx::query(kept_out).execute(&world.pool).await.unwrap();
        let asked = json!({"query": SIGN_IN, "variables": {"input": &guess}});
        let url = format!("http://{}/graphql", world.address);
        let refused = reqwest::Client::new().post(url).json(&asked).send();
        assert_eq!(refused.await.unwrap().status(), 429);
        let (headers, answer) = browse(&world, &[], SIGN_IN, guess).await;
        assert_eq!(code_of(&answer), "TOO_MANY_ATTEMPTS", "{answer}");
        assert!(headers.contains_key(RETRY_AFTER), "{headers:?}");
        let message = answer["errors"][0]["message"].as_str().unwrap();
        told.push(message.split(" in ").next().unwrap().to_owned());
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn a_second_factor_is_enrolled_asked_for_proved_again_and_taken_away() {
    let world = world().await;
    let (token, _) = in_browser(&world).await;
    let enrol = "mutation { enrolSecondFactor { secret uri } }";
    let begun = world.ask_as(Some(&token), enrol, json!({})).await;
    let secret = begun["data"]["enrolSecondFactor"]["secret"].as_str();
    let secret = secret.unwrap_or_else(|| panic!("{begun}")).to_owned();
    let secret = Secret::Encoded(secret).to_bytes().unwrap();
    let app = TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap();
    let confirm = "mutation ($input: ConfirmSecondFactorInput!) {
      confirmSecondFactor(input: $input) { recoveryCodes } }";
    let code = json!({"input": {"code": app.generate_current().unwrap()}});
    let confirmed = world.ask_as(Some(&token), confirm, code).await;
    let recovery = confirmed["data"]["confirmSecondFactor"]["recoveryCodes"].clone();
    assert_eq!(recovery.as_array().map(Vec::len), Some(10), "{confirmed}");

    let without = json!({"input": {"username": "ada", "password": PHRASE}});
    let answer = world.ask_as(None, SIGN_IN, without).await;
    assert_eq!(code_of(&answer), "SECOND_FACTOR_REQUIRED", "{answer}");
    let with = json!({"input": {"username": "ada", "password": PHRASE, "code": recovery[0]}});
    let answer = world.ask_as(None, SIGN_IN, with.clone()).await;
    assert!(
        answer["data"]["signIn"]["accessToken"].is_string(),
        "{answer}"
    );
    let again = world.ask_as(None, SIGN_IN, with).await;
    assert_eq!(code_of(&again), "UNAUTHENTICATED", "{again}");

    let up = "mutation ($input: StepUpInput!) { stepUp(input: $input) { accessToken } }";
    let password = json!({"input": {"password": PHRASE}});
    let refused = world.ask_as(Some(&token), up, password).await;
    assert_eq!(code_of(&refused), "SECOND_FACTOR_REQUIRED", "{refused}");
    let both = json!({"input": {"password": PHRASE, "code": "123456"}});
    let refused = world.ask_as(Some(&token), up, both).await;
    assert_eq!(code_of(&refused), "BAD_USER_INPUT", "{refused}");
    let code = json!({"input": {"code": recovery[1]}});
    let stepped_up = world.ask_as(Some(&token), up, code).await;
    let token = stepped_up["data"]["stepUp"]["accessToken"].as_str();
    let token = token.unwrap_or_else(|| panic!("{stepped_up}"));
    let viewer = world.ask_as(Some(token), VIEWER, json!({})).await;
    let factor = &viewer["data"]["viewer"]["secondFactor"];
    assert_eq!(*factor, json!({"enrolled": true, "recoveryCodesLeft": 8}));

    let disable = "mutation { disableSecondFactor { disabled } }";
    let disabled = world.ask_as(Some(token), disable, json!({})).await;
    assert_eq!(disabled["data"]["disableSecondFactor"]["disabled"], true);
    in_browser(&world).await;
}

#[tokio::test]
async fn a_second_factor_is_neither_begun_nor_taken_away_on_an_unattended_screen() {
    let world = world().await;
    let (_, cookie) = in_browser(&world).await;
    let passed = "UPDATE access.sessions SET stepped_up_at = now() - interval '16 minutes'";
    sqlx::query(passed).execute(&world.pool).await.unwrap();
    let (_, answer) = refresh(&world, &[("cookie", &cookie)]).await;
    let token = answer["data"]["refreshSession"]["accessToken"]
        .as_str()
        .unwrap();
    for mutation in [
        "enrolSecondFactor { uri }",
        "disableSecondFactor { disabled }",
    ] {
        let mutation = format!("mutation {{ {mutation} }}");
        let refused = world.ask_as(Some(token), &mutation, json!({})).await;
        assert_eq!(code_of(&refused), "STEP_UP_REQUIRED", "{refused}");
    }
    let up = "mutation ($input: StepUpInput!) { stepUp(input: $input) { accessToken } }";
    let password = json!({"input": {"password": PHRASE}});
    let stepped_up = world.ask_as(Some(token), up, password).await;
    let token = stepped_up["data"]["stepUp"]["accessToken"].as_str();
    let enrol = "mutation { enrolSecondFactor { uri } }";
    let begun = world.ask_as(token, enrol, json!({})).await;
    assert!(begun["errors"].is_null(), "{begun}");
}
