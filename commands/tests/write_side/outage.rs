//! Postgres goes away and comes back.

use std::time::Duration;

use chrono::Utc;
use sealrock_commands::{AuthError, BatchError, CommandError, Commands, Devices};
use sealrock_ledger::Index;
use sealrock_testkit::cluster;

use crate::batches::json;
use crate::fixture::{admin, device, open, register_site_of_northsea, secret, site};

#[tokio::test]
async fn while_postgres_is_away_everything_says_so_and_then_goes_on() {
    let cluster = cluster().await;
    let keys = tempfile::tempdir().unwrap();
    let store = open(&cluster.pool().await, &keys).await;
    let commands = Commands::new(store.clone(), false);
    register_site_of_northsea(&commands).await;
    let meter = commands
        .register_device(&admin(), device("meter-7"))
        .await
        .unwrap();
    let devices = Devices::new(commands.clone());
    let identity = devices
        .authenticate(meter.device, &secret(&meter))
        .await
        .unwrap();
    let bytes = || json(r#""seq":1,"#, 1.0);
    let record = || devices.record_batch(&identity, "http:/ingest", Utc::now(), bytes());

    cluster.stop().await;
    let (again, right) = (admin(), secret(&meter));
    let (batch, sign_in, registration) = tokio::join!(
        record(),
        devices.authenticate(meter.device, &right),
        commands.register_site(&again, site("plant-2")),
    );
    assert!(
        matches!(batch, Err(BatchError::Unavailable { retry_after }) if retry_after > Duration::ZERO),
        "{batch:?}"
    );
    assert_eq!(sign_in, Err(AuthError::Unavailable));
    assert!(
        matches!(registration, Err(CommandError::Unavailable(_))),
        "{registration:?}"
    );

    cluster.start().await;
    let receipt = record().await.unwrap();
    assert!(!receipt.duplicate);
    assert!(record().await.unwrap().duplicate);
    commands
        .register_site(&again, site("plant-2"))
        .await
        .unwrap();
    devices
        .authenticate(meter.device, &secret(&meter))
        .await
        .unwrap();
    let kinds: Vec<String> = store
        .read(identity.ledger, Index(4), 100)
        .await
        .unwrap()
        .into_iter()
        .map(|one| one.entry.kind)
        .collect();
    assert_eq!(kinds, ["SensorBatchRecorded", "SiteRegistered"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_in_flight_when_postgres_crashes_are_stored_once_when_repeated() {
    const BATCHES: u64 = 100;
    let cluster = cluster().await;
    let keys = tempfile::tempdir().unwrap();
    let store = open(&cluster.pool().await, &keys).await;
    let commands = Commands::new(store.clone(), false);
    register_site_of_northsea(&commands).await;
    let meter = commands
        .register_device(&admin(), device("meter-7"))
        .await
        .unwrap();
    let devices = Devices::new(commands);
    let identity = devices
        .authenticate(meter.device, &secret(&meter))
        .await
        .unwrap();
    let tasks: Vec<_> = (0..BATCHES)
        .map(|seq| {
            let (devices, identity) = (devices.clone(), identity.clone());
            tokio::spawn(async move {
                // Spread over the crash.
                tokio::time::sleep(Duration::from_millis(seq * 3)).await;
                let bytes = json(&format!(r#""seq":{seq},"#), 1.0);
                loop {
                    let sent =
                        devices.record_batch(&identity, "http:/ingest", Utc::now(), bytes.clone());
                    match sent.await {
                        Ok(_) => return,
                        Err(BatchError::Unavailable { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
        })
        .collect();
    // The crash comes while some are recorded and others are still to come.
    let mut size = store.watch_size(identity.ledger);
    size.wait_for(|size| *size > 4 + 10).await.unwrap();
    cluster.kill().await;
    assert!(*size.borrow() < 4 + BATCHES, "the crash hit no batch");
    cluster.start().await;
    for task in tasks {
        task.await.unwrap();
    }
    let entries = store.read(identity.ledger, Index(4), 1000).await.unwrap();
    assert_eq!(entries.len() as u64, BATCHES);
}
