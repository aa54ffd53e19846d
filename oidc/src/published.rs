//! What a provider publishes of itself, and how long that is believed.

use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use reqwest::Client;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use url::{Host, Url};

use crate::provider::{ProviderError, read};

/// How long all of it may take to read.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it is believed if it cannot be read again.
const AT_MOST: Duration = Duration::from_hours(24);
/// How long a provider is not asked again that did not answer: who signs in meanwhile does not wait.
const REST: Duration = Duration::from_secs(10);

/// What a provider publishes.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    pub(crate) keys: JwkSet,
    pub(crate) at: Instant,
}

/// Reads it where it is needed; one at a time.
pub(crate) struct Publications {
    issuer: String,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    published: Option<Published>,
    /// When it could not be read, if that was the last time.
    failed: Option<Instant>,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

impl Publications {
    /// Of a provider whose name is its address.
    pub(crate) fn of(issuer: String) -> Result<Self, ProviderError> {
        trusted(&issuer, true)?;
        let known = Mutex::default();
        Ok(Self { issuer, known })
    }

    /// What the provider publishes, read at most so long ago; longer, if it cannot be read now.
    pub(crate) async fn read(
        &self,
        http: &Client,
        age: Duration,
    ) -> Result<Published, ProviderError> {
        let mut known = self.known.lock().await;
        if let Some(published) = known.younger(age) {
            return Ok(published.clone());
        }
        let rests = known.failed.is_some_and(|at| at.elapsed() < REST);
        let error = if rests {
            ProviderError::Silent
        } else {
            let asked = timeout(PATIENCE, self.ask(http)).await;
            match asked.unwrap_or(Err(ProviderError::Silent)) {
                Ok(published) => {
                    known.failed = None;
                    known.published = Some(published.clone());
                    return Ok(published);
                }
                // It answers at once, and somebody may be mending it.
                Err(error @ ProviderError::Wrong(_)) => error,
                Err(error) => {
                    known.failed = Some(Instant::now());
                    error
                }
            }
        };
        let Some(published) = known.younger(AT_MOST) else {
            return Err(error);
        };
        if !rests {
            tracing::warn!(%error, "what the OpenID provider publishes is believed as it was");
        }
        Ok(published.clone())
    }

    async fn ask(&self, http: &Client) -> Result<Published, ProviderError> {
        let (issuer, at) = (&self.issuer, Instant::now());
        let address = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let metadata: Metadata = read(http.get(address)).await.map_err(no_page)?;
        if metadata.issuer != *issuer {
            let told = format!("it calls itself {} and not {issuer}", metadata.issuer);
            return Err(ProviderError::Wrong(told));
        }
        let here = issuer.starts_with("http:");
        let keys = trusted(&metadata.jwks_uri, here)?;
        Ok(Published {
            authorization: trusted(&metadata.authorization_endpoint, here)?,
            token: trusted(&metadata.token_endpoint, here)?,
            keys: read(http.get(keys)).await.map_err(no_page)?,
            at,
        })
    }
}

impl Known {
    fn younger(&self, age: Duration) -> Option<&Published> {
        let published = self.published.as_ref();
        published.filter(|one| one.at.elapsed() < age)
    }
}

fn no_page(error: ProviderError) -> ProviderError {
    match error {
        ProviderError::Refused(status) if status < 500 => {
            ProviderError::Wrong(format!("status {status} for what it is to publish"))
        }
        other => other,
    }
}

/// An address that is reached by TLS, or on this machine where `here`: a provider elsewhere must not have
/// us ask what only this machine can.
fn trusted(address: &str, here: bool) -> Result<Url, ProviderError> {
    let address = Url::parse(address)
        .map_err(|error| ProviderError::Wrong(format!("{address} is no address: {error}")))?;
    let local = match address.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if address.scheme() == "https" || (here && local && address.scheme() == "http") {
        return Ok(address);
    }
    let told = format!("{address} is not https: nobody could tell who answers there");
    Err(ProviderError::Wrong(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_elsewhere_sends_nobody_to_this_machine() {
        for address in [
            "http://127.0.0.1:8500/keys",
            "http://[::1]/keys",
            "http://localhost/keys",
        ] {
            assert!(trusted(address, true).is_ok(), "{address}");
            assert!(trusted(address, false).is_err(), "{address}");
        }
        for here in [true, false] {
            assert!(trusted("https://id.example/keys", here).is_ok());
            for address in ["http://id.example/keys", "file:///etc/passwd", "keys"] {
                assert!(trusted(address, here).is_err(), "{address}");
            }
        }
    }
}
