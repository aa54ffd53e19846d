//! What rows know of an account besides what the ledger says: its name, its organisation, and for
//! accounts of before the role that no entry names yet.

use sealrock_domain::Slug;
use sealrock_domain::access::Role;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::{AccessError, AccountId, Username};

/// An account as its row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// The account.
    pub id: AccountId,
    /// The name that it signs in with.
    pub username: Username,
    /// The role of the row: it counts only for accounts of no organisation, and as long as no ledger
    /// is to say what the account may do.
    pub role: Role,
    /// The organisation that it acts for.
    pub organisation: Option<Slug>,
    /// Whether the organisation's ledger says what it may do.
    pub in_ledger: bool,
}

#[derive(FromRow)]
struct Row {
    account_id: Uuid,
    username: String,
    role: String,
    organisation: Option<String>,
    in_ledger: bool,
}

/// The row of an account.
///
/// # Errors
/// [`AccessError`] if it cannot be read.
pub async fn find(pool: &PgPool, account: AccountId) -> Result<Option<AccountRow>, AccessError> {
    let found: Option<Row> = sqlx::query_as(include_str!("find.sql"))
        .bind(account.0)
        .fetch_optional(pool)
        .await?;
    found.map(AccountRow::try_from).transpose()
}

/// The accounts of organisations, or of one, whose role no ledger names yet.
///
/// # Errors
/// [`AccessError`] if they cannot be read.
pub async fn unrecorded(
    pool: &PgPool,
    organisation: Option<&Slug>,
) -> Result<Vec<AccountRow>, AccessError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("unrecorded.sql"))
        .bind(organisation.map(Slug::as_str))
        .fetch_all(pool)
        .await?;
    let mut read = Vec::new();
    for row in rows {
        match AccountRow::try_from(row) {
            Ok(row) => read.push(row),
            // It is nobody, and keeps nobody else from being somebody.
            Err(error) => tracing::warn!(%error, "an account's row cannot be read"),
        }
    }
    Ok(read)
}

/// The accounts of an organisation, by name.
///
/// # Errors
/// [`AccessError`] if they cannot be read.
pub async fn of_organisation(
    pool: &PgPool,
    organisation: &Slug,
) -> Result<Vec<AccountRow>, AccessError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("of_organisation.sql"))
        .bind(organisation.as_str())
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(AccountRow::try_from).collect()
}

/// Notes that the ledger says from now on what an account may do; it waits no longer then. Call it when the entry is there.
///
/// # Errors
/// [`AccessError`] if it could not be noted: the ledger counts all the same.
pub async fn recorded(pool: &PgPool, account: AccountId) -> Result<(), AccessError> {
    sqlx::query(include_str!("recorded.sql"))
        .bind(account.0)
        .execute(pool)
        .await?;
    Ok(())
}

/// Notes that the ledger of an organisation may grant something to another one. Call it before the
/// entry; it grants nothing.
///
/// # Errors
/// [`AccessError`] if it could not be noted.
pub async fn may_grant(pool: &PgPool, own: &Slug, grantee: &Slug) -> Result<(), AccessError> {
    sqlx::query(include_str!("may_grant.sql"))
        .bind(grantee.as_str())
        .bind(own.as_str())
        .execute(pool)
        .await?;
    Ok(())
}

/// The organisations whose ledgers may grant something to this one.
///
/// # Errors
/// [`AccessError`] if they cannot be read.
pub async fn granting(pool: &PgPool, grantee: &Slug) -> Result<Vec<Slug>, AccessError> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT organisation FROM access.grants WHERE grantee = $1 ORDER BY organisation",
    )
    .bind(grantee.as_str())
    .fetch_all(pool)
    .await?;
    let read = |name: &String| name.parse();
    let slugs: Result<_, _> = names.iter().map(read).collect();
    slugs.map_err(|error| AccessError::Corrupt(format!("grants to {grantee}: {error}")))
}

impl TryFrom<Row> for AccountRow {
    type Error = AccessError;

    fn try_from(row: Row) -> Result<Self, AccessError> {
        let id = row.account_id;
        let corrupt = |what: &str| AccessError::Corrupt(format!("account {id}: {what}"));
        let organisation = row.organisation.as_deref().map(str::parse).transpose();
        Ok(Self {
            id: AccountId(id),
            username: row.username.parse().map_err(|_| corrupt("bad user name"))?,
            role: row.role.parse().map_err(|_| corrupt("unknown role"))?,
            organisation: organisation.map_err(|_| corrupt("bad organisation"))?,
            in_ledger: row.in_ledger,
        })
    }
}
