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

/// That the schema is the one that this program knows, without changing it: for commands beside a
/// server, which must not migrate the database under it. `pool` as for [`migrate`].
///
/// # Errors
/// [`StoreError::Fatal`] if it is older or newer, with the way out; if Postgres cannot be reached.
pub async fn require_migrated(pool: &PgPool) -> Result<(), StoreError> {
    let made: Option<String> =
        sqlx::query_scalar("SELECT to_regclass('public._sqlx_migrations')::text")
            .fetch_one(pool)
            .await?;
    let applied: Option<i64> = match made {
        Some(_) => {
            sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
                .fetch_one(pool)
                .await?
        }
        None => None,
    };
    let known = MIGRATOR.iter().map(|migration| migration.version).max();
    match applied.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(StoreError::Fatal(
            "the database's schema is older than this program: run `sealrock migrate`, or start \
             the new server, which does so"
                .to_owned(),
        )),
        std::cmp::Ordering::Greater => Err(StoreError::Fatal(
            "the database's schema is newer than this program: use the newer sealrock".to_owned(),
        )),
    }
}

/// A pool whose connections act as `sealrock_app`: they can insert and read events and can neither
/// change nor delete them.
///
/// # Errors
/// If the URL is malformed or Postgres cannot be reached.
pub async fn connect(url: &str, max: u32) -> Result<PgPool, StoreError> {
    connect_with(options(url)?, max).await
}

/// As [`connect`], for what people ask: Postgres gives up a statement that takes longer than this,
/// whether anybody still waits for it or not. A future that is dropped does not end its statement.
///
/// # Errors
/// As [`connect`].
pub async fn connect_for_questions(
    url: &str,
    max: u32,
    longest: Duration,
) -> Result<PgPool, StoreError> {
    let longest = format!("{}ms", longest.as_millis());
    let options = options(url)?.options([("statement_timeout", longest)]);
    connect_with(options, max).await
}

async fn connect_with(options: PgConnectOptions, max: u32) -> Result<PgPool, StoreError> {
    pool_options(max)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection
                    .execute(include_str!("sql/on_connect.sql"))
                    .await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await
        .map_err(StoreError::from)
}

/// That a crash or a power cut of this Postgres loses nothing that it has committed: call it before
/// the first append of a server that runs on a Postgres that others have set up.
///
/// # Errors
/// [`StoreError::Fatal`] if `fsync` or `full_page_writes` is off; if Postgres cannot be reached.
pub async fn require_durable(pool: &PgPool) -> Result<(), StoreError> {
    let settings: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes')",
    )
    .fetch_all(pool)
    .await?;
    durable(&settings)
}

fn durable(settings: &[(String, String)]) -> Result<(), StoreError> {
    let off = settings.iter().find(|(_, setting)| setting != "on");
    let Some((name, setting)) = off else {
        return Ok(());
    };
    Err(StoreError::Fatal(format!(
        "Postgres runs with {name} = {setting}, so a power cut could lose entries whose receipts \
         are out: run `ALTER SYSTEM SET {name} = on` and `SELECT pg_reload_conf()` as its \
         superuser (if it was set on Postgres' command line, remove it there and restart)"
    )))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(fsync: &str, full_page_writes: &str) -> [(String, String); 2] {
        let pair = |name: &str, setting: &str| (name.to_owned(), setting.to_owned());
        [
            pair("fsync", fsync),
            pair("full_page_writes", full_page_writes),
        ]
    }

    #[test]
    fn only_a_postgres_that_survives_a_power_cut_counts_as_durable() {
        assert!(durable(&settings("on", "on")).is_ok());
        for (settings, named) in [
            (settings("off", "on"), "fsync = off"),
            (settings("on", "off"), "full_page_writes = off"),
        ] {
            let refused = durable(&settings);
            assert!(
                matches!(&refused, Err(StoreError::Fatal(reason)) if reason.contains(named)),
                "{refused:?}"
            );
        }
    }
}
