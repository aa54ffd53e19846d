//! GraphQL over HTTP: `POST /graphql` and `GET /graphql`.
//!
//! Follows the GraphQL-over-HTTP draft. With `application/graphql-response+json` the status tells
//! whether the operation ran; with `application/json`, which older clients ask for, a document that
//! cannot run is answered with 200 and errors.

pub(crate) mod accept;
pub(crate) mod params;
pub(crate) mod reply;

use async_graphql::parser::types::{OperationDefinition, OperationType, Selection};
use async_graphql::{Executor, Positioned, Request, ServerError};
use axum::body::{Bytes, to_bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Router, body::Body};
use sealrock_access::{ClientAddress, IdentifyError, Proved};

use crate::allowance::Allowance;
use crate::caller::Caller;
use crate::document::Asked;
use crate::endpoint::{Endpoint, Limits, bearer, is_public, operation, out_of_time};
use crate::places::{Holding, Taken};
use crate::visitor::Visitor;
use accept::Media;
use reply::Refusal;

/// The routes of an endpoint: `/graphql` and `/graphql/ws`.
pub(crate) fn router<E: Executor>(endpoint: Endpoint<E>) -> Router {
    let operations = get(query::<E>).post(body::<E>).fallback(no_such_method);
    let bounded = from_fn_with_state(endpoint.clone(), within_limits::<E>);
    Router::new()
        .route("/graphql", operations.layer(bounded))
        .route("/graphql/ws", get(crate::ws::upgrade::<E>))
        .layer(DefaultBodyLimit::max(endpoint.limits.request_bytes))
        .with_state(endpoint)
}

/// Before anything is read: what is in memory at a time has a bound, and who sends slowly or asks for
/// what takes too long does not keep his place.
async fn within_limits<E: Executor>(
    State(endpoint): State<Endpoint<E>>,
    request: axum::extract::Request,
    next: Next,
) -> Response<Body> {
    let media = accept::negotiate(request.headers()).unwrap_or(Media::Json);
    match admit(&endpoint, request).await {
        Ok((request, holding)) => {
            let caller = request.extensions().get::<Caller>();
            let proved = matches!(caller, Some(Caller::Known(_))).then_some(Extension(Proved));
            let limit = endpoint.limits.request_time;
            let response = match tokio::time::timeout(limit, next.run(request)).await {
                Ok(response) => response,
                Err(_) => reply::late(media, out_of_time(limit)),
            };
            (proved, reply::holding(response, holding).await).into_response()
        }
        Err(refusal) => reply::refused(media, refusal),
    }
}

/// A place for who is known by his token; a stranger gets one when his request is here, so that nobody
/// keeps others out by sending slowly.
async fn admit<E: Executor>(
    endpoint: &Endpoint<E>,
    mut request: axum::extract::Request,
) -> Result<(axum::extract::Request, Holding), Refusal> {
    let caller = caller(endpoint, request.headers()).await?;
    if matches!(caller, Caller::Anonymous) {
        request = arrived(&endpoint.limits, request).await?;
    }
    let address = request.extensions().get::<ClientAddress>();
    let holding = endpoint.places.try_take(&caller, address.copied());
    let holding = holding.map_err(|taken| match (taken, &caller) {
        (Taken::All, _) => Refusal::busy("requests are being answered"),
        (Taken::Own, Caller::Known(_)) => {
            Refusal::busy("requests of this account are being answered")
        }
        (Taken::Own, Caller::Anonymous) => {
            Refusal::busy("requests of this address are being answered")
        }
    })?;
    endpoint.rates.request(&caller).map_err(Refusal::too_many)?;
    let extensions = request.extensions_mut();
    extensions.insert(holding.allowance.clone());
    extensions.insert(caller);
    Ok((request, holding))
}

/// A stranger's request with all of its body.
async fn arrived(
    limits: &Limits,
    request: axum::extract::Request,
) -> Result<axum::extract::Request, Refusal> {
    let (head, body) = request.into_parts();
    let reading = to_bytes(body, limits.stranger_bytes);
    let Ok(read) = tokio::time::timeout(limits.stranger_time, reading).await else {
        return Err(Refusal::slow(limits.stranger_time));
    };
    let body = read.map_err(|_| Refusal::too_long_for_a_stranger(limits.stranger_bytes))?;
    Ok(axum::extract::Request::from_parts(head, Body::from(body)))
}

