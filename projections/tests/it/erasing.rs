//! Erased payloads: what read models hold after the entry, folded live or in a rebuild.

use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::decode;
use sealrock_domain::telemetry::window::{Root, Seal, WindowEvent, window_stream};
use sealrock_ledger::Index;
use sealrock_projections::latest::LatestFilter;
use sealrock_projections::{Behind, Runner, all};
use tokio_util::sync::CancellationToken;

use crate::plant::{Plant, READINGS, at, batch, reading};

/// What queries read of what was measured; the tables beside them may remember more than a rebuild.
const TABLES: [&str; 4] = [
    "rm_registry.device",
    "rm_latest.latest",
    "rm_rollups.rollup",
    "rm_device_status.device_status",
];

async fn contents(plant: &Plant) -> Vec<(&'static str, Vec<String>)> {
    let mut contents = Vec::new();
    for table in TABLES.into_iter().chain(READINGS) {
        contents.push((table, plant.content(table).await));
    }
    contents
}

impl Plant {
    async fn redact(&self, payloads: &[(u64, u64)]) -> Index {
        let record = serde_json::json!({"payloads": payloads, "reason": "test"});
        let bytes = record.to_string().into_bytes();
        self.append("ledger/northsea", "PayloadRedacted", bytes)
            .await
    }

    async fn erase(&self, entry: Index) -> u64 {
        self.store.erase(&self.ledger, entry).await.unwrap()
    }

    /// Rebuilds everything as another process would, and answers what is there then.
    async fn rebuilt(&self) -> Vec<(&'static str, Vec<String>)> {
        let other = Runner::new(self.store.clone(), all());
        for name in other.names() {
            let token = CancellationToken::new();
            other.rebuild(name, &token).await.unwrap();
        }
        contents(self).await
    }

    async fn latest(&self) -> Vec<(String, f64, Index)> {
        let filter = LatestFilter::default();
        let (found, _) = self.read.latest(self.ledger.id, &filter).await.unwrap();
        let one =
            |l: sealrock_projections::latest::Latest| (l.metric.to_string(), l.value, l.index);
        found.into_iter().map(one).collect()
    }
}

fn assert_same(live: &[(&'static str, Vec<String>)], rebuilt: &[(&'static str, Vec<String>)]) {
    for ((table, live), (_, rebuilt)) in live.iter().zip(rebuilt) {
        assert_eq!(live, rebuilt, "{table}");
    }
}

