use std::time::Duration;

use sealrock_projections::{State, all};
use sealrock_testkit::cluster;

use crate::plant::{Plant, at, batch, reading};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_postgres_goes_away_and_comes_back_the_read_models_go_on_by_themselves() {
    let cluster = cluster().await;
    let plant = Plant::new(cluster.pool().await).await;
    let meter = plant.register("meter-7").await;
    let running = plant.run(all());
    let one = plant
        .batch(
            meter,
            batch("\"seq\":1,", &[reading("co2_ppm", at(0), 1.0)]),
        )
        .await;
    running.reach(&plant, one).await;

    cluster.kill().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    cluster.start().await;

    let two = plant
        .batch(
            meter,
            batch("\"seq\":2,", &[reading("co2_ppm", at(1), 2.0)]),
        )
        .await;
    running.reach(&plant, two).await;
    assert_eq!(plant.content("rm_readings.reading").await.len(), 2);
    let all = running.runner.status().await.unwrap();
    assert!(all.iter().all(|one| one.state == State::Running), "{all:?}");
    let status = plant
        .read
        .device_statuses(&[meter])
        .await
        .unwrap()
        .remove(0);
    assert_eq!((status.batches, status.readings), (2, 2));
    running.stop().await;
}
