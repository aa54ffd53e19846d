//! Two nodes, a Mosquitto, one database, and deaths at random.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::crashes::{Key, assert_each_once, recorded};
use crate::nodes::{House, until};
use crate::support::{Device, batch};
use rand::Rng;
use sealrock_testkit::Mosquitto;
use serde_json::{Value, json};
use sqlx::PgPool;

/// As the operator's guide has it.
const LASTING: &[&str] = &[
    "persistence true",
    "max_inflight_messages 0",
    "max_queued_messages 10000000",
    "max_packet_size 1114112",
];

/// Where the nodes answer just now; whoever is answered nothing asks the other one.
type Doors = Arc<Mutex<[String; 2]>>;

/// Publishes batches through the broker, one after the other, until told to stop; those that it took
/// for somebody. What it did not take is published again, with the same bytes.
fn publish(port: u16, device: &Device, stop: &AtomicBool) -> BTreeSet<Key> {
    let mut taken = BTreeSet::new();
    let mut seq = 1;
    while !stop.load(Ordering::Relaxed) {
        let bytes = batch(device.id(), seq, 400.0);
        let sent = || {
            let port = port.to_string();
            let to = ["-d", "-h", "127.0.0.1", "-V", "5", "-q", "1", "-p", &port];
            let mut client = Command::new("mosquitto_pub");
            client.args(to).args(["-t", device.topic(), "-m", &bytes]);
            let said = client.output().unwrap().stdout;
            // Not 16, "no matching subscribers": Mosquitto forgets shared subscriptions when it is
            // restarted, until the nodes are back.
            String::from_utf8_lossy(&said).contains("PUBACK (Mid: 1, RC:0)")
        };
        while !sent() {
            std::thread::sleep(Duration::from_millis(100));
        }
        taken.insert((device.id().to_owned(), seq));
        seq += 1;
    }
    taken
}

