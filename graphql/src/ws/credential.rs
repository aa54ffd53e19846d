//! Who is on a socket, and until when.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sealrock_access::IdentifyError;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::close::Close;
use crate::caller::Caller;
use crate::endpoint::{Endpoint, token};

/// Why a socket is closed whose bearer may do something else than when it began.
const CHANGED: &str = "what you may do has changed: connect again";

/// The bearer of a token or key, as long as it holds.
#[derive(Clone)]
pub(super) struct Credential {
    pub(super) caller: Caller,
    /// Of a token; a key's end is in the ledger, which is asked again and again.
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// The same by the clock that the socket's task sleeps by.
    pub(super) until: Option<Instant>,
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

    /// The same account with a newer token.
    pub(super) async fn renewed<E>(
        &self,
        endpoint: &Endpoint<E>,
        bearer: &str,
    ) -> Result<Self, Close> {
        let renewed = Self::of(endpoint, bearer).await?;
        match (&self.caller, &renewed.caller) {
            (Caller::Known(old), Caller::Known(new)) if old.actor() == new.actor() => Ok(renewed),
            _ => Err(Close::Forbidden(
                "the token is another account's: open another socket for it".to_owned(),
            )),
        }
    }

    /// Asks again who this is. What runs on the socket was permitted to who it was then, so whoever may
    /// do something else now connects again. `false` if it cannot be told now.
    pub(super) async fn recheck<E>(&self, endpoint: &Endpoint<E>) -> Result<bool, Close> {
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
