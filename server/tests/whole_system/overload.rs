//! Far more is asked than fits.

use std::time::Duration;

use serde_json::json;
use sqlx::{Executor as _, PgPool};

use crate::nodes::{House, until};
use crate::support::{SOON, batch, data_folder};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_connections_all_wait_is_ready_and_says_so() {
    let house = House::new().await;
    let data = data_folder();
    let node = house.node_with(data.path(), &[("SEALROCK_DATABASE_CONNECTIONS", "4")]);
    node.register_site();
    let device = node.add_device("meter-1");

    // Whoever signs in waits for this table, with a connection of the node's.
    let others = PgPool::connect(house.cluster.url()).await.unwrap();
    let mut holding = others.begin().await.unwrap();
    let lock = "LOCK TABLE access.device_credentials IN ACCESS EXCLUSIVE MODE";
    holding.execute(lock).await.unwrap();
    let sign_ins: Vec<_> = (0..20)
        .map(|seq| {
            let request = reqwest::Client::new()
                .post(format!("{}/ingest", node.http))
                .basic_auth(device.id(), Some(device.secret()))
                .header("content-type", "application/json")
                .body(batch("boot", seq, 400.0));
            tokio::spawn(request.send())
        })
        .collect();
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    until("sign-ins that wait", async || {
        let count = sqlx::query_scalar::<_, i64>(waiting).fetch_one(&others);
        count.await.unwrap() == 4
    })
    .await;

    let client = reqwest::Client::builder().timeout(SOON).build().unwrap();
    for _ in 0..5 {
        let ready = client.get(format!("{}/readyz", node.http)).send().await;
        let ready = ready.unwrap();
        assert_eq!(ready.status(), 200);
        let told: serde_json::Value = ready.json().await.unwrap();
        assert_eq!(told["database"], json!(true));
        // Longer than it takes until the database is asked again.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    holding.rollback().await.unwrap();
    for sign_in in sign_ins {
        sign_in.abort();
    }
    node.stop();
}
