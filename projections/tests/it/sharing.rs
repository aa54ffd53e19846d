//! What several read models read once, and what they need not read.

use std::sync::Arc;

use async_trait::async_trait;
use sealrock_ledger::Index;
use sealrock_projections::{FoldError, LedgerInfo, Projection, Runner, Shown, all};
use sqlx::PgTransaction;
use tokio_util::sync::CancellationToken;

use crate::plant::{Plant, at, batch, device, reading};

/// Writes down the type of each entry that it is shown.
struct Kinds {
    name: &'static str,
    folds_batches: bool,
}

#[async_trait]
impl Projection for Kinds {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE kinds (index bigint, kind text)"
    }

    fn folds_batches(&self) -> bool {
        self.folds_batches
    }

    async fn fold(
        &self,
        tx: &mut PgTransaction<'_>,
        _ledger: &LedgerInfo,
        batch: &[Shown],
    ) -> Result<(), FoldError> {
        for shown in batch {
            sqlx::query("INSERT INTO kinds VALUES ($1, $2)")
                .bind(shown.entry.index.0.cast_signed())
                .bind(&shown.entry.kind)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }
}

fn kinds(name: &'static str, folds_batches: bool) -> Arc<Kinds> {
    Arc::new(Kinds {
        name,
        folds_batches,
    })
}

fn one_reading(value: f64) -> Vec<u8> {
    batch("", &[reading("co2_ppm", at(0), value)])
}

#[tokio::test]
async fn a_model_that_folds_no_batches_is_shown_all_else_and_passes_them_live_and_rebuilt() {
    let plant = Plant::on_database().await;
    for n in 0..5 {
        plant
            .batch(device("meter-7"), one_reading(f64::from(n)))
            .await;
        plant.append("x/1", "X", b"{}".to_vec()).await;
    }
    let running = plant.run(vec![kinds("others", false), kinds("every", true)]);
    running.reach(&plant, Index(9)).await;
    let last = plant.batch(device("meter-7"), one_reading(5.0)).await;
    running.reach(&plant, last).await;
    let shown = plant.content("rm_others.kinds").await;
    assert_eq!(shown, ["(1,X)", "(3,X)", "(5,X)", "(7,X)", "(9,X)"]);
    assert_eq!(plant.content("rm_every.kinds").await.len(), 11);

    let token = CancellationToken::new();
    let rebuilt = running.runner.rebuild("others", &token).await.unwrap();
    assert_eq!(rebuilt.entries, 11);
    assert_eq!(plant.content("rm_others.kinds").await, shown);
    running.stop().await;
}

#[tokio::test]
async fn entries_in_memory_that_the_database_does_not_have_any_more_are_not_folded() {
    let database = sealrock_testkit::database().await;
    let plant = Plant::new(database.pool.clone()).await;
    for _ in 0..5 {
        plant.append("x/1", "X", b"{}".to_vec()).await;
    }
    let running = plant.run(vec![kinds("every", true)]);
    running.reach(&plant, Index(4)).await;
    // As if an older database had been put in place, and others had appended to it.
    let exchange = [
        "DELETE FROM rm_every.kinds WHERE index > 2",
        "UPDATE rm_every.checkpoint SET next_index = 3",
        r#"UPDATE sealrock.events SET entry = convert_to(replace(convert_from(entry, 'UTF8'), '"X"', '"Y"'), 'UTF8'),
           leaf_hash = sha256(entry) WHERE index > 2"#,
    ];
    let mut tx = database.admin_pool.begin().await.unwrap();
    for sql in exchange {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    while plant.content("rm_every.kinds").await.len() < 5 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let shown = plant.content("rm_every.kinds").await;
    assert_eq!(shown, ["(0,X)", "(1,X)", "(2,X)", "(3,Y)", "(4,Y)"]);
    running.stop().await;
}

#[tokio::test]
async fn a_rebuild_leaves_the_same_indexes_on_every_table() {
    let plant = Plant::on_database().await;
    let runner = Runner::new(plant.store.clone(), all());
    runner.prepare().await.unwrap();
    plant.batch(device("meter-7"), one_reading(1.0)).await;
    let indexes = async || -> Vec<(String, String)> {
        sqlx::query_as(
            "SELECT schemaname || '.' || tablename, indexdef FROM pg_indexes \
             WHERE schemaname LIKE 'rm\\_%' AND tablename NOT LIKE 'reading\\_2%' ORDER BY 1, 2",
        )
        .fetch_all(plant.store.pool())
        .await
        .unwrap()
    };
    let before = indexes().await;
    assert!(
        before
            .iter()
            .any(|(_, index)| index.contains("reading_key"))
    );
    for name in runner.names() {
        runner
            .rebuild(name, &CancellationToken::new())
            .await
            .unwrap();
    }
    assert_eq!(indexes().await, before);
    let of_the_day: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_indexes WHERE tablename LIKE 'reading\\_2%'")
            .fetch_one(plant.store.pool())
            .await
            .unwrap();
    assert_eq!(of_the_day, 1, "its key");
}
