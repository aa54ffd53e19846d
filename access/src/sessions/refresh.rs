//! Renewing a browser's session.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use rand::RngCore;
use sha2::{Digest, Sha256};
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use super::{Because, SessionId, seconds};
use crate::{AccessError, AccountId};

/// How long a session lives that is not renewed: a weekend and a day off.
pub const IDLE: Duration = Duration::from_hours(96);
/// The cookie that renews a session. Its prefix makes browsers take it from this host alone, over
/// TLS (or on `localhost`), for all paths.
pub const COOKIE: &str = "__Host-sealrock-refresh";
/// How long it lives at all.
pub const LONGEST: Duration = Duration::from_hours(24 * 30);
/// For how long after its use a refresh token gives no other one: two tabs of one browser may send the
/// same, and whichever answer comes last must not take the next one from the other tab.
const GRACE: Duration = Duration::from_secs(10);

/// What renews a session. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

/// A session goes on.
#[derive(Debug)]
pub struct Renewed {
    /// Which one.
    pub session: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// When its owner last proved who they are.
    pub stepped_up: DateTime<Utc>,
    /// What renews it next; `None` where another tab of the browser has got it a moment ago.
    pub next: Option<RefreshToken>,
}

/// Why a session does not go on. Sign in again.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// It has ended, or the token is none of ours.
    #[error("the session has ended: sign in again")]
    Ended,
    /// The token was used before, and so was the next one. The session is revoked: one of its two
    /// users had no right to it.
    #[error(
        "the session was renewed from another place with the same refresh token, and is ended for \
         safety: sign in again, and look at your sessions"
    )]
    Reused {
        /// Whose session it was.
        account: AccountId,
        /// Which one.
        session: SessionId,
    },
    /// It could not be checked; try again later.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl RefreshToken {
    /// Of a line of cookies, as a browser sends it.
    #[must_use]
    pub fn in_cookies(line: &str) -> Option<Self> {
        let mut pairs = line
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='));
        pairs.find_map(|(name, value)| {
            (name == COOKIE && !value.is_empty()).then(|| Self::new(value))
        })
    }

    /// What a client sent.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn random() -> Self {
        let mut bytes = [0; 32];
        rand::rngs::OsRng.fill_bytes(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The text, for the cookie.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// As it is kept: of 32 random bytes a plain hash is enough.
    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(masked)")
    }
}

#[derive(FromRow)]
struct Found {
    session_id: Uuid,
    account_id: Uuid,
    stepped_up_at: DateTime<Utc>,
    used: bool,
    /// Whether no other token of the session was used after it: the next one may never have arrived.
    used_last: bool,
    just_used: bool,
}

/// Renews the session of this token. A token that was used before is taken again until the next one
/// is used, because the answer that had the next one may have been lost: another one is given in its
/// place. A token that was used before one that was used, or that was replaced, ends the session.
///
/// # Errors
/// [`RefreshError`].
pub async fn refresh(pool: &PgPool, token: &RefreshToken) -> Result<Renewed, RefreshError> {
    let mut transaction = pool.begin().await.map_err(AccessError::from)?;
    let found = find(&mut transaction, token).await?;
    let found = found.ok_or(RefreshError::Ended)?;
    let (session, account) = (SessionId(found.session_id), AccountId(found.account_id));
    if found.used && !found.used_last {
        end(&mut transaction, session).await?;
        transaction.commit().await.map_err(AccessError::from)?;
        return Err(RefreshError::Reused { account, session });
    }
    let next = if found.just_used {
        None
    } else {
        if found.used {
            replace(&mut transaction, session, token).await?;
        }
        Some(rotate(&mut transaction, session, token).await?)
    };
    transaction.commit().await.map_err(AccessError::from)?;
    Ok(Renewed {
        session,
        account,
        stepped_up: found.stepped_up_at,
        next,
    })
}

/// The open session of a token and its account, to sign out there; uses nothing up.
///
/// # Errors
/// [`AccessError`] if it could not be read.
pub async fn session_of(
    pool: &PgPool,
    token: &RefreshToken,
) -> Result<Option<(AccountId, SessionId)>, AccessError> {
    let mut connection = pool.acquire().await?;
    let found = find(&mut connection, token).await?;
    Ok(found.map(|found| (AccountId(found.account_id), SessionId(found.session_id))))
}

/// The next token of a session.
pub(super) async fn issue(
    connection: &mut PgConnection,
    session: SessionId,
) -> Result<RefreshToken, AccessError> {
    let token = RefreshToken::random();
    sqlx::query("INSERT INTO access.refresh_tokens (token_sha256, session_id) VALUES ($1, $2)")
        .bind(token.hash())
        .bind(session.0)
        .execute(connection)
        .await?;
    Ok(token)
}

/// The token, if its session is open. Locks the session, so that of two renewals by one token the second sees that it is used.
async fn find(
    connection: &mut PgConnection,
    token: &RefreshToken,
) -> Result<Option<Found>, AccessError> {
    let session = sqlx::query_scalar::<_, Uuid>(include_str!("sql/lock_session.sql"))
        .bind(token.hash())
        .fetch_optional(&mut *connection)
        .await?;
    if session.is_none() {
        return Ok(None);
    }
    let found = sqlx::query_as(include_str!("sql/find_token.sql"))
        .bind(token.hash())
        .bind(seconds(GRACE));
    Ok(found.fetch_optional(connection).await?)
}

/// The token that was given for this one and has not been used counts as used before it from now on.
async fn replace(
    connection: &mut PgConnection,
    session: SessionId,
    token: &RefreshToken,
) -> Result<(), AccessError> {
    sqlx::query(include_str!("sql/replace.sql"))
        .bind(session.0)
        .bind(token.hash())
        .execute(connection)
        .await?;
    Ok(())
}

async fn rotate(
    connection: &mut PgConnection,
    session: SessionId,
    token: &RefreshToken,
) -> Result<RefreshToken, AccessError> {
    // Not `now()`, which is from before this one waited for the session.
    let used =
        "UPDATE access.refresh_tokens SET used_at = clock_timestamp() WHERE token_sha256 = $1";
    sqlx::query(used)
        .bind(token.hash())
        .execute(&mut *connection)
        .await?;
    sqlx::query(include_str!("sql/renew.sql"))
        .bind(session.0)
        .bind(seconds(IDLE))
        .execute(&mut *connection)
        .await?;
    issue(connection, session).await
}

async fn end(connection: &mut PgConnection, session: SessionId) -> Result<(), AccessError> {
    sqlx::query(include_str!("sql/end.sql"))
        .bind(session.0)
        .bind(Because::Reuse.name())
        .execute(connection)
        .await?;
    Ok(())
}
