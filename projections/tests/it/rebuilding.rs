use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sealrock_ledger::Index;
use sealrock_projections::{
    FoldError, LedgerInfo, Projection, RebuildError, Runner, Shown, State, all,
};
use sqlx::PgTransaction;
use tokio_util::sync::CancellationToken;

use crate::plant::{Plant, READINGS, at, batch, reading};
use crate::sealing::seal_oldest;

const TABLES: [&str; 12] = [
    "rm_registry.device",
    "rm_readings.device",
    "rm_latest.latest",
    "rm_rollups.rollup",
    "rm_device_status.device_status",
    "rm_device_status.boot",
    "rm_device_status.gap",
    "rm_windows.device_hour",
    "rm_windows.unsealed",
    "rm_windows.gap_stream",
    "rm_windows.boot",
    "rm_windows.gap",
];

async fn contents(plant: &Plant) -> Vec<(&'static str, Vec<String>)> {
    let mut contents = Vec::new();
    for table in TABLES.iter().chain(&READINGS) {
        contents.push((*table, plant.content(table).await));
    }
    contents
}

/// Batches of two metrics over three days, and as many long before, late and out of order, with gaps in seq.
async fn append_batches(plant: &Plant, numbers: std::ops::Range<i64>) -> Index {
    let device = crate::plant::device("meter-7");
    let mut last = Index(0);
    for n in numbers {
        let time = at((n * 7919) % 200_000 - 200_000);
        let value = f64::from(i32::try_from(n).unwrap()) * 0.1;
        let readings = [
            reading("co2_ppm", time, value),
            reading(
                "temperature",
                time + chrono::TimeDelta::seconds(n % 3),
                value / 3.0,
            ),
            reading("no_such_metric", time, value),
            reading("co2_ppm", time - chrono::TimeDelta::days(5_000), value),
        ];
        let head = format!(r#""seq":{},"boot":"b{}","#, (n * 3) % 101, n / 101);
        last = plant.batch(device, batch(&head, &readings)).await;
    }
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebuilding_everything_while_appends_go_on_gives_what_the_live_tables_hold() {
    let plant = Plant::on_database().await;
    plant.register("meter-7").await;
    let running = plant.run(all());
    running
        .reach(&plant, append_batches(&plant, 0..60).await)
        .await;
    for _ in 0..10 {
        let last = seal_oldest(&plant, crate::plant::device("meter-7")).await;
        running.reach(&plant, last).await;
    }

    let rebuilds = async {
        for name in running.runner.names() {
            let token = CancellationToken::new();
            running.runner.rebuild(name, &token).await.unwrap();
        }
    };
    let (last, ()) = tokio::join!(append_batches(&plant, 60..120), rebuilds);
    running.reach(&plant, last).await;
    let last = seal_oldest(&plant, crate::plant::device("meter-7")).await;
    running.reach(&plant, last).await;
    let live = contents(&plant).await;
    assert!(live.iter().all(|(_, rows)| !rows.is_empty()), "{live:?}");

    // Folded in other batches than the first time, from nothing, by another process.
    running.stop().await;
    let other = Runner::new(plant.store.clone(), all());
    for name in other.names() {
        let rebuilt = other
            .rebuild(name, &CancellationToken::new())
            .await
            .unwrap();
        assert_eq!(rebuilt.entries, last.0 + 1);
    }
    assert_eq!(contents(&plant).await, live);
    assert_eq!(left_over(&plant).await, 0);
}

async fn left_over(plant: &Plant) -> i64 {
    let sql = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'rm\\_%\\_next'
                  OR nspname LIKE 'rm\\_%\\_old'";
    sqlx::query_scalar(sql)
        .fetch_one(plant.store.pool())
        .await
        .unwrap()
}

/// A model of two versions; the second one counts differently.
struct Versioned {
    version: u32,
    folded: AtomicU32,
    slow: bool,
}

impl Versioned {
    fn new(version: u32, slow: bool) -> Arc<Self> {
        Arc::new(Self {
            version,
            folded: AtomicU32::new(0),
            slow,
        })
    }
}

#[async_trait]
impl Projection for Versioned {
    fn name(&self) -> &'static str {
        "versioned"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE versioned (index bigint, version integer)"
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        _ledger: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<(), FoldError> {
        for recorded in batch {
            sqlx::query("INSERT INTO versioned VALUES ($1, $2)")
                .bind(recorded.entry.index.0.cast_signed())
                .bind(self.version.cast_signed())
                .execute(&mut **tx)
                .await?;
            self.folded.fetch_add(1, Ordering::Relaxed);
        }
        if self.slow {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        Ok(())
    }
}

async fn append_some(plant: &Plant, count: u32) -> Index {
    let mut last = Index(0);
    for _ in 0..count {
        last = plant.append("x/1", "X", b"{}".to_vec()).await;
    }
    last
}

#[tokio::test]
async fn another_version_of_the_code_rebuilds_at_its_start_and_the_older_one_stands_aside() {
    let plant = Plant::on_database().await;
    let last = append_some(&plant, 3).await;
    let old = plant.run(vec![Versioned::new(1, false)]);
    old.reach(&plant, last).await;

    let new = plant.run(vec![Versioned::new(2, false)]);
    let two = async || {
        let rows = plant.content("rm_versioned.versioned").await;
        !rows.is_empty() && rows.iter().all(|row| row.ends_with(",2)"))
    };
    for _ in 0..200 {
        if two().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let last = append_some(&plant, 2).await;
    new.reach(&plant, last).await;
    assert!(two().await);
    assert_eq!(plant.content("rm_versioned.versioned").await.len(), 5);
    let status = old.runner.status().await.unwrap().remove(0);
    assert_eq!(status.state, State::OtherVersion { stored: 2 });
    assert!(status.reason().unwrap().contains("version 2"), "{status:?}");
    old.stop().await;
    new.stop().await;
}

#[tokio::test]
async fn an_interrupted_rebuild_is_continued_and_one_of_another_version_is_thrown_away() {
    let plant = Plant::on_database().await;
    append_some(&plant, 200).await;
    Runner::new(plant.store.clone(), vec![Versioned::new(1, false)])
        .prepare()
        .await
        .unwrap();
    for (version, expected) in [(1, 200), (2, 200)] {
        let token = CancellationToken::new();
        let slow = Versioned::new(1, true);
        let runner = Runner::new(plant.store.clone(), vec![slow.clone()]);
        let interrupted = tokio::spawn({
            let token = token.clone();
            async move { runner.rebuild("versioned", &token).await }
        });
        while slow.folded.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        token.cancel();
        let error = interrupted.await.unwrap().unwrap_err();
        assert!(matches!(error, RebuildError::Interrupted), "{error:?}");
        let before = slow.folded.load(Ordering::Relaxed);
        assert!(before < 200, "{before}");

        let model = Versioned::new(version, false);
        let runner = Runner::new(plant.store.clone(), vec![model.clone()]);
        let rebuilt = runner
            .rebuild("versioned", &CancellationToken::new())
            .await
            .unwrap();
        assert_eq!(rebuilt.entries, expected);
        let folded = model.folded.load(Ordering::Relaxed);
        assert_eq!(folded, if version == 1 { 200 - before } else { 200 });
        assert_eq!(plant.content("rm_versioned.versioned").await.len(), 200);
    }
}

#[tokio::test]
async fn of_two_rebuilds_at_once_the_second_is_refused() {
    let plant = Plant::on_database().await;
    append_some(&plant, 1).await;
    let runner = Runner::new(plant.store.clone(), vec![Versioned::new(1, false)]);
    runner.prepare().await.unwrap();
    // Another process' rebuild is, seen from here, the lock that its session holds.
    let mut other = plant.store.pool().acquire().await.unwrap().detach();
    sqlx::query("SELECT pg_advisory_lock(hashtextextended('rebuild rm_versioned', 0))")
        .execute(&mut other)
        .await
        .unwrap();
    let refused = runner.rebuild("versioned", &CancellationToken::new()).await;
    assert!(
        matches!(refused, Err(RebuildError::Running("versioned"))),
        "{refused:?}"
    );
    sqlx::query("SELECT pg_advisory_unlock_all()")
        .execute(&mut other)
        .await
        .unwrap();
    let rebuilt = runner.rebuild("versioned", &CancellationToken::new()).await;
    assert_eq!(rebuilt.unwrap().entries, 1);
    let unknown = runner
        .rebuild("nothing", &CancellationToken::new())
        .await
        .unwrap_err();
    let text = "there is no read model \"nothing\"; there are: versioned";
    assert_eq!(unknown.to_string(), text);
}

#[tokio::test]
async fn a_rebuild_needs_nobody_to_have_run_before() {
    let plant = Plant::on_database().await;
    append_some(&plant, 3).await;
    let runner = Runner::new(plant.store.clone(), vec![Versioned::new(1, false)]);
    assert!(runner.status().await.unwrap()[0].lag_events == 3);
    let rebuilt = runner
        .rebuild("versioned", &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(rebuilt.entries, 3);
    assert_eq!(runner.status().await.unwrap()[0].lag_events, 0);
}
