//! `/oidc/start` and `/oidc/callback`.

use axum::Extension;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, COOKIE, LOCATION, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::get;
use sealrock_access::gate::Entered;
use sealrock_access::links::{self, Subject};
use sealrock_access::sessions::{Because, Client, cookie};
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

/// Why a browser is not signed in; each text says what to do.
#[derive(Debug)]
enum Refused {
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

async fn start(State(state): State<OidcState>) -> Result<Response, Refused> {
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
) -> Result<Response, Refused> {
    let client = Client {
        address: address.map(|Extension(address)| address),
        name: text(&headers, &USER_AGENT).map(str::to_owned),
    };
    let flow = begun_here(&state, &headers, back.state.as_deref()).await?;
    let code = back.code.ok_or(Refused::AtProvider)?;
    let proved = state.oidc.exchange(&code, &flow).await?;
    let entered = state.enter(proved, &client).await?;
    let token = entered.refresh_token.as_ref().ok_or(Refused::Unavailable)?;
    let headers = [
        (LOCATION, HOME.to_owned()),
        (SET_COOKIE, cookie::keep(token)),
        (SET_COOKIE, flow::forget()),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((StatusCode::SEE_OTHER, AppendHeaders(headers)).into_response())
}

/// What began in this browser, if it comes back for the first time.
async fn begun_here(
    state: &OidcState,
    headers: &HeaderMap,
    came: Option<&str>,
) -> Result<Flow, Refused> {
    let cookies = headers.get_all(COOKIE).iter();
    let flow = cookies
        .filter_map(|cookies| cookies.to_str().ok())
        .find_map(Flow::read);
    let flow = flow.filter(|flow| came == Some(flow.state.as_str()));
    let flow = flow.ok_or(Refused::NotBegun)?;
    let hash = Sha256::digest(&flow.state).into();
    if links::use_state(&state.pool, &hash).await? {
        Ok(flow)
    } else {
        Err(Refused::NotBegun)
    }
}

impl OidcState {
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
        match error {
            ProviderError::Refused(400..=499) | ProviderError::Token(_) => Self::Unproved,
            _ => Self::Unavailable,
        }
    }
}

impl From<AccessError> for Refused {
    fn from(error: AccessError) -> Self {
        tracing::warn!(%error, "somebody cannot be signed in by the OpenID provider");
        Self::Unavailable
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, told) = match self {
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
        };
        let headers = [
            (SET_COOKIE, flow::forget()),
            (CACHE_CONTROL, "no-store".to_owned()),
        ];
        (status, AppendHeaders(headers), told + "\n").into_response()
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &axum::http::HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
