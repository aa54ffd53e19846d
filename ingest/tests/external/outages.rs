//! The broker goes, the session goes, the database is slow or away: nothing is lost, nothing is
//! there twice.

use std::time::Duration;

use sealrock_testkit::{Mosquitto, cluster, database};
use sqlx::{Connection, PgConnection};
use tokio::net::{TcpListener, TcpStream};

use crate::support::*;

const GRACE: Duration = Duration::from_secs(20);

/// Nobody can append while this is open: the ledgers' head rows are taken.
async fn stalled(url: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE sealrock.ledger_heads IN ACCESS EXCLUSIVE MODE")
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

#[tokio::test]
async fn a_restart_of_the_broker_while_batches_are_under_way_loses_nothing() {
    let database = database().await;
    let world = World::on(database.pool).await;
    let mut mosquitto = Mosquitto::start(LASTING);
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    let stall = stalled(&database.url).await;
    publish(&mosquitto, &numbered(30)).await;
    mosquitto.stop();
    mosquitto.start_again();
    // All that was under way comes again, under packet ids that mean other messages now.
    soon(broker.connected()).await;
    stall.close().await.unwrap();
    world.has_recorded(300).await;
    publish(&mosquitto, &numbered(40)[300..]).await;
    world.has_recorded(400).await;
    broker.stop(GRACE).await;
    assert_each_once(&world, 40).await;
    assert_nothing_is_left(&world, &mosquitto).await;
}

/// A consumer that comes back under the same client id is sent nothing any more: a marker that is
/// published now is the next that comes.
async fn assert_nothing_is_left(world: &World, mosquitto: &Mosquitto) {
    let before = world.recorded().await.len();
    let mut receipts = Listener::to(mosquitto, "sealrock/v1/+/+/+/receipt").await;
    let broker = world.consume_connected(&config(mosquitto, "node-1")).await;
    publish(mosquitto, &[(topic("meter-0", "batch"), batch(1_000))]).await;
    let (_, receipt) = receipts.next().await;
    assert_eq!(receipt["seq"], 1_000, "acknowledged, and sent again");
    broker.stop(GRACE).await;
    assert_eq!(world.recorded().await.len(), before + 1);
}

#[tokio::test]
async fn a_broker_that_has_forgotten_the_session_is_subscribed_to_again_and_what_was_taken_is_recorded()
 {
    let database = database().await;
    let world = World::on(database.pool).await;
    let mut mosquitto = Mosquitto::start(LASTING);
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    let stall = stalled(&database.url).await;
    publish(&mosquitto, &numbered(20)).await;
    // Of these the consumer has the only copies.
    tokio::time::sleep(Duration::from_millis(500)).await;
    mosquitto.kill();
    soon(async {
        while broker.is_connected() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    mosquitto.forget();
    mosquitto.start_again();
    soon(broker.connected()).await;
    stall.close().await.unwrap();
    world.has_recorded(200).await;
    publish(&mosquitto, &numbered(30)[200..]).await;
    world.has_recorded(300).await;
    broker.stop(GRACE).await;
    assert_each_once(&world, 30).await;
}

#[tokio::test]
async fn a_broker_that_has_kept_the_session_and_lost_its_messages_does_not_make_us_forget_them() {
    let database = database().await;
    let world = World::on(database.pool).await;
    let mut mosquitto = Mosquitto::start(LASTING);
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    // The session is on its disk, and nothing that comes after.
    mosquitto.stop();
    mosquitto.start_again();
    publish(&mosquitto, &numbered(1)).await;
    world.has_recorded(10).await;
    let stall = stalled(&database.url).await;
    publish(&mosquitto, &numbered(20)[10..]).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    mosquitto.kill();
    soon(async {
        while broker.is_connected() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    mosquitto.start_again();
    soon(broker.connected()).await;
    stall.close().await.unwrap();
    world.has_recorded(200).await;
    broker.stop(GRACE).await;
    assert_each_once(&world, 20).await;
}

#[tokio::test]
async fn more_than_the_broker_may_send_at_a_time_waits_there_while_the_database_is_slow() {
    let database = database().await;
    let world = World::on(database.pool).await;
    let mosquitto = Mosquitto::start(LASTING);
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    let stall = stalled(&database.url).await;
    publish(&mosquitto, &numbered(300)).await;
    assert!(broker.is_connected());
    stall.close().await.unwrap();
    world.has_recorded(3_000).await;
    broker.stop(GRACE).await;
    assert_each_once(&world, 300).await;
    assert_nothing_is_left(&world, &mosquitto).await;
}

#[tokio::test]
async fn while_the_database_is_away_nothing_is_acknowledged_and_afterwards_nothing_is_missing() {
    let cluster = cluster().await;
    let world = World::on(cluster.pool().await).await;
    let mosquitto = Mosquitto::start(LASTING);
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    publish(&mosquitto, &numbered(5)).await;
    cluster.kill().await;
    publish(&mosquitto, &numbered(25)[50..]).await;
    // This node goes too, and gives back what it had not recorded.
    broker.stop(GRACE).await;
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    cluster.start().await;
    world.has_recorded(250).await;
    broker.stop(GRACE).await;
    assert_each_once(&world, 25).await;
    // What the first node had handed to the ledger was recorded without it. The second may have been
    // about to try it again when it was stopped: then it is answered now.
    let mut receipts = Listener::to(&mosquitto, "sealrock/v1/+/+/+/receipt").await;
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    publish(&mosquitto, &[(topic("meter-0", "batch"), batch(26))]).await;
    while receipts.next().await.1["duplicate"] == true {}
    broker.stop(GRACE).await;
    assert_eq!(world.recorded().await.len(), 251);
    assert_nothing_is_left(&world, &mosquitto).await;
}

#[tokio::test]
async fn what_is_published_while_no_node_is_there_comes_when_one_is() {
    let world = World::on(database().await.pool).await;
    let mut mosquitto = Mosquitto::start(LASTING);
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    broker.stop(GRACE).await;
    publish(&mosquitto, &numbered(30)).await;
    mosquitto.stop();
    mosquitto.start_again();
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    world.has_recorded(300).await;
    broker.stop(GRACE).await;
    assert_each_once(&world, 30).await;
}

#[tokio::test]
async fn a_receipt_that_is_too_large_for_the_broker_does_not_end_the_connection_again_and_again() {
    let world = World::on(database().await.pool).await;
    let mosquitto = Mosquitto::start(&["persistence true", "max_packet_size 200"]);
    let broker = world.consume_connected(&config(&mosquitto, "node-1")).await;
    let unknown = "a-device-that-nobody-has-registered-with-a-long-name";
    publish(&mosquitto, &[(topic(unknown, "batch"), b"{}".to_vec())]).await;
    publish(&mosquitto, &[(topic("meter-0", "batch"), batch(1))]).await;
    world.has_recorded(1).await;
    broker.stop(GRACE).await;
    assert_nothing_is_left(&world, &mosquitto).await;
}

/// Who hangs up while the other still writes has what it wrote last thrown away on the other's side.
#[tokio::test]
async fn a_node_that_goes_waits_until_the_broker_has_read_everything_and_hangs_up() {
    let world = World::on(database().await.pool).await;
    let mosquitto = Mosquitto::start(LASTING);
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&mosquitto, "node-1");
    let relayed = format!("mqtt://{}", relay.local_addr().unwrap());
    config.url = relayed.parse().unwrap();
    let port = mosquitto.port();
    let consumer_was_first = tokio::spawn(async move {
        let (consumer, _) = relay.accept().await.unwrap();
        let broker = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (mut of_consumer, mut to_consumer) = consumer.into_split();
        let (mut of_broker, mut to_broker) = broker.into_split();
        let carried =
            tokio::spawn(async move { tokio::io::copy(&mut of_consumer, &mut to_broker).await });
        let _ = tokio::io::copy(&mut of_broker, &mut to_consumer).await;
        // The broker has hung up, and the consumer does not know it yet.
        tokio::time::sleep(Duration::from_millis(300)).await;
        carried.is_finished()
    });
    let broker = world.consume_connected(&config).await;
    publish(&mosquitto, &numbered(1)).await;
    world.has_recorded(10).await;
    broker.stop(GRACE).await;
    assert!(!consumer_was_first.await.unwrap());
}
