//! The rows of read model `readings`, to be copied into the same table by hand.

use sqlx::postgres::PgPoolCopyExt as _;
use sqlx::{Executor as _, PgPool};

/// Rows of `rm_readings.reading` as COPY BINARY has them.
pub struct Rows {
    bytes: Vec<u8>,
    days: Vec<String>,
    pub count: u64,
}

impl Rows {
    /// Reads the rows that a fold wrote.
    pub async fn take(pool: &PgPool) -> anyhow::Result<Self> {
        use futures::TryStreamExt as _;
        let mut bytes = Vec::new();
        let mut rows = pool
            .copy_out_raw("COPY (SELECT * FROM rm_readings.reading) TO STDOUT (FORMAT binary)")
            .await?;
        while let Some(some) = rows.try_next().await? {
            bytes.extend_from_slice(&some);
        }
        drop(rows);
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM rm_readings.reading")
            .fetch_one(pool)
            .await?;
        let days = sqlx::query_scalar(
            "SELECT DISTINCT to_char(at, 'YYYY-MM-DD') FROM rm_readings.reading",
        );
        Ok(Self {
            bytes,
            days: days.fetch_all(pool).await?,
            count: count.unsigned_abs(),
        })
    }

    /// Makes the table with its key and partitions, and copies the rows into it.
    pub async fn copy(&self, pool: &PgPool) -> anyhow::Result<()> {
        let mut tx = pool.begin().await?;
        (*tx)
            .execute("CREATE SCHEMA baseline; SET LOCAL search_path TO baseline;")
            .await?;
        (*tx).execute("CREATE TABLE reading (LIKE rm_readings.reading INCLUDING ALL) PARTITION BY RANGE (at)")
            .await?;
        for (nth, day) in self.days.iter().enumerate() {
            let sql = format!(
                "CREATE TABLE day_{nth} PARTITION OF reading FOR VALUES FROM ('{day}Z') \
                 TO (date '{day}' + 1)"
            );
            (*tx).execute(sql.as_str()).await?;
        }
        let mut copy = (*tx)
            .copy_in_raw("COPY reading FROM STDIN (FORMAT binary)")
            .await?;
        for some in self.bytes.chunks(1 << 20) {
            copy.send(some).await?;
        }
        copy.finish().await?;
        tx.commit().await?;
        pool.execute("DROP SCHEMA baseline CASCADE").await?;
        Ok(())
    }
}