/// Registers sites by GraphQL, each under a command id that is repeated until there is a receipt;
/// the entries that the receipts name.
async fn register(doors: Doors, token: String, stop: Arc<AtomicBool>) -> Vec<String> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    let document = "mutation($input: RegisterSiteInput!) {
        registerSite(input: $input) { receipt { firstIndex } }
    }";
    let mut entries = Vec::new();
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) {
        let input = json!({
            "commandId": uuid::Uuid::new_v4(), "organisation": "northsea",
            "slug": format!("mill-{}", entries.len()), "displayName": "Mill", "kind": "FACTORY",
        });
        let body = json!({ "query": document, "variables": { "input": input } });
        let entry = loop {
            turn += 1;
            let door = doors.lock().unwrap()[turn % 2].clone();
            let asked = client.post(format!("{door}/graphql")).bearer_auth(&token);
            let answer = match asked.json(&body).send().await {
                Ok(answer) => answer.json::<Value>().await.unwrap_or_default(),
                Err(_) => Value::Null,
            };
            let entry = &answer["data"]["registerSite"]["receipt"]["firstIndex"];
            if !entry.is_null() {
                break entry.to_string();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        entries.push(entry);
    }
    entries
}

/// What every table of every read model holds, without the runner's own.
async fn content(pool: &PgPool) -> Vec<(String, i64, Option<String>)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', nspname, relname) FROM pg_class c
           JOIN pg_namespace n ON n.oid = relnamespace
          WHERE nspname LIKE 'rm\\_%' AND nspname <> 'rm_runner' AND NOT relispartition
            AND relkind IN ('r', 'p') AND relname NOT IN ('read_model', 'checkpoint')
          ORDER BY 1",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut content = Vec::new();
    for table in tables {
        let sql = format!(
            "SELECT '{table}', count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text))
               FROM {table} AS t"
        );
        content.push(sqlx::query_as(&sql).fetch_one(pool).await.unwrap());
    }
    content
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_behind_a_mosquitto_that_die_at_random_lose_nothing_and_double_nothing() {
    let house = House::new().await;
    let mut mosquitto = Mosquitto::start(LASTING);
    let url = format!("mqtt://{}", mosquitto.address());
    let environment = [
        ("SEALROCK_MQTT_URL", url.as_str()),
        ("SEALROCK_MQTT_GROUP", "nodes"),
    ];
    let folders = [crate::support::data_folder(), crate::support::data_folder()];
    let start = |n: usize| house.node_with(folders[n].path(), &environment);
    let mut nodes = [start(0), start(1)];
    nodes[0].register_site();
    let devices: Vec<Device> = (0..3)
        .map(|n| nodes[n % 2].add_device(&format!("meter-{n}")))
        .collect();
    // Tokens outlive the node that gave them.
    let token = nodes[0].sign_in().await;
    let doors: Doors = Arc::new(Mutex::new([nodes[0].http.clone(), nodes[1].http.clone()]));
    let stop = Arc::new(AtomicBool::new(false));
    let publishing: Vec<_> = devices
        .iter()
        .map(|device| {
            let (port, device, stop) = (mosquitto.port(), device.clone(), Arc::clone(&stop));
            std::thread::spawn(move || publish(port, &device, &stop))
        })
        .collect();
    let registering = register(Arc::clone(&doors), token, Arc::clone(&stop));
    let registering = tokio::spawn(registering);

    for round in 0..5 {
        let wait = rand::thread_rng().gen_range(500..2_500);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        if round == 2 {
            mosquitto.stop();
            mosquitto.start_again();
            continue;
        }
        let dies = rand::thread_rng().gen_range(0..2);
        let [one, two] = nodes;
        nodes = if dies == 0 {
            one.kill();
            [start(0), two]
        } else {
            two.kill();
            [one, start(1)]
        };
        *doors.lock().unwrap() = [nodes[0].http.clone(), nodes[1].http.clone()];
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::Relaxed);
    let mut accepted = BTreeSet::new();
    for publishing in publishing {
        accepted.extend(publishing.join().unwrap());
    }
    let sites = registering.await.unwrap();
    assert!(
        accepted.len() > 20 && sites.len() > 5,
        "hardly any load: {accepted:?} {sites:?}"
    );

    // What the broker took reaches the ledger in its time.
    let pool = house.cluster.admin_pool().await;
    let count =
        async |sql: &str| -> i64 { sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap() };
    let batches = "SELECT count(*) FROM sealrock.batch_payloads";
    let expected = i64::try_from(accepted.len()).unwrap();
    until("every batch in the ledger", async || {
        count(batches).await >= expected
    })
    .await;
    assert_each_once(&recorded(&nodes[0]), &accepted);
    let distinct: BTreeSet<_> = sites.iter().collect();
    assert_eq!(distinct.len(), sites.len(), "two commands have one entry");
    let registered = "SELECT count(*) FROM sealrock.events WHERE type = 'SiteRegistered'";
    let registered = usize::try_from(count(registered).await).unwrap();
    // `plant-1` too, and at most one whose receipt nobody waited for.
    assert!(
        (sites.len() + 1..=sites.len() + 2).contains(&registered),
        "{registered}"
    );

    let folded = async || {
        let status = nodes[1].command(&["projections", "status", "--json"]);
        let status: Vec<Value> = serde_json::from_str(&status).unwrap();
        let behind = |model: &Value| model["lag_events"] != 0;
        (!status.iter().any(behind)).then_some(status)
    };
    until("the read models", async || folded().await.is_some()).await;
    let before = content(&pool).await;
    let models = folded().await.unwrap();
    let names = models
        .iter()
        .map(|model| model["projection"].as_str().unwrap());
    for name in names.collect::<BTreeSet<_>>() {
        nodes[1].command(&["projections", "rebuild", name]);
    }
    assert_eq!(content(&pool).await, before, "a rebuild gives other rows");
    for node in nodes {
        node.stop();
    }
}
