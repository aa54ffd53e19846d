//! Registrations: somebody makes an account by themselves, which may do nothing before an
//! administrator of its organisation gives it a role.
//!
//! Whether an organisation takes registrations is for the caller to ask. Who registers is not told
//! whether the name was free, because a stranger could ask for every name: who cannot sign in
//! afterwards chooses another one. Who does is told a code, whether the name was free or not; the account
//! has the code of who made it, so that an administrator who asks the person for theirs gives no role to
//! a stranger who was first to take their name.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use sealrock_domain::Slug;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::throttle::{self, ThrottleError, TooManyAttempts};
use crate::{
    AccessError, AccountId, ClientAddress, Password, PasswordRefused, Username, password, sessions,
};

/// How many accounts of an organisation may wait at a time.
pub const MOST_WAITING: i64 = 200;

/// How long nobody declines or forgets an account that somebody is about to give a role, in seconds.
const HELD: f64 = 120.0;
/// Digits and capitals that are not taken for one another when they are read out.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

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
    /// What who made it was told. Whoever says another one did not.
    pub code: Option<String>,
    /// Since when it waits.
    pub since: DateTime<Utc>,
    /// Whether somebody is about to give it a role: it is not declined then.
    pub held: bool,
}

#[derive(FromRow)]
struct Row {
    account_id: Uuid,
    username: String,
    mail: Option<String>,
    registration_code: Option<String>,
    waiting_since: DateTime<Utc>,
    held: bool,
}

/// Makes an account that waits, if the name is free; it costs the same work if not. Answers the code for
/// the administrator, which is the account's if it was made now.
///
/// # Errors
/// [`RegisterError`].
pub async fn register(
    pool: &PgPool,
    registration: Registration,
    address: Option<ClientAddress>,
) -> Result<String, RegisterError> {
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
    if waiting_of(pool, &organisation).await? >= MOST_WAITING {
        return Err(RegisterError::Full);
    }
    let code = random_code();
    sqlx::query(include_str!("sql/register.sql"))
        .bind(Uuid::new_v4())
        .bind(username.as_str())
        .bind(hash)
        .bind(organisation.as_str())
        .bind(mail.as_str())
        .bind(&code)
        .execute(pool)
        .await
        .map_err(AccessError::from)?;
    Ok(code)
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

/// Lets nobody decline or forget an account that waits, for as long as it takes to write an entry that
/// gives it a role. Whatever becomes of that, it waits until [`crate::standing::recorded`].
///
/// # Errors
/// [`AccessError`]; it may be declined then.
pub async fn hold(
    pool: &PgPool,
    organisation: &Slug,
    account: AccountId,
) -> Result<(), AccessError> {
    sqlx::query(include_str!("sql/hold.sql"))
        .bind(account.0)
        .bind(organisation.as_str())
        .bind(HELD)
        .execute(pool)
        .await?;
    Ok(())
}

/// Erases an account of this organisation that waits and that nobody holds, and ends its sessions;
/// `false` if there is none. That no entry names it is for the caller to see.
///
/// # Errors
/// [`AccessError`]; it waits still.
pub async fn decline(
    pool: &PgPool,
    organisation: &Slug,
    account: AccountId,
) -> Result<bool, AccessError> {
    let mut transaction = pool.begin().await?;
    let declined = sqlx::query(include_str!("sql/decline.sql"))
        .bind(account.0)
        .bind(organisation.as_str())
        .execute(&mut *transaction)
        .await?;
    if declined.rows_affected() == 0 {
        return Ok(false);
    }
    sessions::end_of_nobody(&mut transaction, account).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Some that nobody has looked at for a month, with their organisations. They are not to be kept: each
/// holds a name, and somebody's address.
///
/// # Errors
/// [`AccessError`] if they cannot be read.
pub async fn old(pool: &PgPool) -> Result<Vec<(AccountId, Slug)>, AccessError> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(include_str!("sql/old.sql"))
        .fetch_all(pool)
        .await?;
    let read = |(id, organisation): (Uuid, String)| {
        let corrupt = |_| AccessError::Corrupt(format!("account {id}: bad organisation"));
        Ok((AccountId(id), organisation.parse().map_err(corrupt)?))
    };
    rows.into_iter().map(read).collect()
}

/// Such as `7KQF-2M9X`: 40 bits, to be read out.
fn random_code() -> String {
    let letters = rand::random::<[u8; 8]>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    let (first, last) = letters.split_at(4);
    format!("{}-{}", String::from_iter(first), String::from_iter(last))
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
            code: row.registration_code,
            since: row.waiting_since,
            held: row.held,
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