/// Batches over three days, late and out of order, counted with gaps, some with nothing that counts; the
/// first has a metric of its own.
async fn append_batches(plant: &Plant, device: DeviceId, count: i64) -> Vec<Index> {
    let mut indexes = Vec::new();
    for n in 0..count {
        let time = at((n * 7919) % 200_000 - 200_000);
        let value = f64::from(i32::try_from(n).unwrap()) * 0.1;
        let readings = match n % 5 {
            0 if n == 0 => vec![reading("measured_once", time, value)],
            0 => vec![reading("no_such_metric", time, value)],
            1 => vec![
                reading("co2_ppm", time, value),
                reading(
                    "temperature",
                    time + chrono::TimeDelta::days(-1),
                    value / 3.0,
                ),
                reading("co2_ppm", time - chrono::TimeDelta::days(5_000), value),
            ],
            _ => vec![
                reading("co2_ppm", time, value),
                reading("co2_ppm", time, -value),
            ],
        };
        let head = format!(r#""seq":{},"boot":"b{}","#, (n * 3) % 101, n / 20);
        indexes.push(plant.batch(device, batch(&head, &readings)).await);
    }
    indexes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redacted_batches_are_taken_out_as_if_they_had_never_been_folded() {
    let plant = Plant::on_database().await;
    let device = plant.register("meter-7").await;
    let running = plant.run(all());
    let indexes = append_batches(&plant, device, 60).await;
    running.reach(&plant, indexes[59]).await;
    let before = contents(&plant).await;
    let pick = |n: usize| indexes[n].0;
    let one = plant
        .redact(&[
            (pick(0), pick(3)),
            (pick(20), pick(20)),
            (pick(41), pick(46)),
        ])
        .await;
    let newest = plant.latest().await[0].2.0;
    let other = plant.redact(&[(newest, newest)]).await;
    running.reach(&plant, other).await;
    let live = contents(&plant).await;
    for ((table, before), (_, live)) in before.iter().zip(&live).skip(1) {
        assert_ne!(before, live, "{table}");
    }

    plant.erase(one).await;
    plant.erase(other).await;
    running.stop().await;
    assert_same(&live, &plant.rebuilt().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_redacted_before_a_model_comes_to_it_is_never_folded() {
    let plant = Plant::on_database().await;
    let device = plant.register("meter-7").await;
    let indexes = append_batches(&plant, device, 30).await;
    let entry = plant.redact(&[(indexes[5].0, indexes[9].0)]).await;
    let more = append_batches(&plant, device, 10).await;
    let running = plant.run(all());
    running.reach(&plant, more[9]).await;
    // The rows are still there, and nobody was shown them.
    let behind = running.runner.behind(&plant.ledger, entry).await.unwrap();
    assert_eq!(behind, []);
    let live = contents(&plant).await;
    assert_eq!(plant.erase(entry).await, 5);
    running.stop().await;
    assert_same(&live, &plant.rebuilt().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_value_falls_back_to_the_newest_that_is_left() {
    let plant = Plant::on_database().await;
    let device = plant.register("meter-7").await;
    let running = plant.run(all());
    let send = async |readings: &[String]| plant.batch(device, batch("", readings)).await;
    let old = send(&[reading("co2_ppm", at(-300_000), 1.0)]).await;
    let two = [
        reading("co2_ppm", at(10), 2.0),
        reading("co2_ppm", at(10), 3.0),
    ];
    let tie = send(&two).await;
    let top = send(&[
        reading("co2_ppm", at(20), 4.0),
        reading("temperature", at(20), 5.0),
    ])
    .await;
    running.reach(&plant, top).await;
    assert_eq!(plant.latest().await.len(), 2);
    for (erased, left) in [
        (top, vec![("co2_ppm".to_owned(), 3.0, tie)]),
        (tie, vec![("co2_ppm".to_owned(), 1.0, old)]),
        (old, vec![]),
    ] {
        let entry = plant.redact(&[(erased.0, erased.0)]).await;
        running.reach(&plant, entry).await;
        assert_eq!(plant.latest().await, left);
        plant.erase(entry).await;
    }
    assert!(plant.content("rm_rollups.rollup").await.is_empty());
    running.stop().await;
    assert_same(&contents(&plant).await, &plant.rebuilt().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_a_rebuild_that_was_interrupted_are_behind_until_it_is_continued() {
    let plant = Plant::on_database().await;
    let device = plant.register("meter-7").await;
    let running = plant.run(all());
    let indexes = append_batches(&plant, device, 20).await;
    running.reach(&plant, indexes[19]).await;
    sqlx::query("CREATE SCHEMA rm_latest_next")
        .execute(plant.store.pool())
        .await
        .unwrap();
    for sql in [
        "CREATE TABLE rm_latest_next.read_model AS SELECT * FROM rm_latest.read_model",
        "CREATE TABLE rm_latest_next.checkpoint AS SELECT ledger_id, 3::bigint AS next_index, \
         updated_at FROM rm_latest.checkpoint",
    ] {
        sqlx::query(sql).execute(plant.store.pool()).await.unwrap();
    }
    let entry = plant.redact(&[(indexes[0].0, indexes[0].0)]).await;
    running.reach(&plant, entry).await;
    let behind = running.runner.behind(&plant.ledger, entry).await.unwrap();
    let [
        Behind {
            tables,
            reason: Some(reason),
        },
    ] = behind.as_slice()
    else {
        panic!("{behind:?}")
    };
    assert_eq!(tables, "rm_latest_next");
    assert!(
        reason.contains("sealrock projections rebuild latest"),
        "{reason}"
    );
    sqlx::query("DROP SCHEMA rm_latest_next CASCADE")
        .execute(plant.store.pool())
        .await
        .unwrap();
    assert_eq!(
        running.runner.behind(&plant.ledger, entry).await.unwrap(),
        []
    );
    running.stop().await;
}

/// Seals the batches of an hour that stand at these entries.
async fn seal(plant: &Plant, device: DeviceId, hour: &str, entries: &[Index]) -> Index {
    let mut seal = Seal::new(device, hour.parse().unwrap());
    for index in entries {
        let recorded = plant.store.read(plant.ledger.id, *index, 1).await.unwrap();
        let batch = decode(&recorded[0].payload.as_ref().unwrap().bytes).unwrap();
        let received_at = recorded[0].entry.received_at;
        seal.add(index.0, received_at, &batch).unwrap();
    }
    let sealed = seal.finish(Root([0; 32]), Vec::new());
    let stream = window_stream(device, hour.parse().unwrap());
    plant.event(&stream, &WindowEvent::from(sealed)).await
}

async fn retain(plant: &Plant, payloads: &[(Index, Index)]) -> Index {
    let record = serde_json::json!({"before": "2026-11-22T00:00:00Z", "payloads": payloads});
    let bytes = record.to_string().into_bytes();
    plant
        .append("ledger/northsea", "RetentionApplied", bytes)
        .await
}

/// Sums are of eighths, so that they are exact in any order.
async fn hour_of_batches(plant: &Plant, device: DeviceId, from: i64, count: i32) -> Vec<Index> {
    let mut indexes = Vec::new();
    for n in 0..count {
        let value = f64::from((n * 37) % 11) / 8.0;
        let time = at(from + i64::from(n) * 400);
        let readings = [
            reading("co2_ppm", time, value),
            reading("temperature", time, value - 8.0),
        ];
        indexes.push(plant.batch(device, batch("", &readings)).await);
    }
    indexes
}

const OF_FIVE_MINUTES: &str = "(SELECT * FROM rm_rollups.rollup WHERE width = 300)";
/// What coverage and means over time are made of.
const FIVES_OF_DAYS: &str = "(SELECT device_id, metric, bucket, filled, mean_sum \
     FROM rm_rollups.rollup WHERE width = 86400)";
/// Without what they say of five minutes, which is gone with the batches.
const OF_AN_HOUR_OR_MORE: &str = "(SELECT device_id, metric, width, bucket, ledger_id, count, sum, min, max, \
     first, first_at, last, last_at FROM rm_rollups.rollup WHERE width > 300)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_takes_readings_only_and_a_rebuild_finds_the_sums_in_the_seals() {
    let plant = Plant::on_database().await;
    let (device, silent) = (
        plant.register("meter-7").await,
        plant.register("meter-8").await,
    );
    let running = plant.run(all());
    let early = hour_of_batches(&plant, device, -3600, 5).await;
    let later = hour_of_batches(&plant, device, 0, 4).await;
    let lost = hour_of_batches(&plant, silent, 0, 3).await;
    seal(&plant, device, "2026-11-21T02", &early).await;
    seal(&plant, device, "2026-11-21T03", &later).await;
    let sealed = seal(&plant, silent, "2026-11-21T03", &lost).await;
    running.reach(&plant, sealed).await;
    let sums = plant.content("rm_rollups.rollup").await;
    let latest = plant.latest().await;

    let entry = retain(&plant, &[(early[0], early[4]), (lost[0], lost[2])]).await;
    running.reach(&plant, entry).await;
    assert_eq!(
        plant.content("rm_readings.reading").await.len(),
        2 * later.len()
    );
    assert_eq!(plant.content("rm_rollups.rollup").await, sums);
    assert_eq!(plant.latest().await, latest);
    assert_eq!(plant.erase(entry).await, 8);

    // Late data of the hour whose batches are gone.
    let late = plant
        .batch(device, batch("", &[reading("co2_ppm", at(-60), 0.5)]))
        .await;
    running.reach(&plant, late).await;
    let live = plant.content(OF_AN_HOUR_OR_MORE).await;
    let five_minutes = plant.content(OF_FIVE_MINUTES).await;
    plant.rebuilt().await;
    assert_eq!(plant.content(OF_AN_HOUR_OR_MORE).await, live);
    assert_eq!(plant.latest().await, latest);
    let left = plant.content(OF_FIVE_MINUTES).await;
    assert!(left.len() < five_minutes.len() && left.iter().all(|row| five_minutes.contains(row)));

    // A redaction in a day of which a part is only in seals.
    let redacted = plant
        .redact(&[(late.0, late.0), (later[3].0, later[3].0)])
        .await;
    running.reach(&plant, redacted).await;
    plant.erase(redacted).await;
    let live = [
        plant.content("rm_rollups.rollup").await,
        plant.content("rm_latest.latest").await,
    ];
    running.stop().await;
    plant.rebuilt().await;
    let rebuilt = [
        plant.content("rm_rollups.rollup").await,
        plant.content("rm_latest.latest").await,
    ];
    assert_eq!(live, rebuilt);
    assert_ne!(live[0], sums);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_across_midnight_are_summed_once_after_retention_live_or_rebuilt() {
    let plant = Plant::on_database().await;
    let device = plant.register("meter-7").await;
    let running = plant.run(all());
    // 23:59 of the 20th and 00:01 of the 21st; then another hour of each day.
    let over = [
        reading("co2_ppm", at(-3 * 3600 - 60), 1.0),
        reading("co2_ppm", at(-3 * 3600 + 60), 2.0),
    ];
    let over = plant.batch(device, batch("", &over)).await;
    let before = [reading("co2_ppm", at(-5 * 3600), 4.0)];
    plant.batch(device, batch("", &before)).await;
    let after = [reading("co2_ppm", at(-3600), 8.0)];
    let after = plant.batch(device, batch("", &after)).await;
    seal(&plant, device, "2026-11-20T23", &[over]).await;
    running.reach(&plant, after).await;
    let (five_minutes, fives) = (
        plant.content(OF_FIVE_MINUTES).await,
        plant.content(FIVES_OF_DAYS).await,
    );
    let entry = retain(&plant, &[(over, over)]).await;
    running.reach(&plant, entry).await;
    plant.erase(entry).await;
    assert_eq!(plant.content(OF_FIVE_MINUTES).await, five_minutes);
    assert_eq!(plant.content(FIVES_OF_DAYS).await, fives);
    // Derives the second day anew.
    let entry = plant.redact(&[(after.0, after.0)]).await;
    running.reach(&plant, entry).await;
    plant.erase(entry).await;

    let live = plant.content(OF_AN_HOUR_OR_MORE).await;
    let of_days = "SELECT sum(sum) FROM rm_rollups.rollup WHERE width = 86400";
    let sum: Option<f64> = sqlx::query_scalar(of_days)
        .fetch_one(plant.store.pool())
        .await
        .unwrap();
    assert_eq!(sum, Some(7.0));
    running.stop().await;
    plant.rebuilt().await;
    assert_eq!(plant.content(OF_AN_HOUR_OR_MORE).await, live);
}
