//! Sessions of the caller.

use async_graphql::{ID, SimpleObject};
use sealrock_access::{SessionId, sessions};

use crate::schema::scalars::Time;

/// A browser or program that the caller signed in with.
#[derive(SimpleObject)]
pub(crate) struct Session {
    /// To end it by `revokeSession`.
    id: ID,
    /// Whether it is the one that asks.
    current: bool,
    /// Whether a browser keeps it.
    renewable: bool,
    /// When the caller signed in there.
    opened_at: Time,
    /// When it last got a token.
    used_at: Time,
    /// When it ends if nobody uses it.
    ends_at: Time,
    /// Where its client was at sign-in, if that was known.
    address: Option<String>,
    /// What its client calls itself.
    client: Option<String>,
}

impl Session {
    pub(crate) fn new(session: sessions::Session, own: Option<SessionId>) -> Self {
        Self {
            id: session.session_id.into(),
            current: own == Some(SessionId(session.session_id)),
            renewable: session.renewable,
            opened_at: session.opened_at.into(),
            used_at: session.used_at.into(),
            ends_at: session.ends_at.into(),
            address: session.address,
            client: session.client,
        }
    }
}

/// The second factor of the caller.
#[derive(SimpleObject)]
pub(crate) struct SecondFactor {
    /// Whether codes are asked for at sign-in.
    pub(crate) enrolled: bool,
    /// How many recovery codes are left.
    pub(crate) recovery_codes_left: u64,
}
