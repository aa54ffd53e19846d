//! `/oidc/start` and `/oidc/callback`.

use axum::Extension;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, COOKIE, LOCATION, RETRY_AFTER, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::get;
use sealrock_access::gate::Entered;
use sealrock_access::links::{self, Subject};
use sealrock_access::sessions::{Because, Client, cookie};
use sealrock_access::throttle::{self, ThrottleError};
use sealrock_access::{AccessError, ClientAddress, Gate, IdentifyError, Principal};
use sealrock_commands::Identities;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::flow::{self, Flow};
use crate::id_token::Proved;
use crate::provider::{Oidc, ProviderError};

/// Where a browser goes to sign in.
pub const START: &str = "/oidc/start";
/// Where the provider sends it back.
pub const CALLBACK: &str = "/oidc/callback";
/// Where somebody who is signed in goes on.
const HOME: &str = "/";
/// After how many seconds there may be a place again.
const FULL: u64 = 10;
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What the routes stand on. Cheap to clone.
#[derive(Clone)]
pub struct OidcState {
    /// The provider.
    pub oidc: Oidc,
    /// Opens sessions.
    pub gate: Gate,
    /// Says who is a member.
    pub identities: Identities,
    /// Where links are.
    pub pool: PgPool,
}

/// Why a browser is not signed in.
#[derive(Debug)]
enum Refused {
    /// A page of another site wants to begin it.
    Foreign,
    /// Too many came from there, or all places are taken: again after so many seconds.
    Wait(u64),
    /// Nothing was begun in this browser, or it took too long, or it was used before.
    NotBegun,
    /// The provider sent it back without a code.
    AtProvider,
    /// What the provider says proves nothing.
    Unproved,
    /// Nobody here is that subject.
    Unknown(String),
    /// The account is no member of its organisation.
    NoMember(String),
    /// Later perhaps.
    Unavailable,
}

/// How a browser comes back.
#[derive(Deserialize)]
struct Back {
    state: Option<String>,
    code: Option<String>,
}

/// The routes.
pub fn router(state: OidcState) -> Router {
    Router::new()
        .route(START, get(start))
        .route(CALLBACK, get(callback))
        .with_state(state)
}

