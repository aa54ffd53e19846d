//! Who is on a socket, and until when.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::close::Close;
use crate::caller::Caller;
use crate::endpoint::{Endpoint, token};

/// The bearer of a token, as long as it holds.
#[derive(Debug, Clone)]
pub(super) struct Credential {
    pub(super) caller: Caller,
    pub(super) expires_at: DateTime<Utc>,
    /// The same by the clock that the socket's task sleeps by.
    pub(super) until: Instant,
}

impl Credential {
    /// What a token proves.
    pub(super) fn of<E>(endpoint: &Endpoint<E>, token: &str) -> Result<Self, Close> {
        let refused = |error: &dyn std::fmt::Display| Close::Forbidden(error.to_string());
        let caller = endpoint.identify(token).map_err(|error| refused(&error))?;
        let expires_at = expiry(token).ok_or_else(|| refused(&"the token does not expire"))?;
        let left = (expires_at - Utc::now()).to_std();
        Ok(Self {
            caller,
            expires_at,
            until: Instant::now() + left.unwrap_or(Duration::ZERO),
        })
    }

    /// The same account with a newer token.
    pub(super) fn renewed<E>(&self, endpoint: &Endpoint<E>, token: &str) -> Result<Self, Close> {
        let renewed = Self::of(endpoint, token)?;
        match (&self.caller, &renewed.caller) {
            (Caller::Known(old), Caller::Known(new)) if old.actor() == new.actor() => Ok(renewed),
            _ => Err(Close::Forbidden(
                "the token is another account's: open another socket for it".to_owned(),
            )),
        }
    }
}

/// The bearer token in the payload of `connection_init` or `ping`.
pub(super) fn given(payload: Option<&Map<String, Value>>) -> Option<&str> {
    token(payload?.get("authorization")?.as_str()?)
}

/// When a token that was verified expires.
fn expiry(token: &str) -> Option<DateTime<Utc>> {
    #[derive(Deserialize)]
    struct Claims {
        exp: i64,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let Claims { exp } = serde_json::from_slice(&claims).ok()?;
    DateTime::from_timestamp(exp, 0)
}
