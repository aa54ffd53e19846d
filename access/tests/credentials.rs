//! Device credentials on a real Postgres.
#![expect(clippy::unwrap_used)]

use sealrock_access::{DeviceSecret, credentials};
use sealrock_domain::{DeviceId, Slug};
use sealrock_testkit::database;

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn meter(name: &str) -> DeviceId {
    DeviceId::of(&slug("northsea"), &slug("plant-1"), &slug(name))
}

#[tokio::test]
async fn a_stored_credential_opens_for_its_secret_and_for_no_other() {
    let pool = database().await.pool;
    let secret = DeviceSecret::generate();
    let id = credentials::insert(&pool, &slug("northsea"), meter("m-1"), &secret)
        .await
        .unwrap();
    let found = credentials::find(&pool, meter("m-1")).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id, found[0].device), (id, meter("m-1")));
    assert_eq!(found[0].ledger, slug("northsea"));
    assert!(found[0].opens(&DeviceSecret::parse(&secret.reveal()).unwrap()));
    assert!(!found[0].opens(&DeviceSecret::generate()));
}

#[tokio::test]
async fn a_device_has_its_own_credentials_oldest_first() {
    let pool = database().await.pool;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let secret = DeviceSecret::generate();
        ids.push(
            credentials::insert(&pool, &slug("northsea"), meter("m-1"), &secret)
                .await
                .unwrap(),
        );
    }
    let secret = DeviceSecret::generate();
    credentials::insert(&pool, &slug("northsea"), meter("m-2"), &secret)
        .await
        .unwrap();
    let found = credentials::find(&pool, meter("m-1")).await.unwrap();
    assert_eq!(found.iter().map(|each| each.id).collect::<Vec<_>>(), ids);
    assert!(
        credentials::find(&pool, meter("m-3"))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_erased_credential_is_gone() {
    let pool = database().await.pool;
    let secret = DeviceSecret::generate();
    let id = credentials::insert(&pool, &slug("northsea"), meter("m-1"), &secret)
        .await
        .unwrap();
    assert!(credentials::erase(&pool, id).await.unwrap());
    assert!(!credentials::erase(&pool, id).await.unwrap());
    assert!(
        credentials::find(&pool, meter("m-1"))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn neither_the_secret_nor_its_hash_is_shown_by_debug_output_or_kept_in_plain() {
    let database = database().await;
    let secret = DeviceSecret::generate();
    credentials::insert(&database.pool, &slug("northsea"), meter("m-1"), &secret)
        .await
        .unwrap();
    let shown = format!(
        "{:?}",
        credentials::find(&database.pool, meter("m-1"))
            .await
            .unwrap()
    );
    assert!(!shown.contains("sha256"), "{shown}");
    let kept: Vec<u8> = sqlx::query_scalar("SELECT secret_sha256 FROM access.device_credentials")
        .fetch_one(&database.admin_pool)
        .await
        .unwrap();
    assert_ne!(kept, secret.reveal().as_bytes());
    assert_eq!(kept.len(), 32);
}
