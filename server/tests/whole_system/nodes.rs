//! Several nodes on one database: their roles, and what they do for each other.

use std::path::Path;

use crate::support::{SOON, Server, batch, data_folder};
use sealrock_testkit::{Cluster, cluster};
use serde_json::json;
use tempfile::TempDir;

/// A Postgres, and the keys that nodes on it share.
struct House {
    cluster: Cluster,
    keys: TempDir,
    data: Vec<TempDir>,
}

impl House {
    async fn new() -> Self {
        Self {
            cluster: cluster().await,
            keys: data_folder(),
            data: Vec::new(),
        }
    }

    /// One more node, with a data folder of its own.
    fn node(&mut self, roles: &str) -> Server {
        let data = data_folder();
        let server = self.node_in(data.path(), roles);
        self.data.push(data);
        server
    }

    fn node_in(&self, data: &Path, roles: &str) -> Server {
        let keys = self.keys.path().join("keys");
        let environment = [
            ("DATABASE_URL", self.cluster.url()),
            ("SEALROCK_KEYS", keys.to_str().unwrap()),
            ("SEALROCK_ROLES", roles),
        ];
        Server::start_with(data, &environment)
    }
}

/// The status of a route; GET, or POST of an empty object.
async fn status(server: &Server, method: &str, route: &str) -> u16 {
    let method = method.parse().unwrap();
    let request = reqwest::Client::new().request(method, format!("{}{route}", server.http));
    let request = request
        .header("content-type", "application/json")
        .body("{}");
    request.send().await.unwrap().status().as_u16()
}

const MISSING: u16 = 404;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_runs_what_its_roles_say_and_nothing_else() {
    let mut house = House::new().await;
    let api = house.node("api");
    let ingest = house.node("ingest");
    let projector = house.node("projector");
    let has = [
        (&api, true, false),
        (&ingest, false, true),
        (&projector, false, false),
    ];
    for (node, api, ingest) in has {
        for route in ["/livez", "/readyz", "/metrics"] {
            assert_eq!(status(node, "GET", route).await, 200, "{route}");
        }
        for route in ["/.well-known/jwks.json", "/ledger/registry/checkpoint"] {
            assert_eq!(status(node, "GET", route).await != MISSING, api, "{route}");
        }
        let graphql = status(node, "POST", "/graphql").await != MISSING;
        assert_eq!(graphql, api);
        let posted = status(node, "POST", "/ingest").await != MISSING;
        assert_eq!(posted, ingest);
        assert_eq!(node.mqtt.1 != 0, ingest, "who ingests has a broker");
        assert_eq!(node.admin_password.is_some(), api);
    }

    // What one takes, another folds, and the third shows.
    api.register_site();
    let device = ingest.add_device("meter-1");
    let (code, receipt) = ingest.ingest(&device, batch("boot", 1, 400.0)).await;
    assert_eq!(code, 200, "{receipt}");
    let token = api.sign_in().await;
    let latest = "query($id: ID!) { device(id: $id) { latest { metric } } }";
    let begun = std::time::Instant::now();
    loop {
        let answer = api
            .graphql(Some(&token), latest, json!({ "id": device.id() }))
            .await;
        if answer["data"]["device"]["latest"][0]["metric"] == "co2_ppm" {
            break;
        }
        assert!(begun.elapsed() < SOON, "{answer}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    for node in [projector, ingest, api] {
        node.stop();
    }
}
