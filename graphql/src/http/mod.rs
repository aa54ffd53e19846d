//! GraphQL over HTTP: `POST /graphql` and `GET /graphql`.
//!
//! Follows the GraphQL-over-HTTP draft. With `application/graphql-response+json` the status tells
//! whether the operation ran; with `application/json`, which older clients ask for, a document that
//! cannot run is answered with 200 and errors.

pub(crate) mod accept;
mod nesting;
pub(crate) mod params;
pub(crate) mod reply;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Request, ServerError};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Router, body::Body};

use crate::caller::Caller;
use crate::code::Code;
use crate::endpoint::{Endpoint, bearer, is_public, operation, out_of_time};
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
    let Ok(_place) = endpoint.places.requests.try_acquire() else {
        return reply::refused(media, &Refusal::busy("requests are being answered"));
    };
    let limit = endpoint.limits.request_time;
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => reply::late(media, out_of_time(limit)),
    }
}

async fn body<E: Executor>(
    State(endpoint): State<Endpoint<E>>,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Response<Body> {
    let Some(media) = accept::negotiate(&headers) else {
        return reply::not_acceptable();
    };
    let request = params::of_body(&headers, bytes);
    answer(&endpoint, &Method::POST, &headers, media, request).await
}

async fn query<E: Executor>(
    State(endpoint): State<Endpoint<E>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response<Body> {
    if endpoint.development && accept::is_browser(&headers) {
        return Html(include_str!("page.html")).into_response();
    }
    let Some(media) = accept::negotiate(&headers) else {
        return reply::not_acceptable();
    };
    let request = params::of_query(&uri);
    answer(&endpoint, &Method::GET, &headers, media, request).await
}

async fn no_such_method(headers: HeaderMap, method: Method) -> Response<Body> {
    let media = accept::negotiate(&headers).unwrap_or(Media::Json);
    let message = format!("{method} is not for /graphql: use POST, or GET for queries");
    reply::refused(media, &Refusal::method(message, "GET, HEAD, POST"))
}

async fn answer<E: Executor>(
    endpoint: &Endpoint<E>,
    method: &Method,
    headers: &HeaderMap,
    media: Media,
    request: Result<Request, Refusal>,
) -> Response<Body> {
    let admitted = request.and_then(|request| {
        let caller = caller(endpoint, headers)?;
        admit(method, caller, request)
    });
    let response = match admitted {
        Err(refusal) => return reply::refused(media, &refusal),
        Ok(Err(error)) => async_graphql::Response::from_errors(vec![error]),
        Ok(Ok(request)) => endpoint.execute(request).await,
    };
    reply::answered(media, &response)
}

/// A request with its caller, or what is wrong with its document.
type Admitted = Result<Request, ServerError>;

/// Reads the document as far as HTTP must know it: mutations need POST, and most fields a caller.
fn admit(method: &Method, caller: Caller, mut request: Request) -> Result<Admitted, Refusal> {
    let name = request.operation_name.clone();
    let operation = match request.parsed_query() {
        Ok(document) => operation(document, name.as_deref()),
        Err(mut error) => {
            Code::ParseFailed.mark(&mut error);
            return Ok(Err(error));
        }
    };
    if let Some(operation) = operation {
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
fn caller<E>(endpoint: &Endpoint<E>, headers: &HeaderMap) -> Result<Caller, Refusal> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return Ok(Caller::Anonymous);
    }
    let refused = |message| Refusal::unauthenticated(message, "Bearer error=\"invalid_token\"");
    let token = bearer(headers)
        .ok_or_else(|| refused("Authorization must be \"Bearer <token>\"".to_owned()))?;
    endpoint
        .identify(token)
        .map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests;
