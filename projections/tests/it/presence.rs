//! Who is connected, told by several nodes.

use std::time::Duration;

use sealrock_domain::DeviceId;
use sealrock_projections::ReadModels;
use sealrock_projections::device_status::NodeId;
use uuid::Uuid;

use crate::plant::{Plant, at, device};

const ONE: NodeId = NodeId(Uuid::from_u128(1));
const TWO: NodeId = NodeId(Uuid::from_u128(2));
const NEVER: Duration = Duration::from_hours(1);

/// The tables as a server makes them.
async fn plant() -> (Plant, ReadModels) {
    let plant = Plant::on_database().await;
    let runner = sealrock_projections::Runner::new(plant.store.clone(), Vec::new());
    runner.prepare().await.unwrap();
    let read = plant.read.clone();
    (plant, read)
}

async fn online(read: &ReadModels, device: DeviceId) -> bool {
    read.presence(device).await.unwrap().unwrap().online
}

#[tokio::test]
async fn a_node_that_starts_shows_its_own_devices_as_away_and_leaves_those_of_others() {
    let (_plant, read) = plant().await;
    let (own, others, gone) = (device("meter-1"), device("meter-2"), device("meter-3"));
    read.set_presence(ONE, own, true, at(10)).await.unwrap();
    read.set_presence(TWO, others, true, at(10)).await.unwrap();
    read.set_presence(ONE, gone, false, at(11)).await.unwrap();
    read.begin_presence(ONE, at(20)).await.unwrap();
    for (device, is, since) in [(own, false, 20), (others, true, 10), (gone, false, 11)] {
        let presence = read.presence(device).await.unwrap().unwrap();
        assert_eq!((presence.online, presence.since), (is, at(since)));
    }
    read.set_presence(ONE, own, true, at(30)).await.unwrap();
    assert!(online(&read, own).await);
    read.leave(ONE, at(40)).await.unwrap();
    assert!(!online(&read, own).await && online(&read, others).await);
}

#[tokio::test]
async fn a_device_that_came_to_another_node_is_not_away_when_the_first_one_notices_that_it_left() {
    let (_plant, read) = plant().await;
    let meter = device("meter-1");
    read.set_presence(ONE, meter, true, at(10)).await.unwrap();
    // Whose clock is behind.
    read.set_presence(TWO, meter, true, at(9)).await.unwrap();
    read.set_presence(ONE, meter, false, at(60)).await.unwrap();
    assert!(online(&read, meter).await);
    read.set_presence(TWO, meter, false, at(61)).await.unwrap();
    assert!(!online(&read, meter).await);
}

#[tokio::test]
async fn the_devices_of_a_node_that_is_silent_are_away_until_it_speaks_again() {
    let (_plant, read) = plant().await;
    let (meter, other) = (device("meter-1"), device("meter-2"));
    read.set_presence(ONE, meter, true, at(10)).await.unwrap();
    read.beat(ONE, &[meter]).await.unwrap();
    read.set_presence(TWO, other, true, at(10)).await.unwrap();
    read.bury_silent_nodes(NEVER).await.unwrap();
    assert!(online(&read, meter).await);

    tokio::time::sleep(Duration::from_millis(50)).await;
    read.beat(TWO, &[other]).await.unwrap();
    read.bury_silent_nodes(Duration::from_millis(50))
        .await
        .unwrap();
    assert!(!online(&read, meter).await && online(&read, other).await);

    read.beat(ONE, &[meter]).await.unwrap();
    assert!(online(&read, meter).await, "it was only slow");
}

#[tokio::test]
async fn a_beat_puts_right_what_news_that_came_late_or_never_left_wrong() {
    let (_plant, read) = plant().await;
    let (here, left, elsewhere) = (device("meter-1"), device("meter-2"), device("meter-3"));
    read.set_presence(ONE, here, false, at(10)).await.unwrap();
    read.set_presence(ONE, left, true, at(10)).await.unwrap();
    read.set_presence(TWO, elsewhere, true, at(10))
        .await
        .unwrap();
    read.beat(ONE, &[here]).await.unwrap();
    assert!(online(&read, here).await && !online(&read, left).await);
    assert!(online(&read, elsewhere).await);
}
