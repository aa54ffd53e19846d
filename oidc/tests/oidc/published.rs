//! What a provider publishes, when it changes that, and when it does not answer.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::PublicKeyUse;
use reqwest::StatusCode;
use serde_json::json;

use crate::provider::{public, rsa};
use crate::world::{World, get, world};

/// So much time passes, for everything in this process.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

async fn start(world: &World) -> StatusCode {
    get(&format!("{}/oidc/start", world.http), "").await.status
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_asked_once_for_all_who_wait_and_later_again() {
    let world = world().await;
    world.provider.hangs(true);
    let starts = (0..20).map(|_| start(&world));
    for status in futures::future::join_all(starts).await {
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(world.provider.asked().metadata, 1);
    world.provider.hangs(false);
    pass(Duration::from_secs(11)).await;
    world.begin().await;
    assert_eq!(world.provider.asked().metadata, 2);
}

#[tokio::test]
async fn what_was_published_is_believed_for_a_day_if_it_cannot_be_read_again() {
    let world = world().await;
    world.begin().await;
    world.provider.calls_itself("https://another.example");
    pass(Duration::from_hours(23)).await;
    world.begin().await;
    assert_eq!(world.provider.asked().metadata, 2);
    pass(Duration::from_hours(2)).await;
    assert_eq!(start(&world).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_key_that_was_changed_under_its_name_is_read_again_after_a_minute() {
    let world = world().await;
    world.link(world.otto).await;
    world.begin().await;
    world.provider.takes_a_new_key();
    let answer = world.sign_in(json!({})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert_eq!(world.provider.asked().metadata, 1);
    pass(Duration::from_secs(61)).await;
    let answer = world.sign_in(json!({})).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(world.provider.asked().metadata, 2);
}

#[tokio::test]
async fn a_token_that_names_no_key_is_of_the_only_one_that_can_have_signed_it() {
    let world = world().await;
    world.link(world.otto).await;
    let mut encrypts = public(&rsa(), Algorithm::RS256);
    encrypts.common.public_key_use = Some(PublicKeyUse::Encryption);
    world.provider.publishes_beside(encrypts);
    let mut other_kind = public(&rsa(), Algorithm::RS256);
    other_kind.common.key_algorithm = Some(Algorithm::PS256.into());
    world.provider.publishes_beside(other_kind);
    // RFC 8037, A.2.
    let edwards = json!({
        "kty": "OKP", "crv": "Ed25519", "kid": "one", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    world
        .provider
        .publishes_beside(serde_json::from_value(edwards).unwrap());
    let answer = world.sign_in(json!({})).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");

    world
        .provider
        .publishes_beside(public(&rsa(), Algorithm::RS256));
    pass(Duration::from_hours(2)).await;
    let answer = world.sign_in(json!({})).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "either of two");
}
