//! The way to a provider and back.

use reqwest::StatusCode;
use sealrock_access::gate::Code;
use sealrock_access::links::{self, Subject};
use sealrock_access::sessions;
use sealrock_access::{Password, Role, accounts, standing};
use sealrock_oidc::{Oidc, OidcSettings};
use serde_json::json;
use totp_rs::{Algorithm, Secret, TOTP};

use crate::provider::{CLIENT, SECRET, SUBJECT};
use crate::world::{PHRASE, get, world};

#[tokio::test]
async fn a_linked_subject_gets_the_session_of_its_account() {
    let world = world().await;
    world.link(world.otto).await;
    let answer = world.sign_in(json!({})).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(answer.location, "/");
    assert_eq!(
        answer.cookie("__Host-sealrock-oidc"),
        Some("__Host-sealrock-oidc=")
    );
    let renewed = world.gate.renew(&answer.refresh_token().unwrap()).await;
    let renewed = renewed.unwrap();
    assert_eq!(renewed.principal.actor(), format!("user/{}", world.otto));
    assert_eq!(world.sessions().await, 1);
}

#[tokio::test]
async fn a_subject_that_nobody_linked_is_nobody_whatever_name_it_brings() {
    let world = world().await;
    let named = json!({"email": "otto", "preferred_username": "otto", "email_verified": true});
    let answer = world.sign_in(named).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains(SUBJECT), "{}", answer.text);
    assert!(answer.refresh_token().is_none());
    world.link(world.otto).await;
    let other = world.sign_in(json!({"sub": "somebody else"})).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN, "{other:?}");
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn a_token_that_was_not_made_for_this_sign_in_opens_nothing() {
    let world = world().await;
    world.link(world.otto).await;
    let now = chrono::Utc::now().timestamp();
    for change in [
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"aud": "another"}),
        json!({"aud": [CLIENT, "another"]}),
        json!({"aud": [CLIENT, "another"], "azp": "another"}),
        json!({"azp": "another"}),
        json!({"iss": "https://another.example"}),
        json!({"exp": now - 120}),
        json!({"exp": null}),
        json!({"iat": now + 600}),
        json!({"sub": ""}),
        json!({"sub": null}),
    ] {
        let answer = world.sign_in(change.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{change}: {answer:?}");
        assert!(answer.refresh_token().is_none(), "{change}");
    }
    assert_eq!(world.sessions().await, 0);
    let ours = json!({"aud": [CLIENT, "another"], "azp": CLIENT});
    let answer = world.sign_in(ours).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
}

