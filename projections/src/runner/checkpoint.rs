//! How far a read model has come: locked, compared and moved inside the fold's transaction.

use super::schema::Schema;
use sealrock_eventstore::LedgerId;
use sqlx::{PgConnection, PgPool, PgTransaction};

/// What a fold finds when it has locked its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Index of the first entry that is not folded yet.
    pub(crate) next: u64,
    /// Version that the tables were made for.
    pub(crate) version: u32,
}

/// Locks the place of `ledger` to the end of the transaction, at 0 if it is new.
///
/// The schema must have been entered.
pub(crate) async fn lock(tx: &mut PgTransaction<'_>, ledger: LedgerId) -> sqlx::Result<Place> {
    if let Some(place) = lock_existing(tx, ledger).await? {
        return Ok(place);
    }
    sqlx::query(include_str!("checkpoint_begin.sql"))
        .bind(ledger.0)
        .execute(&mut **tx)
        .await?;
    let place = lock_existing(tx, ledger).await?;
    place.ok_or(sqlx::Error::RowNotFound)
}

async fn lock_existing(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
) -> sqlx::Result<Option<Place>> {
    let row: Option<(i64, i32)> = sqlx::query_as(include_str!("checkpoint_lock.sql"))
        .bind(ledger.0)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.map(|(next, version)| Place {
        next: next.unsigned_abs(),
        version: version.unsigned_abs(),
    }))
}

/// The place of `ledger` in `schema`, without locking it; 0 if it is new.
pub(crate) async fn look(pool: &PgPool, schema: &str, ledger: LedgerId) -> sqlx::Result<Place> {
    let sql = format!(
        "SELECT (SELECT next_index FROM {schema}.checkpoint WHERE ledger_id = $1), version
           FROM {schema}.read_model"
    );
    let (next, version): (Option<i64>, i32) =
        sqlx::query_as(&sql).bind(ledger.0).fetch_one(pool).await?;
    Ok(Place {
        next: next.unwrap_or(0).unsigned_abs(),
        version: version.unsigned_abs(),
    })
}

/// Moves the place of `ledger`, which must be locked.
pub(crate) async fn advance(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    next: u64,
) -> sqlx::Result<()> {
    sqlx::query(include_str!("checkpoint_advance.sql"))
        .bind(ledger.0)
        .bind(next.cast_signed())
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// The places of all ledgers in the live schemas of `models`, in one question: it is asked often.
pub(crate) async fn of_models(
    pool: &PgPool,
    models: impl Iterator<Item = &'static str>,
) -> sqlx::Result<Vec<(String, LedgerId, u64)>> {
    let places = models.map(|model| {
        let schema = Schema::live(model).name();
        format!("SELECT '{model}', ledger_id, next_index FROM {schema}.checkpoint")
    });
    let sql = places.collect::<Vec<_>>().join(" UNION ALL ");
    if sql.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, i32, i64)> = sqlx::query_as(&sql).fetch_all(pool).await?;
    Ok(rows
        .into_iter()
        .map(|(model, ledger, next)| (model, LedgerId(ledger), next.unsigned_abs()))
        .collect())
}

/// The places of all ledgers in `schema`, without locking them.
pub(crate) async fn all(
    connection: &mut PgConnection,
    schema: &str,
) -> sqlx::Result<Vec<(LedgerId, u64)>> {
    let sql = format!("SELECT ledger_id, next_index FROM {schema}.checkpoint ORDER BY ledger_id");
    let rows: Vec<(i32, i64)> = sqlx::query_as(&sql).fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|(ledger, next)| (LedgerId(ledger), next.unsigned_abs()))
        .collect())
}
