//! A ledger that continues another one speaks of the same devices: the read models follow it.

use chrono::TimeDelta;
use sealrock_eventstore::{LedgerId, LedgerInfo, Operator};
use sealrock_ledger::{Hash, LogKey};
use sealrock_projections::rollups::Series;
use tokio_util::sync::CancellationToken;

use crate::plant::{Plant, at, batch, device, reading};

async fn proceed(plant: &Plant) -> LedgerInfo {
    let folder = tempfile::tempdir().unwrap();
    let ledger = &plant.ledger;
    let secret = std::fs::read_to_string(plant.keys.path().join("northsea.key")).unwrap();
    let key = LogKey::from_secret(&secret, &ledger.origin).unwrap();
    let size = plant.store.size(ledger.id).await.unwrap();
    let copy = folder.path().join("checkpoint");
    let ahead = key.sign(size + 5, Hash([9; 32])).unwrap();
    std::fs::write(&copy, ahead.note).unwrap();
    let by = Operator {
        actor: "service/cli".into(),
        via: "cli".into(),
    };
    let (name, reason) = ("northsea-2".parse().unwrap(), "the disk failed".to_owned());
    plant
        .store
        .continue_ledger(ledger, &name, &["device"], (&[copy], reason), by)
        .await
        .unwrap()
        .ledger
}

fn temperature(seq: u32, seconds: i64, value: f64) -> Vec<u8> {
    let head = format!(r#""boot":"b1","seq":{seq},"#);
    batch(&head, &[reading("temperature", at(seconds), value)])
}

/// What the read models say of the one device.
async fn told(plant: &Plant) -> (Vec<LedgerId>, Vec<(u64, f64)>, Vec<String>) {
    let id = device("meter-7");
    let devices = plant.read.devices_by_id(&[id]).await.unwrap();
    let ledgers = devices.iter().map(|device| device.ledger).collect();
    let series = Series {
        device: id,
        metric: "temperature".parse().unwrap(),
        from: at(0),
        to: at(3600),
        bucket: std::time::Duration::from_hours(1),
    };
    let buckets = plant.read.series(&series).await.unwrap();
    let sums = buckets
        .iter()
        .map(|bucket| (bucket.aggregate.count, bucket.aggregate.sum));
    let sums = sums.collect();
    let latest = plant.content("rm_latest.latest").await;
    (ledgers, sums, latest)
}

#[tokio::test]
async fn read_models_show_what_both_ledgers_say_of_a_device_in_their_order() {
    let mut plant = Plant::on_database().await;
    let id = plant.register("meter-7").await;
    plant.batch(id, temperature(1, 10, 1.0)).await;
    plant.batch(id, temperature(2, 20, 2.0)).await;
    plant.ledger = proceed(&plant).await;
    let last = plant.batch(id, temperature(5, 30, 4.0)).await;
    assert_eq!(last.0, 2);

    // Both ledgers are folded at once, from nothing.
    let running = plant.run(sealrock_projections::all());
    running.reach(&plant, last).await;
    let told_now = told(&plant).await;
    assert_eq!(told_now.0, [plant.ledger.id]);
    assert_eq!(told_now.1, [(3, 7.0)]);
    assert_eq!(told_now.2.len(), 1);
    assert!(
        told_now.2[0].contains(&format!("temperature,{},2,", plant.ledger.id)),
        "{told_now:?}"
    );

    // The new ledger seals its own batches only.
    let by = at(3600) + TimeDelta::days(400);
    let due = |ledger| plant.read.due_windows(ledger, by, &[], 10);
    let windows = due(plant.ledger.id).await.unwrap();
    assert_eq!(windows.len(), 1);
    let parent = plant.ledger.continues.unwrap();
    assert!(due(parent).await.unwrap().is_empty());
    let unsealed = plant.read.unsealed(windows[0], 10).await.unwrap();
    assert_eq!(unsealed.entries, [last]);

    let token = CancellationToken::new();
    for name in ["registry", "latest", "rollups", "windows", "device_status"] {
        running.runner.rebuild(name, &token).await.unwrap();
    }
    assert_eq!(told(&plant).await, told_now);
    running.stop().await;
}
