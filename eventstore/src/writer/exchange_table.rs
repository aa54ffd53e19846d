//! A Postgres that is exchanged for another one, or another state of it, under a writer.

use sealrock_ledger::Origin;
use sealrock_testkit::{Cluster, TestDatabase, cluster};

use super::fault_table::{another, append, assert_whole, writer};
use super::history_table::{assert_fatal, back_up, grow, restart, restore};
use crate::append::Expected;
use crate::error::AppendError;
use crate::ledgers::{self, LedgerKind};

async fn database_of(cluster: &Cluster) -> TestDatabase {
    TestDatabase {
        pool: cluster.pool().await,
        admin_pool: cluster.admin_pool().await,
        url: cluster.url().to_owned(),
    }
}

#[tokio::test]
async fn a_database_that_is_restored_under_an_idle_writer_is_not_signed() {
    let cluster = cluster().await;
    let database = database_of(&cluster).await;
    let mut idle = writer(&database).await;
    grow(&mut idle, 1).await;
    back_up(&database, "early").await;
    let mut other_node = another(&idle);
    grow(&mut other_node, 3).await;
    other_node.finish().await;

    // The idle writer sees nothing of it: the pool replaces its connections.
    cluster.stop().await;
    cluster.start().await;
    restore(&database, "early").await;
    let refused = idle.append(append(Expected::Any)).await;
    assert_fatal(&refused, &["entries 1 to 3 are missing", "northsea.last"]);
    assert_whole(&idle, 1).await;
}

#[tokio::test]
async fn a_restart_of_postgres_alone_keeps_nobody_from_appending() {
    let cluster = cluster().await;
    let database = database_of(&cluster).await;
    let mut writer = writer(&database).await;
    grow(&mut writer, 2).await;
    cluster.kill().await;
    cluster.start().await;
    grow(&mut writer, 1).await;
    assert_whole(&writer, 3).await;
}

#[tokio::test]
async fn a_standby_is_not_written_and_once_promoted_not_before_it_is_adopted() {
    let cluster = cluster().await;
    let database = database_of(&cluster).await;
    let mut writer = writer(&database).await;
    grow(&mut writer, 3).await;
    let mut writer = restart(writer).await;
    grow(&mut writer, 1).await;

    // Killed, so that the first checkpoint of the new timeline has much to do: until it is done
    // pg_control_checkpoint() speaks of the old one.
    cluster.kill().await;
    let mut meanwhile = another(&writer);
    cluster
        .start_promoted(async {
            let refused = meanwhile.append(append(Expected::Any)).await;
            assert!(
                matches!(&refused, Err(AppendError::Unavailable(why)) if why.contains("is a standby")),
                "{refused:?}"
            );
        })
        .await;
    // The one that stood idle, and one that begins.
    let moved = [
        "restored or moved",
        "timeline 1",
        "timeline 2",
        "ledger adopt",
    ];
    assert_fatal(&writer.append(append(Expected::Any)).await, &moved);
    let mut writer = restart(writer).await;
    assert_fatal(&writer.append(append(Expected::Any)).await, &moved);

    assert_eq!(writer.adopt(&[]).await.expect("nothing is missing").size, 4);
    grow(&mut writer, 1).await;
    let mut writer = restart(writer).await;
    grow(&mut writer, 1).await;
    assert_whole(&writer, 6).await;

    // A ledger that is made here is of here.
    let name = "southsea".parse().expect("a name");
    let origin = Origin::new("sealrock.test", &name);
    let key = writer.keys.unused(&name, &origin, &[]).expect("a key");
    let kind = LedgerKind::Operational;
    ledgers::create(&database.pool, &origin, &name, key.vkey(), kind, false)
        .await
        .expect("created");
    let timelines: Vec<i32> = sqlx::query_scalar("SELECT timeline FROM sealrock.ledger_heads")
        .fetch_all(&database.admin_pool)
        .await
        .expect("read");
    assert_eq!(timelines, [2, 2]);
}
