//! People who register by themselves, on a real Postgres.
#![expect(clippy::unwrap_used)]

mod support;

use sealrock_access::registrations::{
    MOST_WAITING, RegisterError, Registration, decline, list, register,
};
use sealrock_access::{AccountId, ClientAddress, Password, accounts, standing};
use sealrock_domain::Slug;
use sealrock_testkit::database;
use sqlx::PgPool;

use support::{PHRASE, sign_in};

fn northsea() -> Slug {
    "northsea".parse().unwrap()
}

fn wants(username: &str) -> Registration {
    Registration {
        organisation: northsea(),
        username: username.parse().unwrap(),
        mail: format!("{username}@example.org").parse().unwrap(),
        password: Password::new(PHRASE),
    }
}

fn at(address: &str) -> ClientAddress {
    ClientAddress(address.parse().unwrap())
}

async fn only(pool: &PgPool) -> AccountId {
    let waiting = list(pool, &northsea()).await.unwrap();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    waiting[0].id
}

#[tokio::test]
async fn an_account_waits_until_the_ledger_has_a_role_for_it_or_it_is_declined() {
    let pool = database().await.pool;
    register(&pool, wants("otto"), None).await.unwrap();
    let waiting = list(&pool, &northsea()).await.unwrap();
    assert_eq!(
        waiting[0].mail.as_ref().unwrap().as_str(),
        "otto@example.org"
    );
    let row = standing::find(&pool, only(&pool).await).await.unwrap();
    assert!(row.unwrap().in_ledger, "its row's role counts for nothing");
    assert!(accounts::list(&pool).await.unwrap()[0].waiting);
    sign_in(&pool, "otto", Password::new(PHRASE)).await.unwrap();
    let elsewhere = "southsea".parse().unwrap();
    assert!(list(&pool, &elsewhere).await.unwrap().is_empty());
    assert!(!decline(&pool, &elsewhere, waiting[0].id).await.unwrap());

    standing::recorded(&pool, waiting[0].id).await.unwrap();
    assert!(list(&pool, &northsea()).await.unwrap().is_empty());
    let declined = decline(&pool, &northsea(), waiting[0].id).await;
    assert!(!declined.unwrap(), "a member is not declined");

    register(&pool, wants("olaf"), None).await.unwrap();
    let olaf = only(&pool).await;
    assert!(decline(&pool, &northsea(), olaf).await.unwrap());
    assert!(!decline(&pool, &northsea(), olaf).await.unwrap());
    assert_eq!(accounts::list(&pool).await.unwrap().len(), 1);
}

#[tokio::test]
async fn that_a_name_is_taken_is_not_told_and_changes_nothing() {
    let pool = database().await.pool;
    let other = Password::new("otter marzipan quilt");
    let (name, own) = ("otto".parse().unwrap(), northsea());
    let taken = accounts::add_with(
        &pool,
        &name,
        sealrock_access::Role::Operator,
        Some(&own),
        other.clone(),
    );
    taken.await.unwrap();
    register(&pool, wants("otto"), None).await.unwrap();
    assert!(list(&pool, &own).await.unwrap().is_empty());
    sign_in(&pool, "otto", other).await.unwrap();
    assert!(sign_in(&pool, "otto", Password::new(PHRASE)).await.is_err());
}

#[tokio::test]
async fn a_password_that_is_the_mail_address_will_not_do() {
    let pool = database().await.pool;
    let mut weak = wants("otto");
    weak.password = Password::new("otto@example.org");
    let refused = register(&pool, weak, None).await.unwrap_err();
    assert!(matches!(refused, RegisterError::Refused(_)), "{refused}");
    assert!(list(&pool, &northsea()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_network_registers_some_names_and_waits_then_and_others_do_not() {
    let pool = database().await.pool;
    for name in ["a", "b", "c", "d", "e"] {
        let made = register(&pool, wants(name), Some(at("192.0.2.7"))).await;
        made.unwrap();
    }
    let refused = register(&pool, wants("f"), Some(at("192.0.2.7"))).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, RegisterError::TooMany(_)), "{refused}");
    register(&pool, wants("f"), Some(at("192.0.2.8")))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_organisation_has_so_many_that_wait_and_forgets_them_after_a_month() {
    let pool = database().await.pool;
    let fill = "INSERT INTO access.accounts
        (account_id, username, password_hash, role, organisation, must_change_password, in_ledger, waiting_since)
        SELECT gen_random_uuid(), 'n' || i, '', 'holder', 'northsea', false, true, now()
        FROM generate_series(1, $1) i";
    sqlx::query(fill)
        .bind(MOST_WAITING)
        .execute(&pool)
        .await
        .unwrap();
    let refused = register(&pool, wants("otto"), None).await.unwrap_err();
    assert!(matches!(refused, RegisterError::Full), "{refused}");
    let passed = "UPDATE access.accounts SET waiting_since = waiting_since - interval '31 days'";
    sqlx::query(passed).execute(&pool).await.unwrap();
    register(&pool, wants("otto"), None).await.unwrap();
    only(&pool).await;
}
