//! Who the bearer of a text is.

use std::pin::Pin;

use crate::{Principal, Tokens};

/// Why a bearer is nobody. The message is for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifyError {
    /// The text proves nothing, or not any more.
    #[error("{0}")]
    Unauthenticated(String),
    /// It could not be checked; try again later.
    #[error("who you are cannot be checked just now; try again in a few seconds")]
    Unavailable,
}

/// An answer that is on its way.
pub type Identified<'a> =
    Pin<Box<dyn Future<Output = Result<Principal, IdentifyError>> + Send + 'a>>;

/// Tells who the bearer of a token or key is, with what they may do now.
pub trait Identify: Send + Sync {
    /// Who sent `Authorization: Bearer <text>`. Asking again later tells whether it still holds.
    fn identify<'a>(&'a self, bearer: &'a str) -> Identified<'a>;
}

/// As the tokens say, whatever has changed since they were issued.
impl Identify for Tokens {
    fn identify<'a>(&'a self, bearer: &'a str) -> Identified<'a> {
        let verified = self.verify(bearer);
        let refused = |error: crate::TokenError| IdentifyError::Unauthenticated(error.to_string());
        Box::pin(std::future::ready(verified.map_err(refused)))
    }
}
