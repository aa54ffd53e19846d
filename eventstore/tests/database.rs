//! What the store asks of Postgres, and what it leaves free for others.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::time::Duration;

use chrono::{NaiveDate, Utc};
use sealrock_eventstore::{StoreError, connect, connect_for_questions, require_durable};
use sealrock_testkit::database;
use sqlx::{Connection, PgPool};

const SOON: Duration = Duration::from_secs(4);

async fn ensure_day(pool: &PgPool, day: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT ensure_batch_day($1)")
        .bind(day)
        .execute(pool)
        .await
        .map(drop)
}

async fn days(pool: &PgPool) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'sealrock.batch_payloads'::regclass",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn commits_are_synchronous_whatever_the_databases_default_is() {
    let database = database().await;
    for (default, used) in [
        ("off", "on"),
        ("local", "on"),
        ("remote_apply", "remote_apply"),
    ] {
        let set = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = {default}', \
             current_database()); END $$"
        );
        sqlx::query(&set)
            .execute(&database.admin_pool)
            .await
            .unwrap();
        let pool = connect(&database.url, 1).await.unwrap();
        let found: String = sqlx::query_scalar("SHOW synchronous_commit")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(found, used);
    }
}

#[tokio::test]
async fn a_postgres_without_fsync_does_not_count_as_durable() {
    // The tests' own Postgres is such a one.
    let database = database().await;
    let refused = require_durable(&database.pool).await;
    assert!(
        matches!(&refused, Err(StoreError::Fatal(reason)) if reason.contains("fsync")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_partition_of_a_day_is_made_beside_a_long_reader() {
    let database = database().await;
    let mut reader = database.admin_pool.acquire().await.unwrap();
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM sealrock.batch_payloads")
        .execute(&mut *reading)
        .await
        .unwrap();
    let today = Utc::now().date_naive();
    tokio::time::timeout(SOON, ensure_day(&database.pool, today))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(days(&database.admin_pool).await, 1);
    let grants: bool = sqlx::query_scalar(
        "SELECT bool_and(has_table_privilege('sealrock_erase', inhrelid, 'SELECT, DELETE')) \
         FROM pg_inherits WHERE inhparent = 'sealrock.batch_payloads'::regclass",
    )
    .fetch_one(&database.admin_pool)
    .await
    .unwrap();
    assert!(grants);
}

#[tokio::test]
async fn many_may_make_the_same_partition_at_once() {
    let database = database().await;
    let today = Utc::now().date_naive();
    for day in today.iter_days().take(5) {
        let calls = (0..8).map(|_| {
            let pool = database.pool.clone();
            tokio::spawn(async move { ensure_day(&pool, day).await })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap().unwrap();
        }
    }
    assert_eq!(days(&database.admin_pool).await, 5);
}

/// The statement of a future that was dropped goes on in Postgres; this ends it.
#[tokio::test]
async fn a_question_that_takes_too_long_is_given_up_by_postgres_though_nobody_waits_for_it() {
    let database = database().await;
    let longest = Duration::from_secs(3);
    let pool = connect_for_questions(&database.url, 2, longest)
        .await
        .unwrap();
    let refused = sqlx::query("SELECT pg_sleep(60)").execute(&pool).await;
    let refused = refused.unwrap_err();
    let code = refused
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    assert_eq!(code.as_deref(), Some("57014"), "{refused}");

    let asked = sqlx::query("SELECT pg_sleep(61)").execute(&pool);
    let waited = tokio::time::timeout(Duration::from_millis(100), asked).await;
    assert!(waited.is_err(), "it was dropped while it ran");
    let running = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(61)' AND state = 'active'";
    let count = async || {
        sqlx::query_scalar::<_, i64>(running)
            .fetch_one(&database.admin_pool)
            .await
            .unwrap()
    };
    assert_eq!(count().await, 1, "it goes on without us");
    let begun = std::time::Instant::now();
    while count().await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
