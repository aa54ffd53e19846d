//! GraphQL over HTTP: `POST /graphql` and `GET /graphql`.
//!
//! Follows the GraphQL-over-HTTP draft. With `application/graphql-response+json` the status tells
//! whether the operation ran; with `application/json`, which older clients ask for, a document that
//! cannot run is answered with 200 and errors.

mod accept;
pub(crate) mod params;
mod reply;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Request};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Router, body::Body};

use crate::caller::Caller;
use crate::code::Code;
use crate::endpoint::{Endpoint, bearer, operation_type};
use accept::Media;
use reply::Refusal;

/// The routes of an endpoint: `/graphql` and `/graphql/ws`.
pub(crate) fn router<E: Executor>(endpoint: Endpoint<E>) -> Router {
    let operations = get(query::<E>).post(operation::<E>).fallback(no_such_method);
    Router::new()
        .route("/graphql", operations)
        .route("/graphql/ws", get(crate::ws::upgrade::<E>))
        .layer(DefaultBodyLimit::max(endpoint.limits.request_bytes))
        .with_state(endpoint)
}

async fn operation<E: Executor>(
    State(endpoint): State<Endpoint<E>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response<Body> {
    let Some(media) = accept::negotiate(&headers) else { return reply::not_acceptable() };
    let request = params::of_body(&headers, body);
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
    let Some(media) = accept::negotiate(&headers) else { return reply::not_acceptable() };
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
    let checked = request.and_then(|request| {
        let caller = caller(endpoint, headers)?;
        Ok(request.data(caller))
    });
    let mut request = match checked {
        Ok(request) => request,
        Err(refusal) => return reply::refused(media, &refusal),
    };
    let name = request.operation_name.clone();
    let operation = match request.parsed_query() {
        Ok(document) => operation_type(document, name.as_deref()),
        Err(mut error) => {
            Code::ParseFailed.mark(&mut error);
            return reply::answered(media, &async_graphql::Response::from_errors(vec![error]));
        }
    };
    if method == Method::GET && operation == Some(OperationType::Mutation) {
        let refusal = Refusal::method("a mutation needs POST: GET only reads", "POST");
        return reply::refused(media, &refusal);
    }
    reply::answered(media, &endpoint.execute(request).await)
}

/// Who asks. No token is nobody; a bad token is an error, or a client would take the answers to
/// nobody for its own.
fn caller<E>(endpoint: &Endpoint<E>, headers: &HeaderMap) -> Result<Caller, Refusal> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return Ok(Caller::Anonymous);
    }
    let refused = |message: String| Refusal {
        status: StatusCode::UNAUTHORIZED,
        code: Code::Unauthenticated,
        message,
        header: Some((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")),
    };
    let token = bearer(headers).ok_or_else(|| refused("Authorization must be \"Bearer <token>\"".to_owned()))?;
    endpoint.identify(token).map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests;
