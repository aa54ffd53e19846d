//! The provider: what it publishes, where browsers are sent, what a code is exchanged for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use crate::flow::Flow;
use crate::id_token::{self, IdTokenError, Proved};
use crate::published::Publications;

/// How long an answer of the provider may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const MOST_BYTES: usize = 1 << 20;
/// How long what it publishes is believed.
const KEPT: Duration = Duration::from_hours(1);
/// How soon its keys are read again for a token of another one.
const AGAIN: Duration = Duration::from_mins(1);
/// How many codes are exchanged at a time; a network that has only wrong ones is stopped at fewer.
const PLACES: usize = 64;
/// Who proved it longer ago is to prove it again there, in seconds: as long as a step-up holds.
const FRESH: &str = "900";

/// A provider, and what it knows of us.
#[derive(Clone)]
pub struct OidcSettings {
    /// The provider, exactly as it calls itself in its tokens.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: String,
    /// Where it sends browsers back: our `/oidc/callback`, as browsers reach it.
    pub redirect_url: Url,
}

/// Why a provider did not say who somebody is. For the log: a browser is told less.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It cannot be asked now.
    #[error("the provider cannot be asked: {0}")]
    Away(#[from] reqwest::Error),
    /// It does not answer, or did not a moment ago.
    #[error("the provider does not answer")]
    Silent,
    /// It answers what no provider does.
    #[error("the provider answers wrongly: {0}")]
    Wrong(String),
    /// It does not exchange the code.
    #[error("the provider does not take the code (status {0})")]
    Refused(u16),
    /// What it exchanged the code for proves nothing.
    #[error("the ID token proves nothing: {0}")]
    Token(#[from] IdTokenError),
}

impl ProviderError {
    /// Whether it says something of who brought the code, and nothing of the provider or of us.
    pub(crate) fn is_about_the_code(&self) -> bool {
        // 401 is for a wrong name or secret of ours.
        matches!(self, Self::Refused(400 | 402..=499) | Self::Token(_))
    }

    /// Whether the code may have been made up, or be another's (RFC 6749, 5.2): other refusals may be about
    /// how often we ask, and most of what can be wrong with a token is the provider's doing, or a clock's.
    pub(crate) fn may_be_a_guess(&self) -> bool {
        matches!(
            self,
            Self::Refused(400) | Self::Token(IdTokenError::Nonce | IdTokenError::Signature)
        )
    }
}

/// A relying party of one provider. Cheap to clone.
#[derive(Clone)]
pub struct Oidc(Arc<Inner>);

struct Inner {
    settings: OidcSettings,
    http: Client,
    published: Publications,
    /// For codes that are being exchanged.
    places: Semaphore,
}

#[derive(Deserialize)]
struct Exchanged {
    id_token: String,
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oidc({})", self.0.settings.issuer)
    }
}

impl Oidc {
    /// Asks nothing yet: the provider may be away when a server starts.
    ///
    /// # Errors
    /// [`ProviderError`] if the issuer is no address that could be trusted.
    pub fn new(settings: OidcSettings) -> Result<Self, ProviderError> {
        let published = Publications::of(settings.issuer.clone())?;
        // A provider that sends us elsewhere could have us ask anybody anything.
        let http = Client::builder().redirect(Policy::none()).timeout(PATIENCE);
        Ok(Self(Arc::new(Inner {
            settings,
            http: http.build()?,
            published,
            places: Semaphore::new(PLACES),
        })))
    }

    pub(crate) fn settings(&self) -> &OidcSettings {
        &self.0.settings
    }

    /// Where a browser is sent to.
    pub(crate) async fn authorization(&self, flow: &Flow) -> Result<Url, ProviderError> {
        let OidcSettings {
            client_id,
            redirect_url,
            ..
        } = self.settings();
        let published = self.0.published.read(&self.0.http, KEPT).await?;
        let mut url = published.authorization;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", redirect_url.as_str())
            .append_pair("scope", "openid")
            .append_pair("max_age", FRESH)
            .append_pair("state", &flow.state)
            .append_pair("nonce", &flow.nonce)
            .append_pair("code_challenge", &flow.challenge())
            .append_pair("code_challenge_method", "S256");
        Ok(url)
    }

    /// A place to exchange a code at, while there is one.
    pub(crate) fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.0.places.try_acquire().ok()
    }

    /// What the provider says of whom a code was given for.
    pub(crate) async fn exchange(&self, code: &str, flow: &Flow) -> Result<Proved, ProviderError> {
        let OidcSettings {
            issuer,
            client_id,
            client_secret,
            redirect_url,
            ..
        } = self.settings();
        let published = self.0.published.read(&self.0.http, KEPT).await?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_url.as_str()),
            ("code_verifier", &flow.verifier),
        ];
        // Both are form-encoded before they are put together (RFC 6749, 2.3.1).
        let request = self.0.http.post(published.token.clone());
        let request = request.basic_auth(encoded(client_id), Some(encoded(client_secret)));
        let Exchanged { id_token } = read(request.form(&form)).await?;
        let party = (issuer.as_str(), client_id.as_str());
        match id_token::check(&id_token, &published.keys, party, &flow.nonce) {
            // It may have changed its keys since.
            Err(IdTokenError::UnknownKey | IdTokenError::Signature)
                if published.at.elapsed() > AGAIN =>
            {
                let again = self.0.published.read(&self.0.http, AGAIN).await?;
                Ok(id_token::check(&id_token, &again.keys, party, &flow.nonce)?)
            }
            proved => Ok(proved?),
        }
    }
}

/// What is answered, as far as it is what was asked for.
pub(crate) async fn read<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ProviderError> {
    let mut answer = request.header("accept", "application/json").send().await?;
    if !answer.status().is_success() {
        return Err(ProviderError::Refused(answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_BYTES {
            return Err(ProviderError::Wrong("an endless answer".to_owned()));
        }
    }
    serde_json::from_slice(&body).map_err(|error| ProviderError::Wrong(error.to_string()))
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
