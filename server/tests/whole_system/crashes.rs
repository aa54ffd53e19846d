//! Nothing that was acknowledged is lost and nothing is stored twice, whatever dies.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Device, SOON, Server, batch, data_folder};
use sealrock_ledger::{TilePath, decode_payloads};
use sealrock_testkit::cluster;

/// A batch's identity within the test: its boot names device and round.
pub type Key = (String, u64);

/// Sends batches over HTTP, one after the other, until told to stop; answers those that were
/// acknowledged. What was not acknowledged is sent again with the same bytes, as a device does, to the
/// next of the `nodes`.
pub async fn load(
    nodes: Vec<String>,
    device: Device,
    boot: String,
    stop: Arc<AtomicBool>,
) -> BTreeSet<Key> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    let mut acknowledged = BTreeSet::new();
    let mut seq = 1;
    let mut nodes = nodes.iter().cycle();
    let mut http = nodes.next().unwrap();
    let mut bytes = batch(&boot, seq, 400.0);
    while !stop.load(Ordering::Relaxed) {
        let sent = client
            .post(format!("{http}/ingest"))
            .basic_auth(device.id(), Some(device.secret()))
            .header("content-type", "application/json")
            .body(bytes.clone())
            .send()
            .await;
        match sent {
            Ok(response) if response.status() == 200 => {
                acknowledged.insert((boot.clone(), seq));
                seq += 1;
                bytes = batch(&boot, seq, 400.0);
            }
            Ok(response) => {
                assert_eq!(
                    response.status(),
                    503,
                    "only a ledger that is away may refuse this"
                );
                assert!(
                    response.headers().contains_key("retry-after"),
                    "503 says when to come back"
                );
                http = nodes.next().unwrap();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(_) => {
                http = nodes.next().unwrap();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    acknowledged
}

/// All recorded batches, in the order of the ledger, read from an export that verifies.
pub fn recorded(server: &Server) -> Vec<Key> {
    let export = tempfile::tempdir().unwrap();
    let directory = export.path().join("northsea");
    let path = directory.to_str().unwrap();
    server.command(&["export", "northsea", path]);
    server.command(&["verify", path]);
    server.command(&["fsck", "northsea"]);
    let checkpoint = std::fs::read_to_string(directory.join("checkpoint")).unwrap();
    let size: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    TilePath::bundles(size)
        .flat_map(|(n, width)| {
            let file = directory.join(TilePath::Payloads { n, width }.to_string());
            let count = usize::try_from(width).unwrap();
            decode_payloads(&std::fs::read(file).unwrap(), count).unwrap()
        })
        .filter_map(|payload| {
            let batch: serde_json::Value = serde_json::from_slice(&payload.shown()?.bytes).ok()?;
            Some((batch["boot"].as_str()?.to_owned(), batch["seq"].as_u64()?))
        })
        .collect()
}

pub fn assert_each_once(recorded: &[Key], acknowledged: &BTreeSet<Key>) {
    let distinct: BTreeSet<Key> = recorded.iter().cloned().collect();
    assert_eq!(distinct.len(), recorded.len(), "a batch was stored twice");
    let lost: Vec<_> = acknowledged.difference(&distinct).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_under_load_loses_nothing_and_restarts_by_itself() {
    let data = data_folder();
    let mut server = Server::start(data.path());
    server.register_site();
    let devices: Vec<Device> = (0..4)
        .map(|n| server.add_device(&format!("meter-{n}")))
        .collect();
    let mut acknowledged = BTreeSet::new();
    for round in 0..3 {
        let stop = Arc::new(AtomicBool::new(false));
        let loads: Vec<_> = devices
            .iter()
            .map(|device| {
                let boot = format!("{}/{round}", device.id());
                tokio::spawn(load(
                    vec![server.http.clone()],
                    device.clone(),
                    boot,
                    Arc::clone(&stop),
                ))
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(2)).await;
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for load in loads {
            acknowledged.extend(load.await.unwrap());
        }
        server = Server::start(data.path());
    }
    assert!(
        acknowledged.len() > 20,
        "there was hardly any load: {}",
        acknowledged.len()
    );
    assert_each_once(&recorded(&server), &acknowledged);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_away_devices_wait_and_then_it_goes_on() {
    let cluster = cluster().await;
    let data = data_folder();
    let server = Server::start_with(data.path(), &[("DATABASE_URL", cluster.url())]);
    server.register_site();
    let device = server.add_device("meter-1");
    let stop = Arc::new(AtomicBool::new(false));
    let load = load(
        vec![server.http.clone()],
        device,
        "boot".to_owned(),
        Arc::clone(&stop),
    );
    let load = tokio::spawn(load);
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        cluster.stop().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        cluster.start().await;
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    stop.store(true, Ordering::Relaxed);
    let acknowledged = load.await.unwrap();
    assert!(
        acknowledged.len() > 10,
        "there was hardly any load: {}",
        acknowledged.len()
    );
    assert_each_once(&recorded(&server), &acknowledged);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_its_postgres_again_when_it_is_killed() {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    let device = server.add_device("meter-1");
    assert_eq!(server.ingest(&device, batch("boot", 1, 1.0)).await.0, 200);
    server.kill_postgres();
    let begun = std::time::Instant::now();
    while server.ingest(&device, batch("boot", 2, 2.0)).await.0 != 200 {
        assert!(begun.elapsed() < SOON, "Postgres did not come back");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(
        recorded(&server),
        [("boot".to_owned(), 1), ("boot".to_owned(), 2)]
    );
    server.stop();
}
