//! Registrations: somebody makes an account by themselves, which may do nothing before an
//! administrator of its organisation gives it a role.
//!
//! Whether an organisation takes registrations is for the caller to ask. Who registers is not told
//! whether the name was free, because a stranger could ask for every name: who cannot sign in
//! afterwards chooses another one.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use sealrock_domain::Slug;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::throttle::{self, ThrottleError, TooManyAttempts};
use crate::{AccessError, AccountId, ClientAddress, Password, PasswordRefused, Username, password};

/// How many accounts of an organisation may wait at a time.
pub const MOST_WAITING: i64 = 200;

/// A mail address, as far as one can tell by looking at it. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail(String);

/// A text that is no mail address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is no mail address: write it as name@host, such as ada@example.org")]
pub struct MailError;

impl Mail {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Mail {
    type Err = MailError;

    fn from_str(text: &str) -> Result<Self, MailError> {
        let text = text.trim();
        let printable = |text: &str| !text.chars().any(|c| c.is_whitespace() || c.is_control());
        let good = text.len() <= 254 && printable(text);
        let parts = text.rsplit_once('@').filter(|_| good);
        match parts {
            Some((name, host)) if !name.is_empty() && !host.is_empty() => Ok(Self(text.to_owned())),
            _ => Err(MailError),
        }
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mail(masked)")
    }
}

/// Who wants to become a member.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Of which organisation.
    pub organisation: Slug,
    /// The name to sign in with.
    pub username: Username,
    /// Where administrators reach them.
    pub mail: Mail,
    /// A password of their own.
    pub password: Password,
}

/// Why somebody is not registered. It tells nothing about which names there are.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The password will not do.
    #[error(transparent)]
    Refused(#[from] PasswordRefused),
    /// Too many came from there.
    #[error("too many registrations from your network: try again in {} s", .0.retry_after())]
    TooMany(TooManyAttempts),
    /// Too many wait already.
    #[error(
        "too many accounts wait for an administrator of this organisation: ask one to look at them, \
         then register again"
    )]
    Full,
    /// It could not be done; try again later.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl From<ThrottleError> for RegisterError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::TooMany(told) => Self::TooMany(told),
            ThrottleError::Access(error) => Self::Access(error),
        }
    }
}

/// An account that waits for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The account.
    pub id: AccountId,
    /// The name that it signs in with.
    pub username: Username,
    /// Where its owner is reached, as they say.
    pub mail: Option<Mail>,
    /// Since when it waits.
    pub since: DateTime<Utc>,
}

#[derive(FromRow)]
struct Row {
    account_id: Uuid,
    username: String,
    mail: Option<String>,
    waiting_since: DateTime<Utc>,
}

/// Makes an account that waits, if the name is free; it costs the same work if not.
///
/// # Errors
/// [`RegisterError`].
pub async fn register(
    pool: &PgPool,
    registration: Registration,
    address: Option<ClientAddress>,
) -> Result<(), RegisterError> {
    throttle::registration(pool, address).await?;
    let Registration {
        organisation,
        username,
        mail,
        password,
    } = registration;
    let known = [organisation.as_str(), username.as_str(), mail.as_str()];
    let known = known.map(str::to_owned).to_vec();
    let hash = password::hash_chosen(password, known).await??;
    forget_old(pool).await?;
    if waiting_of(pool, &organisation).await? >= MOST_WAITING {
        return Err(RegisterError::Full);
    }
    sqlx::query(include_str!("sql/register.sql"))
        .bind(Uuid::new_v4())
        .bind(username.as_str())
        .bind(hash)
        .bind(organisation.as_str())
        .bind(mail.as_str())
        .execute(pool)
        .await
        .map_err(AccessError::from)?;
    Ok(())
}

/// The accounts of an organisation that wait, the oldest first.
///
/// # Errors
/// [`AccessError`] if they cannot be read.
pub async fn list(pool: &PgPool, organisation: &Slug) -> Result<Vec<Waiting>, AccessError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("sql/list.sql"))
        .bind(organisation.as_str())
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(Waiting::try_from).collect()
}

/// Erases an account of this organisation that waits; `false` if there is none.
///
/// # Errors
/// [`AccessError`]; it waits still.
pub async fn decline(
    pool: &PgPool,
    organisation: &Slug,
    account: AccountId,
) -> Result<bool, AccessError> {
    let declined = sqlx::query(include_str!("sql/decline.sql"))
        .bind(account.0)
        .bind(organisation.as_str())
        .execute(pool)
        .await?;
    Ok(declined.rows_affected() == 1)
}

/// Lets an account of this organisation wait no longer; answers since when it did. It opens nothing
/// before an entry names it.
///
/// # Errors
/// [`AccessError`]; it waits still.
pub async fn take(
    pool: &PgPool,
    organisation: &Slug,
    account: AccountId,
) -> Result<Option<DateTime<Utc>>, AccessError> {
    let taken = sqlx::query_scalar(include_str!("sql/take.sql"))
        .bind(account.0)
        .bind(organisation.as_str());
    Ok(taken.fetch_optional(pool).await?)
}

/// Lets it wait again: it got no role.
///
/// # Errors
/// [`AccessError`]; it does not then.
pub async fn wait_again(
    pool: &PgPool,
    account: AccountId,
    since: DateTime<Utc>,
) -> Result<(), AccessError> {
    let wait = "UPDATE access.accounts SET waiting_since = $2 WHERE account_id = $1";
    sqlx::query(wait)
        .bind(account.0)
        .bind(since)
        .execute(pool)
        .await?;
    Ok(())
}

/// What nobody has looked at for a month is not kept: it holds a name, and somebody's address.
async fn forget_old(pool: &PgPool) -> Result<(), AccessError> {
    let old = "DELETE FROM access.accounts WHERE waiting_since < now() - interval '30 days'";
    sqlx::query(old).execute(pool).await?;
    Ok(())
}

async fn waiting_of(pool: &PgPool, organisation: &Slug) -> Result<i64, AccessError> {
    let count = sqlx::query_scalar(include_str!("sql/count.sql"));
    Ok(count.bind(organisation.as_str()).fetch_one(pool).await?)
}

impl TryFrom<Row> for Waiting {
    type Error = AccessError;

    fn try_from(row: Row) -> Result<Self, AccessError> {
        let id = row.account_id;
        let corrupt = |what: &str| AccessError::Corrupt(format!("account {id}: {what}"));
        let mail = row.mail.as_deref().map(str::parse).transpose();
        Ok(Self {
            id: AccountId(id),
            username: row.username.parse().map_err(|_| corrupt("bad user name"))?,
            mail: mail.map_err(|_| corrupt("bad mail address"))?,
            since: row.waiting_since,
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_mail_address_has_a_name_and_a_host_and_debug_shows_neither() {
        let mail: Mail = " ada@example.org ".parse().unwrap();
        assert_eq!(mail.as_str(), "ada@example.org");
        assert_eq!(format!("{mail:?}"), "Mail(masked)");
        let long = format!("{}@example.org", "x".repeat(250));
        for bad in [
            "",
            "ada",
            "@",
            "ada@",
            "@example.org",
            "a da@b",
            "a\n@b",
            &long,
        ] {
            assert_eq!(bad.parse::<Mail>(), Err(MailError), "{bad:?}");
        }
    }
}
