//! Links: who a subject of an identity provider is here. An administrator says so; nobody is linked by a
//! name or a mail address that the provider tells.

use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use crate::sessions::{self, Because};
use crate::{AccessError, AccountId, Password, password};

/// How long a state of a sign-in is remembered that came back: longer than one may take.
const REMEMBERED: f64 = 3_600.0;

/// A subject of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The provider.
    pub issuer: String,
    /// Whom it means there, for ever.
    pub subject: String,
}

/// Says who a subject is. An issued password that was never changed is replaced by one that nobody
/// knows, and the sessions end that were opened with it: the account signs in by the provider alone then.
///
/// Answers `false` if the subject is somebody else already.
///
/// # Errors
/// [`AccessError`]; nothing is linked then.
pub async fn link(
    pool: &PgPool,
    subject: &Subject,
    account: AccountId,
) -> Result<bool, AccessError> {
    let unknown = password::hash(Password::random()).await?;
    let mut transaction = pool.begin().await?;
    let linked: Uuid = sqlx::query_scalar(include_str!("sql/link.sql"))
        .bind(&subject.issuer)
        .bind(&subject.subject)
        .bind(account.0)
        .fetch_one(&mut *transaction)
        .await?;
    if linked != account.0 {
        return Ok(false);
    }
    let forgotten = sqlx::query(include_str!("sql/forget_issued.sql"))
        .bind(account.0)
        .bind(unknown)
        .execute(&mut *transaction)
        .await?;
    if forgotten.rows_affected() > 0 {
        sessions::revoke_all(&mut *transaction, account, None, Because::Password).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// Ends all links of an account, and its sessions; answers how many links. Who opens one by a link at
/// that moment waits for this, or this ends it.
///
/// # Errors
/// [`AccessError`]; they hold still.
pub async fn unlink(pool: &PgPool, account: AccountId) -> Result<u64, AccessError> {
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT FROM access.accounts WHERE account_id = $1 FOR UPDATE")
        .bind(account.0)
        .execute(&mut *transaction)
        .await?;
    let unlinked = sqlx::query("DELETE FROM access.oidc_links WHERE account_id = $1");
    let unlinked = unlinked.bind(account.0).execute(&mut *transaction).await?;
    if unlinked.rows_affected() > 0 {
        sessions::revoke_all(&mut *transaction, account, None, Because::Account).await?;
    }
    transaction.commit().await?;
    Ok(unlinked.rows_affected())
}

/// The account that a subject is.
///
/// # Errors
/// [`AccessError`] if it cannot be read.
pub async fn account_of(
    by: impl PgExecutor<'_>,
    subject: &Subject,
) -> Result<Option<AccountId>, AccessError> {
    let found = "SELECT account_id FROM access.oidc_links WHERE issuer = $1 AND subject = $2";
    let found: Option<Uuid> = sqlx::query_scalar(found)
        .bind(&subject.issuer)
        .bind(&subject.subject)
        .fetch_optional(by)
        .await?;
    Ok(found.map(AccountId))
}

/// Whether an account is a subject of any provider.
///
/// # Errors
/// [`AccessError`] if it cannot be read.
pub async fn is_linked(pool: &PgPool, account: AccountId) -> Result<bool, AccessError> {
    let linked = "SELECT EXISTS (SELECT FROM access.oidc_links WHERE account_id = $1)";
    let linked = sqlx::query_scalar(linked).bind(account.0);
    Ok(linked.fetch_one(pool).await?)
}

/// Uses up the state of a sign-in; `false` if it came back before.
///
/// # Errors
/// [`AccessError`]; it must not be gone on with then.
pub async fn use_state(pool: &PgPool, state: &[u8; 32]) -> Result<bool, AccessError> {
    let used = sqlx::query(include_str!("sql/use_state.sql"))
        .bind(state.as_slice())
        .bind(REMEMBERED)
        .execute(pool)
        .await?;
    Ok(used.rows_affected() == 1)
}