async fn body<E: Executor>(
    State(endpoint): State<Endpoint<E>>,
    Extension(caller): Extension<Caller>,
    Extension(allowance): Extension<Allowance>,
    address: Option<Extension<ClientAddress>>,
    uri: Uri,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Response<Body> {
    let Some(media) = accept::negotiate(&headers) else {
        return reply::not_acceptable();
    };
    let asked = params::of_body(&headers, bytes);
    let visitor = Visitor::of(&headers, &uri, address.map(|Extension(address)| address));
    let admitted = asked
        .and_then(|asked| readable(&endpoint, &Method::POST, caller, asked))
        .map(|readable| readable.map(|request| request.data(visitor)));
    answer(&endpoint, media, admitted, allowance).await
}

async fn query<E: Executor>(
    State(endpoint): State<Endpoint<E>>,
    Extension(caller): Extension<Caller>,
    Extension(allowance): Extension<Allowance>,
    headers: HeaderMap,
    uri: Uri,
) -> Response<Body> {
    if endpoint.development && accept::is_browser(&headers) {
        return Html(include_str!("page.html")).into_response();
    }
    let Some(media) = accept::negotiate(&headers) else {
        return reply::not_acceptable();
    };
    let asked = params::of_query(&uri);
    let admitted = asked.and_then(|asked| readable(&endpoint, &Method::GET, caller, asked));
    answer(&endpoint, media, admitted, allowance).await
}

async fn no_such_method(headers: HeaderMap, method: Method) -> Response<Body> {
    let media = accept::negotiate(&headers).unwrap_or(Media::Json);
    let message = format!("{method} is not for /graphql: use POST, or GET for queries");
    reply::refused(media, Refusal::method(message, "GET, HEAD, POST"))
}

async fn answer<E: Executor>(
    endpoint: &Endpoint<E>,
    media: Media,
    request: Result<Readable, Refusal>,
    allowance: Allowance,
) -> Response<Body> {
    let (response, alone) = match request {
        Err(refusal) => return reply::refused(media, refusal),
        Ok(Err(error)) => (async_graphql::Response::from_errors(vec![error]), false),
        Ok(Ok(mut request)) => {
            let alone = asks_for_one_field(&mut request);
            (endpoint.execute(request, allowance).await, alone)
        }
    };
    reply::answered(media, &response, alone)
}

/// Whether each of its operations asks for one root field, so that nothing else can have been done.
fn asks_for_one_field(request: &mut Request) -> bool {
    let one = |operation: &Positioned<OperationDefinition>| {
        let items = &operation.node.selection_set.node.items;
        matches!(items.as_slice(), [item] if matches!(item.node, Selection::Field(_)))
    };
    let document = request.parsed_query();
    document.is_ok_and(|document| {
        document
            .operations
            .iter()
            .all(|(_, operation)| one(operation))
    })
}

/// A request with its caller, or what is wrong with its document.
type Readable = Result<Request, ServerError>;

/// Reads the document as far as HTTP must know it: mutations need POST, and most fields a caller.
fn readable<E>(
    endpoint: &Endpoint<E>,
    method: &Method,
    caller: Caller,
    asked: Asked,
) -> Result<Readable, Refusal> {
    let mut request = match endpoint.reader.read(&caller, asked) {
        Ok(request) => request,
        Err(error) => return Ok(Err(error)),
    };
    let name = request.operation_name.clone();
    let document = request.parsed_query().ok();
    if let Some(operation) = document.and_then(|document| operation(document, name.as_deref())) {
        if method == Method::GET && operation.ty == OperationType::Mutation {
            return Err(Refusal::method(
                "a mutation needs POST: GET only reads",
                "POST",
            ));
        }
        if matches!(caller, Caller::Anonymous) && !is_public(operation) {
            return Err(Refusal::unauthenticated(
                "sign in first: mutation signIn answers a token for `Authorization: Bearer <token>`",
                "Bearer",
            ));
        }
    }
    Ok(Ok(request.data(caller)))
}

/// Who asks. No token is nobody; a bad token is an error, or a client would take the answers to
/// nobody for its own.
async fn caller<E>(endpoint: &Endpoint<E>, headers: &HeaderMap) -> Result<Caller, Refusal> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return Ok(Caller::Anonymous);
    }
    let refused = |message| Refusal::unauthenticated(message, "Bearer error=\"invalid_token\"");
    let token = bearer(headers)
        .ok_or_else(|| refused("Authorization must be \"Bearer <token>\"".to_owned()))?;
    let identified = endpoint.identify(token).await;
    identified.map_err(|error| match error {
        IdentifyError::Unauthenticated(message) => refused(message),
        IdentifyError::Unavailable => Refusal::busy("questions of who asks wait for an answer"),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests;
