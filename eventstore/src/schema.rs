//! The database: connections in the right role, and migrations.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor, PgPool};
use std::time::Duration;

use crate::error::StoreError;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// Brings the schema up to date. `pool` must be of a login that may create roles and schemas
/// ([`connect_as_login`]). Two processes may do so at once: the second waits for the first.
///
/// # Errors
/// [`StoreError::Fatal`] if the database was made by a newer version, or a migration fails.
pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    MIGRATOR.run(pool).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(sqlx::Error::Io(e)) => {
            StoreError::Unavailable(e.to_string())
        }
        sqlx::migrate::MigrateError::VersionMissing(version) => StoreError::Fatal(format!(
            "this database has migration {version}, which this version of Sealrock does not know: \
             use the newer sealrock that made it"
        )),
        other => StoreError::Fatal(format!("migration failed: {other}")),
    })
}

/// A pool whose connections act as `sealrock_app`: they can insert and read events and can neither
/// change nor delete them.
///
/// # Errors
/// If the URL is malformed or Postgres cannot be reached.
pub async fn connect(url: &str, max: u32) -> Result<PgPool, StoreError> {
    pool_options(max)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection
                    .execute("SET ROLE sealrock_app; SET search_path TO sealrock; SET jit TO off")
                    .await?;
                Ok(())
            })
        })
        .connect_with(options(url)?)
        .await
        .map_err(StoreError::from)
}

/// A pool whose connections act as the login itself, for migrations and `fsck`.
///
/// # Errors
/// As [`connect`].
pub async fn connect_as_login(url: &str, max: u32) -> Result<PgPool, StoreError> {
    pool_options(max)
        .connect_with(options(url)?)
        .await
        .map_err(StoreError::from)
}

fn pool_options(max: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(Duration::from_secs(5))
}

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    url.parse::<PgConnectOptions>()
        .map(|options| options.application_name("sealrock"))
        .map_err(|e| StoreError::Fatal(format!("DATABASE_URL is not a Postgres URL: {e}")))
}
