//! The schemas of a read model: the live one, and `_next` and `_old` around a rebuild.

use sqlx::{Executor, PgConnection, PgPool, PgTransaction};

use super::projection::Projection;

/// One schema of a read model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schema {
    /// Name of the read model.
    model: &'static str,
    suffix: &'static str,
}

impl Schema {
    /// What queries read.
    pub(crate) fn live(model: &'static str) -> Self {
        Self { model, suffix: "" }
    }

    /// What a rebuild fills.
    pub(crate) fn next(model: &'static str) -> Self {
        Self {
            model,
            suffix: "_next",
        }
    }

    /// What a rebuild replaced, until it is dropped.
    pub(crate) fn old(model: &'static str) -> Self {
        Self {
            model,
            suffix: "_old",
        }
    }

    pub(crate) fn name(&self) -> String {
        format!("rm_{}{}", self.model, self.suffix)
    }

    /// Makes unqualified names mean this schema, to the end of the transaction.
    pub(crate) async fn enter(&self, tx: &mut PgTransaction<'_>) -> sqlx::Result<()> {
        let sql = format!("SET LOCAL search_path TO {}", self.name());
        run(tx, &sql).await
    }

    /// As [`enter`](Self::enter), for a transaction of a fold: COMMIT does not wait for the disk. What a
    /// crash of Postgres takes is the end of what was folded, checkpoint and rows, and is folded again;
    /// whatever is committed later, by anybody, is on disk only if this is.
    pub(crate) async fn enter_to_fold(&self, tx: &mut PgTransaction<'_>) -> sqlx::Result<()> {
        let name = self.name();
        let sql = format!("SET LOCAL search_path TO {name}; SET LOCAL synchronous_commit TO off");
        run(tx, &sql).await
    }

    /// The version its tables were made for; `None` if the schema is not there.
    pub(crate) async fn version(&self, connection: &mut PgConnection) -> sqlx::Result<Option<u32>> {
        let table = format!("{}.read_model", self.name());
        let there: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(&table)
            .fetch_one(&mut *connection)
            .await?;
        if !there {
            return Ok(None);
        }
        let version: i32 = sqlx::query_scalar(&format!("SELECT version FROM {table}"))
            .fetch_one(connection)
            .await?;
        Ok(Some(version.unsigned_abs()))
    }

    /// Makes the indexes that no fold needs, where they are missing.
    pub(crate) async fn index(&self, pool: &PgPool, model: &dyn Projection) -> sqlx::Result<()> {
        let mut tx = pool.begin().await?;
        self.enter(&mut tx).await?;
        run(&mut tx, model.indexes()).await?;
        tx.commit().await
    }

    /// Makes the schema with the model's tables and the runner's own, unless it is there. A live one has
    /// all its indexes; in one that is to be filled they are made later, by [`index`](Self::index).
    ///
    /// Answers the version that is there afterwards. Safe against another process at the same time.
    pub(crate) async fn ensure(&self, pool: &PgPool, model: &dyn Projection) -> sqlx::Result<u32> {
        let mut tx = pool.begin().await?;
        lock_exclusive(&mut tx, &self.name()).await?;
        if let Some(version) = self.version(&mut tx).await? {
            return Ok(version);
        }
        let create = format!("CREATE SCHEMA IF NOT EXISTS {}", self.name());
        run(&mut tx, &create).await?;
        self.enter(&mut tx).await?;
        run(&mut tx, include_str!("schema.sql")).await?;
        run(&mut tx, model.schema()).await?;
        if self.suffix.is_empty() {
            run(&mut tx, model.indexes()).await?;
        }
        sqlx::query("INSERT INTO read_model (version) VALUES ($1)")
            .bind(model.version().cast_signed())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(model.version())
    }

    /// Drops the schema with all it holds, if it is there.
    pub(crate) async fn drop(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let sql = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name());
        run(connection, &sql).await
    }

    /// Gives the schema the name of another one, which must be free.
    pub(crate) async fn rename(&self, to: &Self, tx: &mut PgTransaction<'_>) -> sqlx::Result<()> {
        let sql = format!("ALTER SCHEMA {} RENAME TO {}", self.name(), to.name());
        run(tx, &sql).await
    }
}

/// Runs statements without parameters, several if need be.
///
/// Not `sqlx::raw_sql`: its futures cannot be shown to be `Send` inside a spawned task.
pub(crate) async fn run(connection: &mut PgConnection, sql: &str) -> sqlx::Result<()> {
    connection.execute(sql).await.map(drop)
}

/// Held by whoever changes which tables a name means, to the end of the transaction.
pub(crate) async fn lock_exclusive(tx: &mut PgTransaction<'_>, name: &str) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(name)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Held by every fold, so that the tables are not exchanged under it.
pub(crate) async fn lock_shared(tx: &mut PgTransaction<'_>, name: &str) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))")
        .bind(name)
        .execute(&mut **tx)
        .await
        .map(drop)
}
