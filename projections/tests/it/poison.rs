use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sealrock_ledger::Index;
use sealrock_projections::latest::LatestProjection;
use sealrock_projections::readings::ReadingsProjection;
use sealrock_projections::registry::RegistryProjection;
use sealrock_projections::{FoldError, LedgerInfo, Projection, Shown, State, all};
use sqlx::PgTransaction;
use tokio_util::sync::CancellationToken;

use crate::plant::{Plant, append, at, batch, create_ledger, device, reading};

/// Refuses entries of type `Bad` until it is repaired, itself or by making Postgres refuse.
struct Picky {
    repaired: AtomicBool,
    lets_postgres_refuse: bool,
    /// The SQLSTATE with which Postgres refuses, other than for its own reasons.
    sqlstate: Option<&'static str>,
}

impl Picky {
    fn new(lets_postgres_refuse: bool) -> Arc<Self> {
        Arc::new(Self {
            repaired: AtomicBool::new(false),
            lets_postgres_refuse,
            sqlstate: None,
        })
    }

    fn refused_with(sqlstate: &'static str) -> Arc<Self> {
        Arc::new(Self {
            repaired: AtomicBool::new(false),
            lets_postgres_refuse: true,
            sqlstate: Some(sqlstate),
        })
    }
}

#[async_trait]
impl Projection for Picky {
    fn name(&self) -> &'static str {
        "picky"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE picky (index bigint CHECK (index >= 0))"
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        _ledger: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<(), FoldError> {
        for recorded in batch {
            let entry = &recorded.entry;
            let bad = entry.kind == "Bad" && !self.repaired.load(Ordering::Relaxed);
            if bad && !self.lets_postgres_refuse {
                return Err(FoldError::poison(entry.index, "it is bad"));
            }
            if let Some(code) = self.sqlstate.filter(|_| bad) {
                let sql = format!(
                    "DO $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$"
                );
                sqlx::query(&sql).execute(&mut **tx).await?;
            }
            let index = entry.index.0.cast_signed();
            sqlx::query("INSERT INTO picky VALUES ($1)")
                .bind(if bad { -1 } else { index })
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }
}

async fn stopped_at(running: &crate::plant::Running, name: &str) -> (Index, String) {
    for _ in 0..300 {
        let statuses = running.runner.status().await.unwrap();
        let states = statuses
            .into_iter()
            .filter(|status| status.projection == name);
        for status in states {
            if let State::Stopped { index, reason } = status.state {
                return (index, reason);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{name} did not stop: {:#?}", running.runner.status().await)
}

#[tokio::test]
async fn an_undecodable_batch_stops_only_the_read_models_that_need_it_and_says_why() {
    let plant = Plant::on_database().await;
    let south = create_ledger(&plant.store, "south").await;
    let running = plant.run(all());
    let meter = plant.register("meter-7").await;
    let good = batch("", &[reading("co2_ppm", at(0), 1.0)]);
    plant.batch(meter, good.clone()).await;
    let bad = plant.batch(meter, b"{\"readings\":7}".to_vec()).await;
    let last = plant.register("meter-8").await;

    for name in [ReadingsProjection.name(), LatestProjection.name()] {
        let (index, reason) = stopped_at(&running, name).await;
        assert_eq!(index, bad);
        assert!(reason.starts_with("not a sensor batch in JSON"), "{reason}");
    }
    assert_eq!(plant.content("rm_readings.reading").await.len(), 1);

    let wait = running.runner.positions();
    let patience = Duration::from_secs(20);
    wait.wait_for(
        RegistryProjection.name(),
        plant.ledger.id,
        Index(3),
        patience,
    )
    .await
    .unwrap();
    assert_eq!(plant.read.devices_by_id(&[last]).await.unwrap().len(), 1);

    let stream = device("meter-7").telemetry_stream();
    let index = append(&plant.store, &south, &stream, "SensorBatchRecorded", good).await;
    wait.wait_for(ReadingsProjection.name(), south.id, index, patience)
        .await
        .unwrap();
    running.stop().await;
}

#[tokio::test]
async fn what_postgres_refuses_for_its_content_is_isolated_and_stops_like_poison() {
    let plant = Plant::on_database().await;
    for kind in ["Good", "Good", "Bad", "Good"] {
        plant.append("x/1", kind, b"{}".to_vec()).await;
    }
    let running = plant.run(vec![Picky::new(true)]);
    let (index, reason) = stopped_at(&running, "picky").await;
    assert_eq!(index, Index(2));
    assert!(reason.contains("picky_index_check"), "{reason}");
    assert_eq!(plant.content("rm_picky.picky").await, ["(0)", "(1)"]);
    running.stop().await;
}

#[tokio::test]
async fn an_entry_for_which_postgres_runs_out_of_locks_or_limits_is_isolated_and_stops() {
    for code in ["53200", "54011"] {
        let plant = Plant::on_database().await;
        for kind in ["Good", "Good", "Bad", "Good"] {
            plant.append("x/1", kind, b"{}".to_vec()).await;
        }
        let running = plant.run(vec![Picky::refused_with(code)]);
        let (index, reason) = stopped_at(&running, "picky").await;
        assert_eq!(index, Index(2));
        assert!(reason.contains("refused"), "{reason}");
        assert_eq!(plant.content("rm_picky.picky").await, ["(0)", "(1)"]);
        running.stop().await;
    }
}

#[tokio::test]
async fn a_stopped_projection_tries_again_after_a_restart() {
    let plant = Plant::on_database().await;
    for kind in ["Good", "Bad", "Good"] {
        plant.append("x/1", kind, b"{}".to_vec()).await;
    }
    let picky = Picky::new(false);
    let running = plant.run(vec![picky.clone()]);
    assert_eq!(
        stopped_at(&running, "picky").await,
        (Index(1), "it is bad".to_owned())
    );
    assert_eq!(plant.content("rm_picky.picky").await, ["(0)"]);
    running.stop().await;

    picky.repaired.store(true, Ordering::Relaxed);
    let running = plant.run(vec![picky]);
    running.reach(&plant, Index(2)).await;
    assert_eq!(plant.content("rm_picky.picky").await, ["(0)", "(1)", "(2)"]);
    for _ in 0..100 {
        if plant.content("rm_runner.stop").await.is_empty() {
            return running.stop().await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the stop is still there")
}

#[tokio::test]
async fn a_stopped_projection_goes_on_after_a_rebuild_by_repaired_code_in_another_process() {
    let plant = Plant::on_database().await;
    for kind in ["Good", "Bad", "Good"] {
        plant.append("x/1", kind, b"{}".to_vec()).await;
    }
    let old = plant.run(vec![Picky::new(false)]);
    stopped_at(&old, "picky").await;

    let repaired = Picky::new(false);
    repaired.repaired.store(true, Ordering::Relaxed);
    let other = sealrock_projections::Runner::new(plant.store.clone(), vec![repaired]);
    other
        .rebuild("picky", &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(plant.content("rm_picky.picky").await, ["(0)", "(1)", "(2)"]);
    let last = plant.append("x/1", "Good", b"{}".to_vec()).await;
    old.reach(&plant, last).await;
    assert_eq!(plant.content("rm_picky.picky").await.len(), 4);
    old.stop().await;
}

#[tokio::test]
async fn a_rebuild_that_meets_poison_leaves_the_live_tables_as_they_are() {
    let plant = Plant::on_database().await;
    plant.append("x/1", "Good", b"{}".to_vec()).await;
    plant.append("x/1", "Bad", b"{}".to_vec()).await;
    let running = plant.run(vec![Picky::new(false)]);
    stopped_at(&running, "picky").await;
    let error = running
        .runner
        .rebuild("picky", &CancellationToken::new())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "picky cannot fold entry 1 of northsea: it is bad"
    );
    assert_eq!(plant.content("rm_picky.picky").await, ["(0)"]);
    assert_eq!(stopped_at(&running, "picky").await.0, Index(1));
    running.stop().await;
}
