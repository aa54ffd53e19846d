//! What was taken away from somebody closes the sockets, whichever way it was.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use sealrock_access::{Grant, Password, Principal, Role, TokenKeys, accounts};
use sealrock_domain::Slug;
use serde_json::{Value, json};

use crate::organisations::person;
use crate::world::{Feed, World, start};

const PHRASE: &str = "otter marzipan quilt";
const SIGN_IN: &str = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
const FOLLOW: &str = r#"subscription { ledgerEntries(ledger: "northsea") { index } }"#;
/// It takes less than a second; a machine that tests run on may be asked for more than it can.
const SOON: Duration = Duration::from_secs(5);

fn slug(name: &str) -> Slug {
    name.parse().unwrap()
}

/// A socket with a subscription.
async fn follow(world: &World, token: &str) -> Feed {
    world.subscribe_as(token, FOLLOW, json!({})).await
}

async fn sign_in(world: &World) -> String {
    let input = json!({"input": {"username": "ada", "password": PHRASE}});
    let answer = world.ask_as(None, SIGN_IN, input).await;
    let token = answer["data"]["signIn"]["accessToken"].as_str();
    token.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

async fn done(world: &World, token: &str, mutation: &str, variables: Value) {
    let answer = world.ask_as(Some(token), mutation, variables).await;
    assert!(answer["errors"].is_null(), "{answer}");
}

/// That the socket is closed soon after.
async fn closes(mut feed: Feed, because: &str, since: Instant) {
    let code = tokio::time::timeout(SOON, feed.closed()).await;
    let code = code.unwrap_or_else(|_| panic!("it goes on: {because}"));
    assert_eq!(code, 4403, "{because}");
    println!("{because}: closed after {} ms", since.elapsed().as_millis());
}

#[tokio::test]
async fn a_session_that_ends_closes_its_sockets_and_no_others() {
    let world = start().await;
    world.register_places().await;
    let (name, password) = ("ada".parse().unwrap(), Password::new(PHRASE));
    let ada = accounts::add_with(&world.pool, &name, Role::Auditor, None, password);
    ada.await.unwrap();
    let own = sign_in(&world).await;
    let mut kept = follow(&world, &own).await;

    let other = follow(&world, &sign_in(&world).await).await;
    let sessions = "{ viewer { sessions { id current } } }";
    let answer = world.ask_as(Some(&own), sessions, json!({})).await;
    let sessions = answer["data"]["viewer"]["sessions"].as_array().unwrap();
    let of_other = sessions.iter().find(|one| one["current"] == false).unwrap();
    let revoke =
        "mutation ($input: RevokeSessionInput!) { revokeSession(input: $input) { ended } }";
    let since = Instant::now();
    done(
        &world,
        &own,
        revoke,
        json!({"input": {"id": of_other["id"]}}),
    )
    .await;
    closes(other, "revokeSession", since).await;

    let other = follow(&world, &sign_in(&world).await).await;
    let change =
        "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }";
    let input = json!({"currentPassword": PHRASE, "newPassword": "quilt of otters and marzipan"});
    let since = Instant::now();
    done(&world, &own, change, json!({"input": input})).await;
    closes(other, "changePassword", since).await;
    assert!(kept.is_silent().await, "who did it goes on");

    let since = Instant::now();
    done(
        &world,
        &own,
        "mutation { signOutEverywhere { ended } }",
        json!({}),
    )
    .await;
    closes(kept, "signOutEverywhere", since).await;
}

#[tokio::test]
async fn who_is_no_member_any_more_or_is_erased_loses_his_sockets() {
    let world = start().await;
    world.register_places().await;
    let (northsea, by) = (slug("northsea"), World::by_hand());
    let otto = person(Role::Mrv, "northsea");
    let Principal::User { id, .. } = &otto else {
        panic!("a person")
    };
    let feed = follow(&world, &world.token_of(&otto)).await;
    let since = Instant::now();
    let ended = world.commands.deactivate_member(&by, &northsea, *id);
    ended.await.unwrap();
    closes(feed, "deactivateMember", since).await;

    let (name, password) = ("olga".parse().unwrap(), Password::new(PHRASE));
    let role = Role::Mrv;
    let olga = accounts::add_with(&world.pool, &name, role, Some(&northsea), password);
    let olga = Principal::signed_in(olga.await.unwrap(), name.clone(), role, Some(northsea));
    let feed = follow(&world, &world.token_of(&olga)).await;
    let since = Instant::now();
    let erased = world.commands.erase_account(&World::by_hand(), &name).await;
    assert!(erased.unwrap().is_some());
    closes(feed, "erased", since).await;
}

/// Somebody of `verico` whom `northsea` lets look until then.
async fn guest(world: &World, role: Role, until: DateTime<Utc>) -> String {
    let mut vera = person(role, "verico");
    let Principal::User { grants, .. } = &mut vera else {
        panic!("a person")
    };
    let organisation = slug("northsea");
    *grants = vec![Grant {
        organisation,
        sites: None,
        until,
    }];
    world.member(&vera).await
}

#[tokio::test]
async fn a_grant_that_ends_or_is_taken_back_closes_the_sockets_of_who_had_it() {
    let world = start().await;
    world.register_places().await;
    let register = r#"mutation {
      registerOrganisation(input: {slug: "verico", displayName: "Verico"}) { duplicate }
    }"#;
    world.data(register, json!({})).await;
    let until = Utc::now() + TimeDelta::seconds(15);
    let feed = follow(&world, &guest(&world, Role::Verifier, until).await).await;
    tokio::time::sleep((until - Utc::now()).to_std().unwrap_or_default()).await;
    closes(feed, "a grant's end", Instant::now()).await;

    let until = Utc::now() + TimeDelta::days(1);
    let feed = follow(&world, &guest(&world, Role::Regulator, until).await).await;
    let revoke = r#"mutation {
      revokeAccess(input: {organisation: "northsea", grantee: "verico", role: REGULATOR}) { duplicate }
    }"#;
    let since = Instant::now();
    world.data(revoke, json!({})).await;
    closes(feed, "revokeAccess", since).await;
}

#[tokio::test]
async fn keys_of_tokens_that_somebody_else_may_have_close_every_socket() {
    let world = start().await;
    world.register_places().await;
    let feed = follow(&world, world.token()).await;
    let folder = tempfile::tempdir().unwrap();
    let keys = TokenKeys::new(folder.path());
    keys.replace().unwrap();
    let since = Instant::now();
    world.tokens.take_up(&keys).unwrap();
    closes(feed, "new token keys", since).await;
}