/// Browsers say where a request comes from: nobody is sent to the provider by a page of another site.
async fn start(State(state): State<OidcState>, headers: HeaderMap) -> Result<Response, Refused> {
    let from = text(&headers, &SEC_FETCH_SITE);
    if from.is_some_and(|from| !matches!(from, "same-origin" | "none")) {
        return Err(Refused::Foreign);
    }
    let flow = Flow::begin();
    let url = state.oidc.authorization(&flow).await?;
    let headers = [
        (LOCATION, url.to_string()),
        (SET_COOKIE, flow.keep()),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((StatusCode::SEE_OTHER, AppendHeaders(headers)).into_response())
}

async fn callback(
    State(state): State<OidcState>,
    address: Option<Extension<ClientAddress>>,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Response {
    let client = Client {
        address: address.map(|Extension(address)| address),
        name: text(&headers, &USER_AGENT).map(str::to_owned),
    };
    // Of another sign-in, or sent here by another site: the one that goes on in this browser does.
    let Some(flow) = begun_here(&headers, back.state.as_deref()) else {
        return Refused::NotBegun.into_response();
    };
    let came = state.come_back(&flow, back.code, &client).await;
    if matches!(came, Err(Refused::Wait(_))) {
        return came.into_response();
    }
    let over = AppendHeaders([(SET_COOKIE, flow::forget())]);
    (over, came).into_response()
}

/// What began in this browser, if that is what comes back.
fn begun_here(headers: &HeaderMap, came: Option<&str>) -> Option<Flow> {
    let cookies = headers.get_all(COOKIE).iter();
    let flow = cookies
        .filter_map(|cookies| cookies.to_str().ok())
        .find_map(Flow::read);
    flow.filter(|flow| came == Some(flow.state.as_str()))
}

impl OidcState {
    /// Asks the provider who comes back, unless too many come from there of whom it knows nothing: who
    /// makes up cookies and codes would have it lock us out.
    async fn come_back(
        &self,
        flow: &Flow,
        code: Option<String>,
        client: &Client,
    ) -> Result<Response, Refused> {
        let code = code.ok_or(Refused::AtProvider)?;
        let _place = self.oidc.place().ok_or(Refused::Wait(FULL))?;
        let attempt = throttle::attempt_by_provider(&self.pool, client.address).await?;
        let hash = Sha256::digest(&flow.state).into();
        if !links::use_state(&self.pool, &hash).await? {
            return Err(Refused::NotBegun);
        }
        let proved = self.oidc.exchange(&code, flow).await;
        if !proved.as_ref().is_err_and(ProviderError::may_be_a_guess) {
            attempt.undecided(&self.pool).await?;
        }
        let entered = self.enter(proved?, client).await?;
        let token = entered.refresh_token.as_ref().ok_or(Refused::Unavailable)?;
        let headers = [
            (LOCATION, HOME.to_owned()),
            (SET_COOKIE, cookie::keep(token)),
            (CACHE_CONTROL, "no-store".to_owned()),
        ];
        Ok((StatusCode::SEE_OTHER, AppendHeaders(headers)).into_response())
    }

    /// Opens the session of the account that a subject is.
    async fn enter(&self, proved: Proved, client: &Client) -> Result<Entered, Refused> {
        let known = Subject {
            issuer: self.oidc.settings().issuer.clone(),
            subject: proved.subject,
        };
        let entered = self.gate.enter_linked(&known, proved.at, client).await?;
        let entered = entered.ok_or(Refused::Unknown(known.subject))?;
        match self.identities.entered(entered.principal.clone()).await {
            Ok(_) => Ok(entered),
            Err(IdentifyError::Unavailable) => Err(Refused::Unavailable),
            Err(IdentifyError::Unauthenticated(why)) => {
                if let Principal::User {
                    id,
                    session: Some(session),
                    ..
                } = entered.principal
                {
                    self.gate.end(id, session, Because::Account).await?;
                }
                Err(Refused::NoMember(why))
            }
        }
    }
}

impl From<ProviderError> for Refused {
    fn from(error: ProviderError) -> Self {
        tracing::warn!(%error, "somebody cannot be signed in by the OpenID provider");
        if error.is_about_the_code() {
            Self::Unproved
        } else {
            Self::Unavailable
        }
    }
}

impl From<ThrottleError> for Refused {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::TooMany(told) => Self::Wait(told.retry_after()),
            ThrottleError::Access(error) => error.into(),
        }
    }
}

impl From<AccessError> for Refused {
    fn from(error: AccessError) -> Self {
        tracing::warn!(%error, "somebody cannot be signed in by the OpenID provider");
        Self::Unavailable
    }
}

impl Refused {
    /// What the browser is told; each text says what to do.
    fn told(self) -> (StatusCode, String) {
        match self {
            Self::Foreign => (
                StatusCode::FORBIDDEN,
                format!("a page of another site cannot begin this: go to {START} yourself"),
            ),
            Self::Wait(seconds) => (
                StatusCode::TOO_MANY_REQUESTS,
                format!(
                    "too many sign-ins of your network failed, or all places are taken: load this again in {seconds} s"
                ),
            ),
            Self::NotBegun => (
                StatusCode::BAD_REQUEST,
                format!(
                    "this sign-in was not begun in this browser, took too long or is over: go to {START}"
                ),
            ),
            Self::AtProvider => (
                StatusCode::FORBIDDEN,
                format!("the provider did not sign you in: go to {START} to try again"),
            ),
            Self::Unproved => (
                StatusCode::FORBIDDEN,
                format!(
                    "what the provider says proves nothing: go to {START} to try again; the log has the reason"
                ),
            ),
            Self::Unknown(subject) => (
                StatusCode::FORBIDDEN,
                format!(
                    "nobody is linked to you here: give an administrator your subject at the provider, {subject:?}"
                ),
            ),
            Self::NoMember(why) => (StatusCode::FORBIDDEN, why),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!(
                    "you cannot be signed in just now: go to {START} in a minute; the log has the reason"
                ),
            ),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let wait = if let Self::Wait(seconds) = self {
            Some((RETRY_AFTER, seconds))
        } else {
            None
        };
        let (status, told) = self.told();
        let headers = AppendHeaders([(CACHE_CONTROL, "no-store")]);
        (status, headers, AppendHeaders(wait), told + "\n").into_response()
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
