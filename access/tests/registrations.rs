//! People who register by themselves, on a real Postgres.
#![expect(clippy::unwrap_used)]

mod support;

use sealrock_access::links::{self, Subject};
use sealrock_access::registrations::{
    MOST_WAITING, RegisterError, Registration, decline, hold, list, old, register,
};
use sealrock_access::sessions::{self, Client};
use sealrock_access::{AccountId, ClientAddress, Password, accounts, standing};
use sealrock_domain::Slug;
use sealrock_testkit::database;
use sqlx::PgPool;

use support::{PHRASE, gate, proof, sign_in};

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
async fn a_customer_with_many_networks_registers_a_few_more_names_and_waits_too() {
    let pool = database().await.pool;
    let mut made = 0;
    for n in 0..20 {
        let from = at(&format!("2001:db8:7:{n:x}::1"));
        let wants = wants(&format!("n{n}"));
        made += u32::from(register(&pool, wants, Some(from)).await.is_ok());
    }
    assert!((10..20).contains(&made), "{made}");
    let other = Some(at("2001:db8:8::1"));
    register(&pool, wants("otto"), other).await.unwrap();
}

#[tokio::test]
async fn an_organisation_has_so_many_that_wait() {
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
}

async fn pass(pool: &PgPool, table: &str, column: &str, by: &str) {
    let passed = format!("UPDATE access.{table} SET {column} = {column} - interval '{by}'");
    sqlx::query(&passed).execute(pool).await.unwrap();
}

#[tokio::test]
async fn who_is_about_to_get_a_role_waits_on_and_is_neither_declined_nor_forgotten() {
    let pool = database().await.pool;
    register(&pool, wants("otto"), None).await.unwrap();
    let otto = only(&pool).await;
    pass(&pool, "accounts", "waiting_since", "31 days").await;
    assert_eq!(old(&pool).await.unwrap(), [(otto, northsea())]);
    hold(&pool, &"southsea".parse().unwrap(), otto)
        .await
        .unwrap();
    assert_eq!(old(&pool).await.unwrap().len(), 1, "another's organisation");
    hold(&pool, &northsea(), otto).await.unwrap();
    assert_eq!(only(&pool).await, otto);
    assert!(!decline(&pool, &northsea(), otto).await.unwrap());
    assert!(old(&pool).await.unwrap().is_empty());
    // Nothing came of it.
    pass(&pool, "accounts", "deciding_until", "3 min").await;
    assert_eq!(old(&pool).await.unwrap().len(), 1);
    assert!(decline(&pool, &northsea(), otto).await.unwrap());
}

#[tokio::test]
async fn who_was_second_to_take_a_name_has_another_code_than_the_account() {
    let pool = database().await.pool;
    let first = register(&pool, wants("ada"), None).await.unwrap();
    let second = register(&pool, wants("ada"), None).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(
        (first.len(), second.len()),
        (9, 9),
        "nothing tells them apart"
    );
    let waiting = list(&pool, &northsea()).await.unwrap();
    assert_eq!(waiting[0].code.as_ref(), Some(&first));
    standing::recorded(&pool, waiting[0].id).await.unwrap();
    let kept = "SELECT count(*) FROM access.accounts WHERE registration_code IS NOT NULL";
    let kept: i64 = sqlx::query_scalar(kept).fetch_one(&pool).await.unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn who_waits_and_is_linked_to_a_provider_has_no_password_of_who_was_first_to_take_the_name() {
    let pool = database().await.pool;
    let subject = |subject: &str| Subject {
        issuer: "https://id.example".to_owned(),
        subject: subject.to_owned(),
    };
    register(&pool, wants("ada"), None).await.unwrap();
    let ada = only(&pool).await;
    sign_in(&pool, "ada", Password::new(PHRASE)).await.unwrap();
    assert!(links::link(&pool, &subject("1"), ada).await.unwrap());
    assert!(sessions::list(&pool, ada).await.unwrap().is_empty());
    assert!(sign_in(&pool, "ada", Password::new(PHRASE)).await.is_err());

    register(&pool, wants("otto"), None).await.unwrap();
    let waiting = list(&pool, &northsea()).await.unwrap();
    let otto = waiting.iter().find(|one| one.id != ada).unwrap().id;
    // An administrator has asked for the code, and knows whose the password is.
    standing::recorded(&pool, otto).await.unwrap();
    assert!(links::link(&pool, &subject("2"), otto).await.unwrap());
    sign_in(&pool, "otto", Password::new(PHRASE)).await.unwrap();
}

#[tokio::test]
async fn of_who_was_declined_no_session_is_open_and_nothing_tells_where_one_was() {
    let pool = database().await.pool;
    register(&pool, wants("otto"), None).await.unwrap();
    let from = Client {
        address: Some(at("192.0.2.7")),
        name: Some("otto's telephone".to_owned()),
    };
    let shown = proof("otto", PHRASE, None);
    gate(&pool).enter(shown, &from, true).await.unwrap();
    let otto = only(&pool).await;
    assert!(decline(&pool, &northsea(), otto).await.unwrap());
    let told = "SELECT count(*) FROM access.sessions
        WHERE revoked_at IS NULL OR address IS NOT NULL OR client IS NOT NULL";
    let told: i64 = sqlx::query_scalar(told).fetch_one(&pool).await.unwrap();
    assert_eq!(told, 0);

    let count = async || -> i64 {
        let rows = sqlx::query_scalar("SELECT count(*) FROM access.sessions WHERE account_id = $1");
        rows.bind(otto.0).fetch_one(&pool).await.unwrap()
    };
    assert_eq!(count().await, 1);
    pass(&pool, "sessions", "revoked_at", "31 days").await;
    register(&pool, wants("olga"), None).await.unwrap();
    sign_in(&pool, "olga", Password::new(PHRASE)).await.unwrap();
    assert_eq!(count().await, 0, "anybody who signs in clears it away");
}
