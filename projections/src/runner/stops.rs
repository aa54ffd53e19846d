//! Projections that stopped at an entry which they cannot fold, and why.

use chrono::{DateTime, Utc};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::{PgConnection, PgPool};

use super::schema;

/// A stop, as it stands in `rm_runner.stop`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The entry that could not be folded.
    pub index: Index,
    /// Why.
    pub reason: String,
    /// When it stopped.
    pub at: DateTime<Utc>,
}

/// Makes the tables in `rm_runner`, unless they are there: stops, and what else is no read model.
pub(crate) async fn ensure(pool: &PgPool) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    schema::lock_exclusive(&mut tx, "rm_runner").await?;
    schema::run(&mut tx, include_str!("stops.sql")).await?;
    schema::run(&mut tx, crate::device_status::presence::TABLES).await?;
    tx.commit().await
}

/// Writes down a stop.
pub(crate) async fn record(
    pool: &PgPool,
    projection: &str,
    ledger: LedgerId,
    index: Index,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query(include_str!("stop_record.sql"))
        .bind(projection)
        .bind(ledger.0)
        .bind(index.0.cast_signed())
        .bind(reason.replace('\0', "\u{fffd}"))
        .execute(pool)
        .await
        .map(drop)
}

/// The stop of a projection on a ledger, if it has stopped. None has before the tables are made.
pub(crate) async fn find(
    pool: &PgPool,
    projection: &str,
    ledger: LedgerId,
) -> sqlx::Result<Option<Stop>> {
    let row: Option<(i64, String, DateTime<Utc>)> = sqlx::query_as(include_str!("stop_find.sql"))
        .bind(projection)
        .bind(ledger.0)
        .fetch_optional(pool)
        .await
        .or_else(none_without_table)?;
    Ok(row.map(|(index, reason, at)| Stop {
        index: Index(index.unsigned_abs()),
        reason,
        at,
    }))
}

/// Who only looks may be there before anybody made the tables.
fn none_without_table<T>(error: sqlx::Error) -> sqlx::Result<Option<T>> {
    const UNDEFINED_TABLE: &str = "42P01";
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    if code.is_some_and(|code| code == UNDEFINED_TABLE) {
        Ok(None)
    } else {
        Err(error)
    }
}

/// Forgets the stop on one ledger: it is tried again.
pub(crate) async fn clear(pool: &PgPool, projection: &str, ledger: LedgerId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM rm_runner.stop WHERE projection = $1 AND ledger_id = $2")
        .bind(projection)
        .bind(ledger.0)
        .execute(pool)
        .await
        .map(drop)
}

/// Forgets all stops of a projection: its tables are new.
pub(crate) async fn clear_all(connection: &mut PgConnection, projection: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM rm_runner.stop WHERE projection = $1")
        .bind(projection)
        .execute(connection)
        .await
        .map(drop)
}
