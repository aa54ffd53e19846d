//! The databases that tests are given are separate, as the platform sees them, and leave nothing behind.
#![expect(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sealrock_testkit::{cluster, database};
use sqlx::PgPool;

async fn text(pool: &PgPool, sql: &str) -> String {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

async fn count(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM platform")
        .fetch_one(pool)
        .await
        .unwrap()
}

async fn insert(pool: &PgPool) {
    sqlx::query("INSERT INTO platform (origin_host) VALUES ('test')")
        .execute(pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_row_in_one_database_is_not_in_another() {
    let (first, second) = tokio::join!(database(), database());
    insert(&first.pool).await;
    assert_eq!(count(&first.pool).await, 1);
    assert_eq!(count(&second.pool).await, 0);
}

#[tokio::test]
async fn many_tests_at_once_each_get_theirs() {
    let tasks: Vec<_> = (0..8).map(|_| tokio::spawn(database())).collect();
    let mut urls = Vec::new();
    for task in tasks {
        urls.push(task.await.unwrap().url);
    }
    urls.sort_unstable();
    urls.dedup();
    assert_eq!(urls.len(), 8);
}

#[tokio::test]
async fn the_pool_acts_as_the_platform_and_the_admin_pool_as_superuser() {
    let database = database().await;
    assert_eq!(
        text(&database.pool, "SELECT current_user::text").await,
        "sealrock_app"
    );
    assert_eq!(
        text(&database.pool, "SELECT current_schema()::text").await,
        "sealrock"
    );
    assert_eq!(
        text(&database.admin_pool, "SELECT current_user::text").await,
        "postgres"
    );
    let deleted = sqlx::query("DELETE FROM events")
        .execute(&database.pool)
        .await;
    assert!(
        deleted
            .unwrap_err()
            .to_string()
            .contains("permission denied")
    );
}

#[tokio::test]
async fn the_platform_may_make_the_schemas_of_read_models_in_a_clone() {
    let database = database().await;
    sqlx::query("CREATE SCHEMA rm_test")
        .execute(&database.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_cluster_comes_back_with_its_rows_at_the_same_url() {
    let cluster = cluster().await;
    let url = cluster.url().to_owned();
    insert(&cluster.pool().await).await;

    cluster.stop().await;
    assert!(sealrock_eventstore::connect(&url, 1).await.is_err());
    cluster.start().await;
    assert_eq!(count(&cluster.pool().await).await, 1);

    cluster.kill().await;
    cluster.start().await;
    assert_eq!(cluster.url(), url);
    assert_eq!(count(&cluster.pool().await).await, 1);
}

/// Only does something in the process that the next test kills.
#[tokio::test]
async fn prints_its_socket_and_waits_when_asked() {
    let Some(path) = std::env::var_os("SEALROCK_TEST_URL_FILE") else {
        return;
    };
    std::fs::write(path, database().await.url).unwrap();
    tokio::time::sleep(Duration::from_mins(2)).await;
}

#[tokio::test]
async fn a_killed_test_process_leaves_no_postgres_and_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "prints_its_socket_and_waits_when_asked"])
        .env("SEALROCK_TEST_URL_FILE", &file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the victim has a database", || {
        std::fs::metadata(&file).is_ok_and(|f| f.len() > 0)
    });
    let url = std::fs::read_to_string(&file).unwrap();
    let socket_folder = Path::new(url.split(['=', '&']).nth(1).unwrap());
    assert!(socket_folder.exists());
    victim.kill().unwrap();
    victim.wait().unwrap();
    until("the socket's folder is gone", || !socket_folder.exists());
    assert!(sealrock_eventstore::connect(&url, 1).await.is_err());
}

fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
