//! Dead letters in a real Postgres.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use chrono::{TimeZone, Utc};
use sealrock_domain::{DeviceId, Slug};
use sealrock_ingest::{DeadLetter, DeadLetters, KEPT_BYTES, PostgresDeadLetters};
use sha2::{Digest, Sha256};
use uuid::Uuid;

fn letter(organisation: &str, name: &str, bytes: Vec<u8>) -> DeadLetter {
    let slug = |text: &str| text.parse::<Slug>().unwrap();
    let organisation = slug(organisation);
    DeadLetter {
        id: Uuid::now_v7(),
        device: DeviceId::of(&organisation, &slug("plant-1"), &slug(name)),
        organisation,
        received_at: Utc.with_ymd_and_hms(2026, 11, 21, 3, 12, 45).unwrap(),
        via: "http:/ingest".into(),
        reason: "undecodable".into(),
        message: "expected value at line 1 column 1".into(),
        bytes: bytes.into(),
    }
}

fn acme() -> Slug {
    "acme".parse().unwrap()
}

#[tokio::test]
async fn a_letter_is_listed_as_it_was_put() {
    let database = sealrock_testkit::database().await;
    let letters = PostgresDeadLetters::new(database.pool.clone());
    let letter = letter("acme", "stack-1", b"no batch".to_vec());
    letters.put(&letter).await.unwrap();
    let [kept] = letters
        .list(&acme(), None, 10)
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(
        (kept.id, kept.device, kept.received_at),
        (letter.id, letter.device, letter.received_at)
    );
    assert_eq!(
        (kept.via, kept.reason, kept.message),
        (letter.via, letter.reason, letter.message)
    );
    assert_eq!((kept.bytes, kept.full_length), (b"no batch".to_vec(), 8));
    assert_eq!(kept.sha256, Sha256::digest(b"no batch").to_vec());
}

#[tokio::test]
async fn a_letter_whose_topic_has_a_nul_is_kept() {
    let database = sealrock_testkit::database().await;
    let letters = PostgresDeadLetters::new(database.pool.clone());
    let mut letter = letter("acme", "stack-1", b"no batch".to_vec());
    letter.via = "mqtt:a\0b".into();
    letters.put(&letter).await.unwrap();
    let kept = letters.list(&acme(), None, 10).await.unwrap();
    assert_eq!(kept[0].via, "mqtt:a\u{FFFD}b");
}

#[tokio::test]
async fn long_bytes_are_cut_and_their_length_and_hash_are_of_the_whole() {
    let database = sealrock_testkit::database().await;
    let letters = PostgresDeadLetters::new(database.pool.clone());
    let bytes = vec![7; KEPT_BYTES + 1];
    letters
        .put(&letter("acme", "stack-1", bytes.clone()))
        .await
        .unwrap();
    let kept = &letters.list(&acme(), None, 10).await.unwrap()[0];
    assert_eq!((kept.bytes.len(), kept.full_length), (KEPT_BYTES, 65_537));
    assert_eq!(kept.sha256, Sha256::digest(&bytes).to_vec());
}

#[tokio::test]
async fn a_device_keeps_its_newest_letters_and_no_other_devices_go() {
    let database = sealrock_testkit::database().await;
    let letters = PostgresDeadLetters::new(database.pool.clone()).keeping(3);
    letters
        .put(&letter("acme", "well-2", b"other".to_vec()))
        .await
        .unwrap();
    for number in 0..5u8 {
        letters
            .put(&letter("acme", "stack-1", vec![number]))
            .await
            .unwrap();
    }
    let bytes: Vec<_> = letters
        .list(&acme(), None, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|kept| kept.bytes)
        .collect();
    assert_eq!(bytes, [vec![4], vec![3], vec![2], b"other".to_vec()]);
}

#[tokio::test]
async fn the_same_letter_put_twice_is_kept_once() {
    let database = sealrock_testkit::database().await;
    let letters = PostgresDeadLetters::new(database.pool.clone());
    let letter = letter("acme", "stack-1", b"no batch".to_vec());
    letters.put(&letter).await.unwrap();
    letters.put(&letter).await.unwrap();
    assert_eq!(letters.list(&acme(), None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_holds_one_organisations_letters_newest_first_in_pages() {
    let database = sealrock_testkit::database().await;
    let letters = PostgresDeadLetters::new(database.pool.clone());
    for number in 0..3u8 {
        letters
            .put(&letter("acme", "stack-1", vec![number]))
            .await
            .unwrap();
        letters
            .put(&letter("rival", "stack-1", vec![number]))
            .await
            .unwrap();
    }
    let first = letters.list(&acme(), None, 2).await.unwrap();
    let second = letters.list(&acme(), Some(first[1].id), 2).await.unwrap();
    let bytes: Vec<_> = [first, second]
        .concat()
        .into_iter()
        .map(|kept| kept.bytes)
        .collect();
    assert_eq!(bytes, [[2], [1], [0]]);
}

#[tokio::test]
async fn a_message_that_quotes_nul_can_be_kept() {
    let database = sealrock_testkit::database().await;
    let letters = PostgresDeadLetters::new(database.pool.clone());
    let letter = DeadLetter {
        message: "unexpected \0".into(),
        ..letter("acme", "stack-1", vec![])
    };
    letters.put(&letter).await.unwrap();
    assert_eq!(
        letters.list(&acme(), None, 1).await.unwrap()[0].message,
        "unexpected \u{FFFD}"
    );
}

#[tokio::test]
async fn without_postgres_a_letter_is_refused_as_unavailable_and_kept_when_it_is_back() {
    let cluster = sealrock_testkit::cluster().await;
    let letters = PostgresDeadLetters::new(cluster.pool().await);
    let letter = letter("acme", "stack-1", b"no batch".to_vec());
    cluster.stop().await;
    assert!(letters.put(&letter).await.is_err());
    cluster.start().await;
    letters.put(&letter).await.unwrap();
}
