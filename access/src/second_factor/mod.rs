//! A second factor: codes of an authenticator app (RFC 6238), and recovery codes for the day when
//! it is lost.
//!
//! The secret is kept encrypted by a key that lies in the keys folder, not in the database. A code is
//! taken once: its time step is kept, and only a later one is taken after it.

mod recovery;
mod sealed;
mod totp;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgExecutor, PgPool};

use crate::throttle::{ThrottleError, TooManyAttempts};
use crate::{AccessError, AccountId, Username};

pub use sealed::FactorKey;

/// What an authenticator app is told, once.
pub struct Enrolment {
    /// The secret in base32, to be typed.
    pub secret: String,
    /// The same with the names as `otpauth://…`, for a QR code.
    pub uri: String,
}

/// Why a second factor was not enrolled or confirmed.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// There is one.
    #[error("this account has a second factor: disable it before you enrol another one")]
    Enrolled,
    /// Nothing was begun.
    #[error("there is nothing to confirm: begin by enrolSecondFactor")]
    NotBegun,
    /// Not the code of this moment.
    #[error(
        "the code is wrong: look at the app and the clock of its device, and send the code of this moment"
    )]
    WrongCode,
    /// Too many codes were wrong.
    #[error(transparent)]
    TooMany(#[from] TooManyAttempts),
    /// It could not be done; try again later.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl From<ThrottleError> for EnrolError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::TooMany(error) => Self::TooMany(error),
            ThrottleError::Access(error) => Self::Access(error),
        }
    }
}

#[derive(FromRow)]
struct Row {
    secret: Vec<u8>,
    last_step: i64,
}

/// Whether codes are asked for when this account signs in.
///
/// # Errors
/// [`AccessError`] if it could not be read.
pub async fn is_enrolled(by: impl PgExecutor<'_>, account: AccountId) -> Result<bool, AccessError> {
    let found = sqlx::query_scalar(include_str!("sql/is_enrolled.sql"));
    Ok(found.bind(account.0).fetch_one(by).await?)
}

/// Begins: a secret for the app. Codes are asked for once one of them has come back by [`confirm`];
/// until then it can be begun again.
///
/// # Errors
/// [`EnrolError`].
pub async fn enrol(
    pool: &PgPool,
    key: &FactorKey,
    account: AccountId,
    username: &Username,
) -> Result<Enrolment, EnrolError> {
    let secret = totp::secret();
    let begun = sqlx::query(include_str!("sql/enrol.sql"))
        .bind(account.0)
        .bind(key.seal(account, &secret))
        .execute(pool)
        .await
        .map_err(AccessError::from)?;
    if begun.rows_affected() == 0 {
        return Err(EnrolError::Enrolled);
    }
    Ok(Enrolment {
        secret: totp::base32(&secret),
        uri: totp::uri(&secret, username),
    })
}

/// The app shows the right codes: they are asked for from now on. Answers the recovery codes, once.
///
/// # Errors
/// [`EnrolError`]; nothing changes then.
pub async fn confirm(
    pool: &PgPool,
    key: &FactorKey,
    account: AccountId,
    code: &str,
) -> Result<Vec<String>, EnrolError> {
    let row = sqlx::query_as(include_str!("sql/unconfirmed.sql")).bind(account.0);
    let row: Option<Row> = row.fetch_optional(pool).await.map_err(AccessError::from)?;
    let row = row.ok_or(EnrolError::NotBegun)?;
    let step = step_of(key, account, &row, code)?.ok_or(EnrolError::WrongCode)?;
    let mut transaction = pool.begin().await.map_err(AccessError::from)?;
    let confirmed = sqlx::query(include_str!("sql/confirm.sql"))
        .bind(account.0)
        .bind(step)
        .bind(&row.secret)
        .execute(&mut *transaction)
        .await
        .map_err(AccessError::from)?;
    if confirmed.rows_affected() == 0 {
        return Err(EnrolError::NotBegun);
    }
    let codes = recovery::give(&mut transaction, account).await?;
    transaction.commit().await.map_err(AccessError::from)?;
    Ok(codes)
}

/// Whether this is the code of this moment or a recovery code, neither used before; it is used then.
///
/// # Errors
/// [`AccessError`] if it could not be checked.
pub async fn check(
    pool: &PgPool,
    key: &FactorKey,
    account: AccountId,
    code: &str,
) -> Result<bool, AccessError> {
    let row = sqlx::query_as(include_str!("sql/confirmed.sql")).bind(account.0);
    let row: Option<Row> = row.fetch_optional(pool).await?;
    let Some(row) = row else {
        return Ok(false);
    };
    match step_of(key, account, &row, code)? {
        Some(step) => use_step(pool, account, step).await,
        None => recovery::use_up(pool, account, code).await,
    }
}

/// Since when codes are asked for; `None` if they are not.
///
/// # Errors
/// [`AccessError`] if it could not be read.
pub async fn enrolled_since(
    pool: &PgPool,
    account: AccountId,
) -> Result<Option<DateTime<Utc>>, AccessError> {
    let since = "SELECT confirmed_at FROM access.second_factors WHERE account_id = $1";
    let since = sqlx::query_scalar(since).bind(account.0);
    Ok(since.fetch_optional(pool).await?.flatten())
}

/// Takes the second factor away that was enrolled then, and no later one.
///
/// # Errors
/// [`AccessError`]; it stays then.
pub async fn remove_of(
    pool: &PgPool,
    account: AccountId,
    since: DateTime<Utc>,
) -> Result<(), AccessError> {
    let remove = "DELETE FROM access.second_factors WHERE account_id = $1 AND confirmed_at = $2";
    sqlx::query(remove)
        .bind(account.0)
        .bind(since)
        .execute(pool)
        .await?;
    Ok(())
}

/// Takes the second factor away; `false` if there was none. Who may is the caller's to ask.
///
/// # Errors
/// [`AccessError`]; it stays then.
pub async fn remove(pool: &PgPool, account: AccountId) -> Result<bool, AccessError> {
    let removed = sqlx::query("DELETE FROM access.second_factors WHERE account_id = $1");
    let removed = removed.bind(account.0).execute(pool).await?;
    Ok(removed.rows_affected() == 1)
}

/// How many recovery codes are left.
///
/// # Errors
/// [`AccessError`] if they could not be counted.
pub async fn recovery_codes_left(pool: &PgPool, account: AccountId) -> Result<i64, AccessError> {
    recovery::left(pool, account).await
}

/// The time step that this is the code of, if it is one that was not used.
fn step_of(
    key: &FactorKey,
    account: AccountId,
    row: &Row,
    code: &str,
) -> Result<Option<i64>, AccessError> {
    let secret = key.open(account, &row.secret)?;
    let step = totp::step_of(&secret, code, Utc::now().timestamp());
    Ok(step.filter(|step| *step > row.last_step))
}

/// Only after the last one: of two sign-ins by one code the second is refused.
async fn use_step(pool: &PgPool, account: AccountId, step: i64) -> Result<bool, AccessError> {
    let used = sqlx::query(include_str!("sql/use_step.sql"))
        .bind(account.0)
        .bind(step)
        .execute(pool)
        .await?;
    Ok(used.rows_affected() == 1)
}
