//! What a writer must refuse, and what it must not wait for.

use std::time::Duration;

use chrono::Utc;
use sealrock_testkit::{TestDatabase, database};
use sqlx::Connection;

use super::fault_table::{append, assert_whole, writer};
use super::persist;
use crate::append::{Append, Expected, Retention};
use crate::error::AppendError;

pub(super) async fn as_admin(database: &TestDatabase, statement: &str) {
    sqlx::query(statement)
        .execute(&database.admin_pool)
        .await
        .expect(statement);
}

#[tokio::test]
async fn nothing_is_appended_while_the_clock_is_behind_the_last_entry() {
    let database = database().await;
    let mut writer = writer(&database).await;
    let first = append(Expected::Version(0));
    writer.append(first).await.expect("the first");
    let set = |offset: &str| {
        format!("UPDATE sealrock.ledger_heads SET recorded_at = recorded_at {offset}")
    };
    as_admin(&database, &set("+ interval '2 minutes'")).await;
    let refused = writer.append(append(Expected::Version(1))).await;
    assert!(
        matches!(&refused, Err(AppendError::Unavailable(why)) if why.contains("behind the ledger's last entry")),
        "{refused:?}"
    );
    assert_whole(&writer, 1).await;
    as_admin(&database, &set("- interval '2 minutes'")).await;
    let next = append(Expected::Version(1));
    writer.append(next).await.expect("goes on by itself");
    assert_whole(&writer, 2).await;
}

#[tokio::test]
async fn a_ledger_from_another_postgres_is_not_continued() {
    for moved in ["system_identifier", "timeline"] {
        let database = database().await;
        let mut writer = writer(&database).await;
        let first = append(Expected::Version(0));
        writer.append(first).await.expect("the first");
        as_admin(
            &database,
            &format!("UPDATE sealrock.ledger_heads SET {moved} = {moved} + 1"),
        )
        .await;
        for _ in 0..2 {
            let refused = writer.append(append(Expected::Version(1))).await;
            assert!(
                matches!(&refused, Err(AppendError::Fatal(why)) if why.contains("restored or moved")),
                "{refused:?}"
            );
        }
        assert_whole(&writer, 1).await;
    }
}

#[tokio::test]
async fn an_append_that_hangs_is_answered_and_its_repetition_is_stored_once() {
    let database = database().await;
    let mut writer = writer(&database).await;
    writer.patience = Duration::from_millis(300);
    let mut other = database.admin_pool.acquire().await.expect("connected");
    let mut holding = other.begin().await.expect("begun");
    sqlx::query("SELECT 1 FROM sealrock.ledger_heads FOR UPDATE")
        .execute(&mut *holding)
        .await
        .expect("locked");
    let hanging = append(Expected::Version(0));
    let answer = writer.append(hanging.clone()).await;
    assert!(
        matches!(&answer, Err(AppendError::Unavailable(why)) if why.contains("did not answer")),
        "{answer:?}"
    );
    holding.rollback().await.expect("released");
    writer.patience = super::PATIENCE;
    assert!(!writer.append(hanging).await.expect("goes on").duplicate);
    assert_whole(&writer, 1).await;
}

#[tokio::test]
async fn a_transaction_of_the_writer_waits_neither_for_locks_nor_for_us_without_end() {
    let database = database().await;
    let mut tx = database
        .pool
        .begin_with(persist::BEGIN)
        .await
        .expect("begun");
    for (setting, limit) in [
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "15s"),
        ("synchronous_commit", "on"),
    ] {
        let set: String = sqlx::query_scalar(&format!("SHOW {setting}"))
            .fetch_one(&mut *tx)
            .await
            .expect("shown");
        assert_eq!(set, limit, "{setting}");
    }
}

fn batch() -> Append {
    let mut append = append(Expected::Any);
    append.events[0].retention = Retention::Batch;
    append
}

#[tokio::test]
async fn the_partitions_of_the_coming_week_are_made_ahead() {
    let database = database().await;
    let mut writer = writer(&database).await;
    writer.append(batch()).await.expect("stored");
    let count = "SELECT count(*) FROM pg_inherits \
                 WHERE inhparent = 'sealrock.batch_payloads'::regclass";
    for _ in 0..200 {
        let days: i64 = sqlx::query_scalar(count)
            .fetch_one(&database.admin_pool)
            .await
            .expect("counted");
        if days >= 8 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the partitions are not made");
}

#[tokio::test]
async fn a_day_that_cannot_be_made_ahead_does_not_stop_the_batches_of_today() {
    let database = database().await;
    let mut writer = writer(&database).await;
    let today = Utc::now().date_naive();
    for day in today.iter_days().take(2) {
        sqlx::query("SELECT ensure_batch_day($1)")
            .bind(day)
            .execute(&database.pool)
            .await
            .expect("made");
    }
    // Nobody gets to make another one meanwhile.
    let mut other = database.admin_pool.acquire().await.expect("connected");
    let mut holding = other.begin().await.expect("begun");
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('sealrock.batch_days'))")
        .execute(&mut *holding)
        .await
        .expect("locked");
    tokio::time::timeout(Duration::from_secs(4), writer.append(batch()))
        .await
        .expect("in time")
        .expect("stored");
}

#[tokio::test]
async fn a_commit_that_hangs_is_looked_up_and_acknowledged() {
    let database = database().await;
    let mut writer = writer(&database).await;
    // COMMIT takes longer than the writer waits, as with a disk or a standby that stalls.
    for statement in [
        "CREATE FUNCTION sealrock.stall() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER stall AFTER INSERT ON sealrock.checkpoints \
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sealrock.stall()",
    ] {
        as_admin(&database, statement).await;
    }
    writer.patience = Duration::from_secs(1);
    let slow = append(Expected::Version(0));
    let found = writer.append(slow.clone()).await.expect("it is recorded");
    assert!(!found.duplicate);
    assert!(writer.append(slow).await.expect("known").duplicate);
    assert_whole(&writer, 1).await;
}
