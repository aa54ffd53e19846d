//! Sessions: what a sign-in opens, and what ends it before its time.
//!
//! Every sign-in is a row. An access token names its session, and proves nothing any more once the
//! session is revoked. A browser's session is renewed by a refresh token: each renewal
//! gives the next one, and ends what the one before is good for when it is used.

pub mod cookie;
mod refresh;
mod revoked;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::{AccessError, AccountId, ClientAddress, tokens};

pub use refresh::{
    COOKIE, IDLE, LONGEST, RefreshError, RefreshToken, Renewed, refresh, session_of,
};
pub use revoked::{POLL, RevokedSessions};

/// The longest description of a client that is kept.
const CLIENT_CHARS: usize = 200;

/// A session; random, and no secret: it opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub Uuid);

/// Whose client a session is with, as far as it says so: for its owner to recognise it.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Where it is.
    pub address: Option<ClientAddress>,
    /// What it calls itself.
    pub name: Option<String>,
}

/// Why a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// Its owner signed out there.
    SignOut,
    /// Its owner ended it from elsewhere.
    Revoked,
    /// The password was changed or reset.
    Password,
    /// A refresh token was used twice: one of the two users had no right to it.
    Reuse,
    /// The account was erased, or an administrator ended its sessions.
    Account,
}

impl Because {
    fn name(self) -> &'static str {
        match self {
            Self::SignOut => "sign-out",
            Self::Revoked => "revoked",
            Self::Password => "password",
            Self::Reuse => "reuse",
            Self::Account => "account",
        }
    }
}

/// A session that was opened.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub id: SessionId,
    /// When its owner proved who they are.
    pub stepped_up: DateTime<Utc>,
    /// What renews it, where it can be renewed.
    pub refresh_token: Option<RefreshToken>,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Session {
    /// Which one.
    pub session_id: Uuid,
    /// Whether a browser keeps it.
    pub renewable: bool,
    /// When its owner signed in.
    pub opened_at: DateTime<Utc>,
    /// When it was used last to get an access token.
    pub used_at: DateTime<Utc>,
    /// When it ends if nothing is done.
    pub ends_at: DateTime<Utc>,
    /// Where its client was, if that was known.
    pub address: Option<String>,
    /// What its client calls itself.
    pub client: Option<String>,
}

/// Opens a session for somebody who has just proved who they are. One that is `renewable` lives as
/// long as it is renewed, others as long as one access token. To be called in a transaction that holds
/// the account: who ends all sessions of it waits then, and ends this one too.
///
/// # Errors
/// [`AccessError`]; no session is open then.
pub async fn open(
    connection: &mut PgConnection,
    account: AccountId,
    client: &Client,
    renewable: bool,
) -> Result<Opened, AccessError> {
    let id = SessionId(Uuid::new_v4());
    let (idle, longest) = if renewable {
        (IDLE, LONGEST)
    } else {
        (tokens::LIFETIME, tokens::LIFETIME)
    };
    let name = client.name.as_ref();
    sqlx::query(include_str!("sql/forget_old.sql"))
        .bind(account.0)
        .execute(&mut *connection)
        .await?;
    let stepped_up = sqlx::query_scalar(include_str!("sql/open.sql"))
        .bind(id.0)
        .bind(account.0)
        .bind(renewable)
        .bind(seconds(idle))
        .bind(seconds(longest))
        .bind(client.address.map(|address| address.to_string()))
        .bind(name.map(|name| name.chars().take(CLIENT_CHARS).collect::<String>()))
        .fetch_one(&mut *connection)
        .await?;
    let refresh_token = if renewable {
        Some(refresh::issue(connection, id).await?)
    } else {
        None
    };
    Ok(Opened {
        id,
        stepped_up,
        refresh_token,
    })
}

/// The sessions of an account that are open, the newest first.
///
/// # Errors
/// [`AccessError`] if they cannot be read.
pub async fn list(pool: &PgPool, account: AccountId) -> Result<Vec<Session>, AccessError> {
    let listed = sqlx::query_as(include_str!("sql/list.sql"));
    Ok(listed.bind(account.0).fetch_all(pool).await?)
}

/// Ends a session of this account; `false` if it has no such open session.
///
/// # Errors
/// [`AccessError`]; the session goes on then.
pub async fn revoke(
    pool: &PgPool,
    account: AccountId,
    session: SessionId,
    because: Because,
) -> Result<bool, AccessError> {
    let revoked = sqlx::query(include_str!("sql/revoke.sql"))
        .bind(account.0)
        .bind(session.0)
        .bind(because.name())
        .execute(pool)
        .await?;
    Ok(revoked.rows_affected() == 1)
}

/// Ends all sessions of an account but one; answers how many. A session that somebody is about to open
/// is ended too if this stands in the transaction that changes the account's row, behind the change.
///
/// # Errors
/// [`AccessError`]; all go on then.
pub async fn revoke_all(
    by: impl PgExecutor<'_>,
    account: AccountId,
    except: Option<SessionId>,
    because: Because,
) -> Result<u64, AccessError> {
    let revoked = sqlx::query(include_str!("sql/revoke_all.sql"))
        .bind(account.0)
        .bind(except.map(|session| session.0))
        .bind(because.name())
        .execute(by)
        .await?;
    Ok(revoked.rows_affected())
}

/// Ends the sessions of an account that is being erased, behind that in its transaction. Their rows,
/// without where they were, outlive their last tokens.
pub(crate) async fn end_of_nobody(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<(), AccessError> {
    revoke_all(&mut *connection, account, None, Because::Account).await?;
    sqlx::query("UPDATE access.sessions SET address = NULL, client = NULL WHERE account_id = $1")
        .bind(account.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes that the owner of a session has proved again who they are; `None` if it is not open.
///
/// # Errors
/// [`AccessError`]; nothing is noted then.
pub async fn step_up(
    pool: &PgPool,
    session: SessionId,
) -> Result<Option<DateTime<Utc>>, AccessError> {
    let noted = sqlx::query_scalar(include_str!("sql/step_up.sql"));
    let noted = noted.bind(session.0).bind(seconds(tokens::LIFETIME));
    Ok(noted.fetch_optional(pool).await?)
}

/// Lets a session go on for as long as a token that is issued now; `false` if it is not open.
///
/// # Errors
/// [`AccessError`]; it does not then.
pub(crate) async fn go_on(
    connection: &mut PgConnection,
    session: SessionId,
) -> Result<bool, AccessError> {
    let gone_on = sqlx::query(include_str!("sql/go_on.sql"))
        .bind(session.0)
        .bind(seconds(tokens::LIFETIME))
        .execute(connection)
        .await?;
    Ok(gone_on.rows_affected() == 1)
}

/// Notes that its owner proved who they are before it was opened, or not all that could be asked for:
/// long ago then.
pub(crate) async fn proved_at(
    connection: &mut PgConnection,
    session: SessionId,
    at: DateTime<Utc>,
) -> Result<DateTime<Utc>, AccessError> {
    let noted = sqlx::query_scalar(include_str!("sql/proved_at.sql"));
    Ok(noted.bind(session.0).bind(at).fetch_one(connection).await?)
}

#[expect(clippy::cast_precision_loss, reason = "some days in seconds")]
fn seconds(span: Duration) -> f64 {
    span.as_secs() as f64
}
