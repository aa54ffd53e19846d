//! Two nodes share a subscription.

use std::sync::Arc;
use std::time::Duration;

use sealrock_ingest::ExternalConfig;
use sealrock_testkit::{Mosquitto, database};

use crate::support::*;

const GRACE: Duration = Duration::from_secs(20);

fn shared(mosquitto: &Mosquitto, client_id: &str) -> ExternalConfig {
    ExternalConfig {
        group: Some("sealrock".to_owned()),
        ..config(mosquitto, client_id)
    }
}

#[test]
fn a_node_that_is_killed_in_the_middle_loses_nothing_and_doubles_nothing() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let (here, there) = (runtime(), runtime());
    let mosquitto = Mosquitto::start(LASTING);
    let database = here.block_on(database());
    let world = Arc::new(here.block_on(World::on(database.pool)));
    let survivor = here.block_on(world.consume_connected(&shared(&mosquitto, "node-1")));
    // The other node has a write side and a pool of its own, in a runtime that ends as a process
    // does: nothing in it is told, its sockets close.
    let (elsewhere, url) = (Arc::clone(&world), database.url);
    let victim = there.block_on(async move {
        let pool = sealrock_eventstore::connect(&url, 8).await.unwrap();
        elsewhere.elsewhere(pool).await
    });
    let broker = there.block_on(victim.consume_connected(&shared(&mosquitto, "node-2")));
    here.block_on(async {
        let messages = numbered(100);
        let published = publish(&mosquitto, &messages);
        let killed = async {
            world.has_recorded(100).await;
            there.shutdown_background();
        };
        tokio::join!(published, killed);
        drop(broker);
        // What the broker keeps for the dead node it keeps until that node is back.
        let back = world.consume_connected(&shared(&mosquitto, "node-2")).await;
        world.has_recorded(1_000).await;
        back.stop(GRACE).await;
        survivor.stop(GRACE).await;
        assert_each_of(&world, 100).await;
    });
}

/// Each is there once. Two nodes take turns, so a device's need not be in its order.
async fn assert_each_of(world: &World, each: u64) {
    let recorded = world.recorded().await;
    let set: std::collections::BTreeSet<_> = recorded.iter().cloned().collect();
    assert_eq!(set, expected(each));
    assert_eq!(recorded.len(), set.len(), "a batch is there twice");
}

#[tokio::test]
async fn two_nodes_take_each_a_part() {
    let world = World::on(database().await.pool).await;
    let mosquitto = Mosquitto::start(LASTING);
    let one = world.consume_connected(&shared(&mosquitto, "node-1")).await;
    let two = world.consume_connected(&shared(&mosquitto, "node-2")).await;
    let mut receipts = Listener::to(&mosquitto, "sealrock/v1/+/+/+/receipt").await;
    publish(&mosquitto, &numbered(20)).await;
    world.has_recorded(200).await;
    for _ in 0..200 {
        let (_, receipt) = receipts.next().await;
        assert_eq!(
            receipt["duplicate"],
            serde_json::Value::Null,
            "both took it"
        );
    }
    one.stop(GRACE).await;
    two.stop(GRACE).await;
    assert_each_of(&world, 20).await;
}
