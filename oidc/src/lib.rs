//! Signing in by an identity provider: the way to it and back, and what its ID tokens prove.
//!
//! Sealrock is a relying party by the authorization code flow with PKCE. `/oidc/start` sends a browser
//! to the provider, with a state and a nonce that are in a cookie of the browser too; `/oidc/callback`
//! takes the code that it comes back with, has it exchanged for an ID token, and opens the same session
//! as signing in by a password. Who a subject of the provider is, an administrator has said before: a
//! mail address or a name in the token is not looked at.

mod flow;
mod id_token;
mod provider;
mod published;
mod routes;

pub use id_token::IdTokenError;
pub use provider::{Oidc, OidcSettings, ProviderError};
pub use routes::{CALLBACK, OidcState, START, router};
