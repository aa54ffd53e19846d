//! Who is on a socket, until when, and whether they still may.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sealrock_access::IdentifyError;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::{Instant, Interval, sleep_until};

use super::close::Close;
use super::ticks;
use crate::caller::Caller;
use crate::endpoint::{Endpoint, token};

/// Why a socket is closed whose bearer may do something else than when it began.
const CHANGED: &str = "what you may do has changed: connect again";

/// Why a socket is closed whose client sent no new token.
const EXPIRED: &str =
    "the token has expired; send a new one in the payload of a ping before it does";

/// How often it is asked whether who is on a socket still may. An answer may be half a second old,
/// so what was taken away stops within a second.
const RECHECK: Duration = Duration::from_millis(400);

/// How long a socket goes on while it cannot be told whether who is on it still may.
const UNSURE: Duration = Duration::from_secs(10);

/// Who is on a socket, and how it is watched that they still may.
pub(super) struct Standing {
    pub(super) credential: Credential,
    rechecks: Interval,
    /// Since when it cannot be told whether they still may.
    unsure_since: Option<Instant>,
}

impl Standing {
    pub(super) fn new(credential: Credential) -> Self {
        Self {
            credential,
            rechecks: ticks(RECHECK),
            unsure_since: None,
        }
    }

    /// Returns when it is to be asked again whether they still may. Dropping the future loses nothing.
    pub(super) async fn due(&mut self) -> Result<(), Close> {
        let until = self.credential.until;
        tokio::select! {
            biased;
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {
                Err(Close::Forbidden(EXPIRED.to_owned()))
            }
            _ = self.rechecks.tick() => Ok(()),
        }
    }

    /// Asks whether they still may.
    pub(super) async fn recheck<E>(&mut self, endpoint: &Endpoint<E>) -> Result<(), Close> {
        // It is due until it is answered, also where nobody waits for the answer.
        self.rechecks.reset_immediately();
        let sure = self.credential.recheck(endpoint).await?;
        self.rechecks.reset();
        if sure {
            self.unsure_since = None;
        } else if self.unsure_since.get_or_insert_with(Instant::now).elapsed() > UNSURE {
            return Err(Close::GoingAway);
        }
        Ok(())
    }

    /// Returns when they may not any more.
    pub(super) async fn lost<E>(&mut self, endpoint: &Endpoint<E>) -> Close {
        loop {
            let still = async {
                self.due().await?;
                self.recheck(endpoint).await
            };
            if let Err(close) = still.await {
                return close;
            }
        }
    }
}

/// The bearer of a token or key, as long as it holds.
#[derive(Clone)]
pub(super) struct Credential {
    pub(super) caller: Caller,
    /// Of a token; a key's end is in the ledger, which is asked again and again.
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// The same by the clock that the socket's task sleeps by.
    until: Option<Instant>,
    bearer: String,
}

impl Credential {
    /// What a token or key proves.
    pub(super) async fn of<E>(endpoint: &Endpoint<E>, bearer: &str) -> Result<Self, Close> {
        let identified = endpoint.identify(bearer).await;
        let caller = identified.map_err(|error| Close::Forbidden(error.to_string()))?;
        let expires_at = expiry(bearer);
        let until = expires_at.map(|at| {
            let left = (at - Utc::now()).to_std();
            Instant::now() + left.unwrap_or(Duration::ZERO)
        });
        Ok(Self {
            caller,
            expires_at,
            until,
            bearer: bearer.to_owned(),
        })
    }

    /// The same account with a newer token. What runs on the socket was permitted to who it was then, so
    /// a token does not make good for a right that is gone.
    pub(super) async fn renewed<E>(
        &self,
        endpoint: &Endpoint<E>,
        bearer: &str,
    ) -> Result<Self, Close> {
        let renewed = Self::of(endpoint, bearer).await?;
        match (&self.caller, &renewed.caller) {
            (Caller::Known(old), Caller::Known(new)) if old.may_the_same(new) => Ok(renewed),
            (Caller::Known(old), Caller::Known(new)) if old.actor() == new.actor() => {
                Err(Close::Forbidden(CHANGED.to_owned()))
            }
            _ => Err(Close::Forbidden(
                "the token is another account's: open another socket for it".to_owned(),
            )),
        }
    }

    /// Asks again who this is. What runs on the socket was permitted to who it was then, so whoever may
    /// do something else now connects again. `false` if it cannot be told now.
    async fn recheck<E>(&self, endpoint: &Endpoint<E>) -> Result<bool, Close> {
        match endpoint.identify(&self.bearer).await {
            Ok(caller) if caller == self.caller => Ok(true),
            Ok(_) => Err(Close::Forbidden(CHANGED.to_owned())),
            Err(IdentifyError::Unauthenticated(why)) => Err(Close::Forbidden(why)),
            Err(IdentifyError::Unavailable) => Ok(false),
        }
    }
}

/// The bearer token in the payload of `connection_init` or `ping`.
pub(super) fn given(payload: Option<&Map<String, Value>>) -> Option<&str> {
    token(payload?.get("authorization")?.as_str()?)
}

/// When a token that was verified expires; `None` for a key.
fn expiry(token: &str) -> Option<DateTime<Utc>> {
    #[derive(Deserialize)]
    struct Claims {
        exp: i64,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let Claims { exp } = serde_json::from_slice(&claims).ok()?;
    DateTime::from_timestamp(exp, 0)
}
