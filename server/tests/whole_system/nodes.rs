//! Several nodes on one database: their roles, and what they do for each other.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::crashes::{assert_each_once, load, recorded};
use crate::support::{AT_ONCE, Device, SOON, Server, batch, data_folder};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet};
use sealrock_testkit::{Cluster, cluster};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A Postgres, and the keys that nodes on it share.
pub struct House {
    pub cluster: Cluster,
    keys: TempDir,
    data: Vec<TempDir>,
}

impl House {
    pub async fn new() -> Self {
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
        self.node_with(data, &[("SEALROCK_ROLES", roles)])
    }

    /// A node in this folder, with these settings.
    pub fn node_with(&self, data: &Path, settings: &[(&str, &str)]) -> Server {
        let keys = self.keys.path().join("keys");
        let shared = [
            ("DATABASE_URL", self.cluster.url()),
            ("SEALROCK_KEYS", keys.to_str().unwrap()),
        ];
        Server::start_with(data, &[&shared, settings].concat())
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
    until("the reading", async || {
        let answer = api
            .graphql(Some(&token), latest, json!({ "id": device.id() }))
            .await;
        answer["data"]["device"]["latest"][0]["metric"] == "co2_ppm"
    })
    .await;
    for node in [projector, ingest, api] {
        node.stop();
    }
}

/// The leases that a node says it has.
async fn leases(server: &Server) -> BTreeSet<String> {
    let ready = reqwest::get(format!("{}/readyz", server.http)).await;
    let ready: Value = ready.unwrap().json().await.unwrap();
    let leases = ready["leases"].as_array().unwrap().iter();
    leases
        .map(|lease| lease.as_str().unwrap().to_owned())
        .collect()
}

/// Waits for what happens soon.
pub async fn until<F: Future<Output = bool>>(what: &str, mut happens: impl FnMut() -> F) {
    let begun = Instant::now();
    while !happens().await {
        assert!(begun.elapsed() < SOON, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_append_to_one_ledger_and_when_one_is_killed_the_other_takes_its_work_over() {
    let mut house = House::new().await;
    let (one, other) = (
        house.node("api,ingest,projector"),
        house.node("api,ingest,projector"),
    );
    one.register_site();
    let devices: Vec<Device> = (0..4)
        .map(|n| one.add_device(&format!("meter-{n}")))
        .collect();
    let stop = Arc::new(AtomicBool::new(false));
    let loads: Vec<_> = devices
        .iter()
        .zip([&one, &other].into_iter().cycle())
        .map(|(device, node)| {
            let urls = vec![node.http.clone(), other.http.clone()];
            tokio::spawn(load(
                urls,
                device.clone(),
                device.id().to_owned(),
                Arc::clone(&stop),
            ))
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;

    until("the leases of the one that started first", async || {
        let all = leases(&one).await;
        all.len() > 10 && all.contains("sealing")
    })
    .await;
    let all = leases(&one).await;
    assert!(leases(&other).await.is_empty());
    one.kill();
    let died = Instant::now();
    until("the leases of the dead", async || {
        leases(&other).await == all
    })
    .await;
    println!("leases taken over after {:?}", died.elapsed());
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = BTreeSet::new();
    for load in loads {
        acknowledged.extend(load.await.unwrap());
    }
    assert!(
        acknowledged.len() > 20,
        "hardly any load: {}",
        acknowledged.len()
    );
    assert_each_once(&recorded(&other), &acknowledged);
    until("the read models", async || {
        let status = other.command(&["projections", "status", "--json"]);
        let status: Vec<Value> = serde_json::from_str(&status).unwrap();
        status.iter().all(|model| model["lag_events"] == 0)
    })
    .await;
    other.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_at_one_node_holds_at_the_other() {
    let mut house = House::new().await;
    let (one, other) = (
        house.node("api,ingest,projector"),
        house.node("api,ingest,projector"),
    );
    one.register_site();
    let device = other.add_device("meter-1");

    // A token of one opens the other.
    let token = one.sign_in().await;
    let online = "query($id: ID!) { device(id: $id) { status { online } } }";
    let (code, _) = other.ingest(&device, batch("boot", 1, 400.0)).await;
    assert_eq!(code, 200);
    let is_online = async |node: &Server| {
        let answer = node
            .graphql(Some(&token), online, json!({ "id": device.id() }))
            .await;
        answer["data"]["device"]["status"]["online"] == true
    };
    let mut connection = connect(&other, &device).await;
    until("seen at the other node", || is_online(&one)).await;

    // A mutation at a node that does not fold waits until the one that does has.
    let add = r#"mutation($input: RegisterSiteInput!) {
        registerSite(input: $input, waitFor: ["registry"]) { site { slug } }
    }"#;
    let begun = Instant::now();
    for n in 0..10 {
        let input = json!({
            "organisation": "northsea", "slug": format!("mill-{n}"), "displayName": "Mill",
            "kind": "FACTORY",
        });
        let answer = other
            .graphql(Some(&token), add, json!({ "input": input }))
            .await;
        assert!(answer["errors"].is_null(), "{answer}");
    }
    println!(
        "waiting for a read model that another node folds: {:?} each",
        begun.elapsed() / 10
    );

    // A device that is locked out at one loses its connection to the other.
    one.command(&[
        "device", "revoke", "--org", "northsea", "--site", "plant-1", "--name", "meter-1",
    ]);
    let revoked = Instant::now();
    let cut = tokio::time::timeout(AT_ONCE, async { while connection.poll().await.is_ok() {} });
    cut.await.unwrap();
    println!("cut {:?} after the revocation", revoked.elapsed());
    until("away", async || !is_online(&one).await).await;
    assert_eq!(other.ingest(&device, batch("boot", 2, 400.0)).await.0, 401);

    for node in [one, other] {
        node.stop();
    }
}

/// A device's connection to the node's broker, made.
async fn connect(server: &Server, device: &Device) -> EventLoop {
    let (host, port) = server.mqtt.clone();
    let mut options = MqttOptions::new(format!("test-{}", device.id()), host, port);
    options.set_credentials(device.id(), device.secret());
    let (_client, mut events) = AsyncClient::new(options, 10);
    loop {
        if let Event::Incoming(Packet::ConnAck(_)) = events.poll().await.unwrap() {
            return events;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_at_once_on_an_empty_database_make_one_installation() {
    let house = House::new().await;
    // One that nobody has migrated.
    let admin = house.cluster.admin_pool().await;
    sqlx::query("CREATE DATABASE empty")
        .execute(&admin)
        .await
        .unwrap();
    let url = house
        .cluster
        .url()
        .replace("@localhost/sealrock", "@localhost/empty");
    assert_ne!(url, house.cluster.url());
    let keys = house.keys.path().join("keys");
    let folders: Vec<TempDir> = (0..3).map(|_| data_folder()).collect();
    let nodes: Vec<Server> = std::thread::scope(|scope| {
        let start = |data: &TempDir| {
            let environment = [
                ("DATABASE_URL", url.as_str()),
                ("SEALROCK_KEYS", keys.to_str().unwrap()),
            ];
            Server::start_with(data.path(), &environment)
        };
        let starting: Vec<_> = folders
            .iter()
            .map(|data| scope.spawn(move || start(data)))
            .collect();
        starting
            .into_iter()
            .map(|node| node.join().unwrap())
            .collect()
    });
    let told = nodes.iter().filter(|node| node.admin_password.is_some());
    assert_eq!(told.count(), 1, "one first administrator");
    // The same organisation, registered at all of them at once.
    std::thread::scope(|scope| {
        let adding: Vec<_> = nodes
            .iter()
            .map(|node| scope.spawn(|| node.run(&["organisation", "add", "--name", "northsea"])))
            .collect();
        for adding in adding {
            let output = adding.join().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            println!("{} {said}", output.status);
        }
    });
    nodes[0].command(&["fsck", "northsea"]);
    for node in nodes {
        node.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_a_data_folder_is_refused_with_the_way_out() {
    let mut house = House::new().await;
    let first = house.node("api");
    let second = first.run(&["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"]);
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        said.contains("--data") && said.contains("DATABASE_URL"),
        "{said}"
    );
    first.stop();
}
