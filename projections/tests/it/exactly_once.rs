use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sealrock_ledger::Index;
use sealrock_projections::{FoldError, LedgerInfo, Projection, Runner, Shown, all};
use sqlx::PgTransaction;
use tokio::sync::Notify;

use crate::plant::{Plant, append, at, batch, create_ledger, reading};

/// Counts entries; folding one twice, or missing one, shows in its table.
struct Tally {
    /// Waits after writing and before the commit, while set.
    pause: Option<Arc<Notify>>,
    reached: Arc<Notify>,
}

impl Tally {
    fn new(pause: Option<Arc<Notify>>) -> Arc<Self> {
        Arc::new(Self {
            pause,
            reached: Arc::default(),
        })
    }
}

#[async_trait]
impl Projection for Tally {
    fn name(&self) -> &'static str {
        "tally"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE tally (ledger_id integer, index bigint)"
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<(), FoldError> {
        let indexes: Vec<i64> = batch
            .iter()
            .map(|r| r.entry.index.0.cast_signed())
            .collect();
        sqlx::query("INSERT INTO tally SELECT $1, unnest($2::bigint[])")
            .bind(ledger.id.0)
            .bind(indexes)
            .execute(&mut **tx)
            .await?;
        self.reached.notify_one();
        if let Some(pause) = &self.pause {
            pause.notified().await;
        }
        Ok(())
    }
}

async fn tallied(plant: &Plant, ledger: &LedgerInfo) -> Vec<i64> {
    sqlx::query_scalar("SELECT index FROM rm_tally.tally WHERE ledger_id = $1 ORDER BY index")
        .bind(ledger.id.0)
        .fetch_all(plant.store.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_runner_that_dies_between_fold_and_commit_leaves_no_trace_and_its_successor_folds_once() {
    let database = sealrock_testkit::database().await;
    let plant = Plant::new(database.pool.clone()).await;
    for _ in 0..5 {
        plant.append("x/1", "X", b"{}".to_vec()).await;
    }
    let dying = Tally::new(Some(Arc::default()));
    let _dead = plant.run(vec![dying.clone()]);
    dying.reached.notified().await;
    // It waits inside its transaction for ever; Postgres sees its death as the end of a session.
    let killed: i64 = sqlx::query_scalar(include_str!("kill_open_transactions.sql"))
        .fetch_one(&database.admin_pool)
        .await
        .unwrap();
    assert_eq!(killed, 1);
    assert_eq!(tallied(&plant, &plant.ledger).await, Vec::<i64>::new());

    let successor = plant.run(vec![Tally::new(None)]);
    successor.reach(&plant, Index(4)).await;
    assert_eq!(tallied(&plant, &plant.ledger).await, [0, 1, 2, 3, 4]);
    successor.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runners_of_the_same_projection_fold_every_entry_of_every_ledger_once() {
    let plant = Plant::on_database().await;
    let first = plant.run(vec![Tally::new(None)]);
    let second = plant.run(vec![Tally::new(None)]);
    // Made while they run: both must notice it.
    let other = create_ledger(&plant.store, "south").await;
    for _ in 0..60 {
        plant.append("x/1", "X", b"{}".to_vec()).await;
        append(&plant.store, &other, "x/1", "X", b"{}".to_vec()).await;
    }
    for running in [&first, &second] {
        running.reach(&plant, Index(59)).await;
        let positions = running.runner.positions();
        let wait = positions.wait_for("tally", other.id, Index(59), Duration::from_secs(30));
        wait.await.unwrap();
    }
    let expected: Vec<i64> = (0..60).collect();
    assert_eq!(tallied(&plant, &plant.ledger).await, expected);
    assert_eq!(tallied(&plant, &other).await, expected);
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn stopping_a_runner_ends_the_transaction_that_has_begun() {
    let plant = Plant::on_database().await;
    plant.append("x/1", "X", b"{}".to_vec()).await;
    let pause = Arc::new(Notify::new());
    let slow = Tally::new(Some(Arc::clone(&pause)));
    let running = plant.run(vec![slow.clone()]);
    slow.reached.notified().await;
    let stopping = tokio::spawn(running.stop());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!stopping.is_finished());
    pause.notify_one();
    stopping.await.unwrap();
    assert_eq!(tallied(&plant, &plant.ledger).await, [0]);
}

#[tokio::test]
async fn waiting_for_an_entry_that_does_not_come_ends_with_what_to_do() {
    let plant = Plant::on_database().await;
    let runner = Runner::new(plant.store.clone(), all());
    let short = Duration::from_millis(50);
    let wait = runner
        .positions()
        .wait_for("latest", plant.ledger.id, Index(7), short)
        .await;
    let text = wait.unwrap_err().to_string();
    assert!(
        text.starts_with("latest has not folded entry 7 within 50ms; it is at 0"),
        "{text}"
    );
}

#[tokio::test]
async fn lag_is_told_in_entries_and_seconds() {
    let plant = Plant::on_database().await;
    let runner = Runner::new(plant.store.clone(), all());
    runner.prepare().await.unwrap();
    let device = plant.register("meter-7").await;
    plant
        .batch(device, batch("", &[reading("co2_ppm", at(0), 1.0)]))
        .await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    for status in runner.status().await.unwrap() {
        assert_eq!(
            (status.next_index, status.head, status.lag_events),
            (0, 2, 2)
        );
        assert!(status.lag_seconds >= 0.02, "{status:?}");
    }
    let running = plant.run(all());
    running.reach(&plant, Index(1)).await;
    for status in runner.status().await.unwrap() {
        assert_eq!((status.next_index, status.lag_events), (2, 0));
        assert!(status.lag_seconds.abs() < f64::EPSILON, "{status:?}");
    }
    running.stop().await;
}
