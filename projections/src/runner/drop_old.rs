//! Dropping a schema without holding up who still reads it.

use super::Runner;
use super::schema::{self, Schema};

/// Tables dropped in one transaction: every one takes some locks, of which Postgres has a fixed
/// number, and a read model may have thousands of partitions.
const TABLES_AT_ONCE: i64 = 50;

impl Runner {
    /// Drops what the last rebuild replaced, if it is still there.
    pub(crate) async fn drop_old(&self, name: &'static str) -> sqlx::Result<()> {
        self.drop_schema(&Schema::old(name)).await
    }

    pub(crate) async fn drop_old_or_leave(&self, name: &'static str) {
        if let Err(error) = self.drop_old(name).await {
            tracing::warn!(projection = name, %error, "the replaced tables are dropped at the next rebuild");
        }
    }

    /// Drops a schema: partitions first, in small transactions, then the rest.
    pub(crate) async fn drop_schema(&self, schema: &Schema) -> sqlx::Result<()> {
        while self.drop_partitions(schema).await? > 0 {}
        let mut tx = self.store().pool().begin().await?;
        set_patience(&mut tx).await?;
        schema.drop(&mut tx).await?;
        tx.commit().await
    }

    async fn drop_partitions(&self, schema: &Schema) -> sqlx::Result<usize> {
        let mut tx = self.store().pool().begin().await?;
        set_patience(&mut tx).await?;
        let tables: Vec<String> = sqlx::query_scalar(include_str!("partitions.sql"))
            .bind(schema.name())
            .bind(TABLES_AT_ONCE)
            .fetch_all(&mut *tx)
            .await?;
        if !tables.is_empty() {
            let sql = format!("DROP TABLE {}", tables.join(", "));
            schema::run(&mut tx, &sql).await?;
        }
        tx.commit().await?;
        Ok(tables.len())
    }
}

/// A long query on the replaced tables makes us give up rather than hold up the queries behind us.
async fn set_patience(tx: &mut sqlx::PgTransaction<'_>) -> sqlx::Result<()> {
    schema::run(tx, "SET LOCAL lock_timeout TO '5s'").await
}
