//! Who has begun nothing here, or would have another one's browser do it.

use reqwest::StatusCode;
use serde_json::json;

use crate::provider::Asked;
use crate::world::{World, get, get_from, world};

/// A cookie and a way back that nobody gave out.
async fn made_up(world: &World, n: usize) -> crate::world::Answer {
    let state = format!("{n:0>43}");
    let cookie = format!("__Host-sealrock-oidc={state}.{state}.{state}");
    let back = format!("{}/oidc/callback?code=x&state={state}", world.http);
    get(&back, &cookie).await
}

#[tokio::test]
async fn who_makes_up_sign_ins_is_stopped_before_the_provider_is_asked() {
    let world = world().await;
    world.link(world.otto).await;
    let mut refused = 0;
    for n in 0..100 {
        let answer = made_up(&world, n).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.retry_after.is_some(), "{answer:?}");
            refused += 1;
        }
    }
    assert!(refused >= 70, "{refused}");
    let Asked { tokens, .. } = world.provider.asked();
    assert!(tokens <= 30, "{tokens}");
    let rows = sqlx::query_scalar("SELECT count(*) FROM access.oidc_states");
    let rows: i64 = rows.fetch_one(&world.pool).await.unwrap();
    assert!(rows <= 30, "{rows}");

    // Who is kept out with him goes on where he was.
    let kept_out = "UPDATE access.sign_in_attempts SET blocked_until = now() + interval '10 min'";
    sqlx::query(kept_out).execute(&world.pool).await.unwrap();
    let (cookie, back) = world.begin().await;
    let answer = get(back.as_str(), &cookie).await;
    assert_eq!(
        answer.status,
        StatusCode::TOO_MANY_REQUESTS,
        "of one network"
    );
    assert!(answer.cookies.is_empty(), "{answer:?}");
    let passed = "UPDATE access.sign_in_attempts
                  SET last_at = last_at - interval '1 h', blocked_until = blocked_until - interval '1 h'";
    sqlx::query(passed).execute(&world.pool).await.unwrap();
    let answer = get(back.as_str(), &cookie).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
}

#[tokio::test]
async fn who_is_vouched_for_is_not_counted() {
    let world = world().await;
    world.link(world.otto).await;
    for _ in 0..25 {
        let answer = world.sign_in(json!({})).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    }
    let left = sqlx::query_scalar("SELECT sum(failures) FROM access.sign_in_attempts");
    let left: i64 = left.fetch_one(&world.pool).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_page_of_another_site_begins_no_sign_in() {
    let world = world().await;
    let start = format!("{}/oidc/start", world.http);
    for site in ["cross-site", "same-site"] {
        let answer = get_from(&start, "", Some(site)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
        assert!(answer.cookies.is_empty(), "{answer:?}");
    }
    assert_eq!(world.provider.asked(), Asked::default());
    for site in ["none", "same-origin"] {
        let answer = get_from(&start, "", Some(site)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_ends_no_sign_in_that_began_here() {
    let world = world().await;
    world.link(world.otto).await;
    let (cookie, back) = world.begin().await;
    for made_up in ["?state=x", "?state=x&code=y", "?error=x", ""] {
        let sent = format!("{}/oidc/callback{made_up}", world.http);
        let answer = get_from(&sent, &cookie, Some("cross-site")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
        assert!(answer.cookies.is_empty(), "{answer:?}");
    }
    // As a provider sends it back.
    let answer = get_from(back.as_str(), &cookie, Some("cross-site")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
}