#[tokio::test]
async fn a_token_of_another_key_or_of_none_opens_nothing() {
    let world = world().await;
    world.link(world.otto).await;
    for forged in ["another-key", "unknown-kid", "none", "hs256"] {
        let (cookie, back) = world.begin().await;
        world.provider.forges(forged);
        let answer = get(back.as_str(), &cookie).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{forged}: {answer:?}");
    }
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn a_sign_in_comes_back_once_and_to_the_browser_that_began_it() {
    let world = world().await;
    world.link(world.otto).await;
    let (cookie, back) = world.begin().await;
    let (other, _) = world.begin().await;
    for elsewhere in ["", "__Host-sealrock-oidc=x.y.z", other.as_str()] {
        let answer = get(back.as_str(), elsewhere).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    }
    let answer = get(back.as_str(), &cookie).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let again = get(back.as_str(), &cookie).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{again:?}");
    // Nor with another code.
    let again = world.provider.with_new_code(&back);
    let again = get(again.as_str(), &cookie).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{again:?}");
    assert_eq!(world.sessions().await, 1);
}

#[tokio::test]
async fn a_code_that_was_stolen_from_another_browser_is_worth_nothing() {
    let world = world().await;
    world.link(world.otto).await;
    let (_, of_otto) = world.begin().await;
    let (cookie, of_thief) = world.begin().await;
    let stolen = of_otto.query_pairs().find(|(name, _)| name == "code");
    let state = of_thief.query_pairs().find(|(name, _)| name == "state");
    let mut mixed = of_thief.clone();
    mixed
        .query_pairs_mut()
        .clear()
        .append_pair("code", &stolen.unwrap().1)
        .append_pair("state", &state.unwrap().1);
    let answer = get(mixed.as_str(), &cookie).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn who_comes_back_without_a_code_is_told_to_try_again() {
    let world = world().await;
    let (cookie, back) = world.begin().await;
    let state = back.query_pairs().find(|(name, _)| name == "state");
    let mut denied = back.clone();
    denied
        .query_pairs_mut()
        .clear()
        .append_pair("error", "access_denied")
        .append_pair("state", &state.unwrap().1);
    let answer = get(denied.as_str(), &cookie).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("/oidc/start"), "{}", answer.text);
}

#[tokio::test]
async fn a_link_makes_nobody_a_member_and_ends_with_the_account() {
    let world = world().await;
    world.link(world.otto).await;
    // The ledger is to say it, and has no entry.
    standing::recorded(&world.pool, world.otto).await.unwrap();
    let answer = world.sign_in(json!({})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert!(!answer.text.contains(SUBJECT), "known, and no member");
    assert_eq!(world.sessions().await, 0);
    accounts::erase(&world.pool, &"otto".parse().unwrap())
        .await
        .unwrap();
    let answer = world.sign_in(json!({})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert!(answer.text.contains(SUBJECT), "nobody is linked any more");
}

#[tokio::test]
async fn a_link_that_ends_takes_its_sessions_with_it() {
    let world = world().await;
    world.link(world.otto).await;
    let answer = world.sign_in(json!({})).await;
    assert_eq!(world.sessions().await, 1, "{answer:?}");
    assert_eq!(links::unlink(&world.pool, world.otto).await.unwrap(), 1);
    assert_eq!(world.sessions().await, 0);
    let answer = world.sign_in(json!({})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert_eq!(links::unlink(&world.pool, world.otto).await.unwrap(), 0);
}

#[tokio::test]
async fn signing_in_is_a_step_up_as_of_when_it_was_proved_at_the_provider() {
    let world = world().await;
    world.link(world.otto).await;
    let now = chrono::Utc::now().timestamp();
    let answer = world.sign_in(json!({"auth_time": now - 600})).await;
    assert_eq!(world.stepped_up(&answer).await, now - 600);
    let answer = world.sign_in(json!({"auth_time": null})).await;
    assert_eq!(world.stepped_up(&answer).await, 0);
    let answer = world.sign_in(json!({"auth_time": now + 3_600})).await;
    assert!(world.stepped_up(&answer).await < now + 600);
}

#[tokio::test]
async fn who_has_a_second_factor_here_has_not_proved_it_at_the_provider() {
    let world = world().await;
    world.link(world.otto).await;
    let name = "otto".parse().unwrap();
    let begun = world.gate.enrol(world.otto, &name).await.unwrap();
    let secret = Secret::Encoded(begun.secret).to_bytes().unwrap();
    let app = TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap();
    let code = Code(app.generate_current().unwrap());
    world.gate.confirm(world.otto, &code, None).await.unwrap();
    let answer = world.sign_in(json!({})).await;
    assert_eq!(world.stepped_up(&answer).await, 0);
}

#[tokio::test]
async fn a_link_takes_an_issued_password_away_and_leaves_one_that_was_chosen() {
    let world = world().await;
    let (name, own) = ("erik".parse().unwrap(), "northsea".parse().unwrap());
    let issued = accounts::add(&world.pool, &name, Role::Operator, Some(&own)).await;
    let issued = issued.unwrap();
    let erik = accounts::find_id(&world.pool, &name)
        .await
        .unwrap()
        .unwrap();
    let enter = async |name: &str, password: &str| {
        let proof = sealrock_access::gate::Proof {
            username: name.to_owned(),
            password: Password::new(password),
            code: None,
        };
        let client = sessions::Client::default();
        world.gate.enter(proof, &client, false).await.is_ok()
    };
    assert!(enter("erik", issued.reveal()).await);
    world.link(erik).await;
    assert!(sessions::list(&world.pool, erik).await.unwrap().is_empty());
    let other = Subject {
        issuer: world.provider.issuer.clone(),
        subject: SUBJECT.to_owned(),
    };
    let taken = links::link(&world.pool, &other, world.otto).await;
    assert!(!taken.unwrap(), "a subject is one account");
    assert!(!enter("erik", issued.reveal()).await);
    let answer = world.sign_in(json!({})).await;
    let renewed = world.gate.renew(&answer.refresh_token().unwrap()).await;
    assert!(!renewed.unwrap().must_change_password());
    links::unlink(&world.pool, erik).await.unwrap();
    world.link(world.otto).await;
    assert!(enter("otto", PHRASE).await);
}

#[tokio::test]
async fn a_provider_that_is_away_or_calls_itself_otherwise_signs_nobody_in() {
    let world = world().await;
    world.provider.calls_itself("https://another.example");
    let begun = get(&format!("{}/oidc/start", world.http), "").await;
    assert_eq!(begun.status, StatusCode::SERVICE_UNAVAILABLE, "{begun:?}");
    world.provider.calls_itself(&world.provider.issuer);
    world.begin().await;
    let plain = OidcSettings {
        issuer: "http://provider.example".to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.to_owned(),
        redirect_url: "https://sealrock.example/oidc/callback".parse().unwrap(),
    };
    assert!(Oidc::new(plain).is_err(), "not without TLS");
}
