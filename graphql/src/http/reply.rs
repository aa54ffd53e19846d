//! Answers with their status and media type.

use std::time::Duration;

use async_graphql::{ServerError, Value};
use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{ALLOW, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::accept::Media;
use crate::code::Code;
use crate::endpoint::is_request_error;
use crate::places::Holding;

/// An HTTP request that never became a GraphQL operation.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// Boxed, because what may be refused is answered by value.
    pub(crate) error: Box<ServerError>,
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self {
            status,
            error: Box::new(code.error(message)),
            header: None,
        }
    }

    fn with(self, name: HeaderName, value: &'static str) -> Self {
        let header = Some((name, HeaderValue::from_static(value)));
        Self { header, ..self }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BadRequest, message)
    }

    /// As many requests as may are being answered.
    pub(crate) fn busy(what: &str) -> Self {
        let message = format!("as many {what} as this server takes: try again in a moment");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, message)
            .with(RETRY_AFTER, "1")
    }

    pub(super) fn unauthenticated(message: impl Into<String>, challenge: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, Code::Unauthenticated, message)
            .with(WWW_AUTHENTICATE, challenge)
    }

    /// Nobody who is known, and the request does not arrive.
    pub(super) fn slow(limit: Duration) -> Self {
        let message = format!(
            "without a token a request must arrive within {} s: send it again",
            limit.as_secs_f64()
        );
        Self::new(StatusCode::REQUEST_TIMEOUT, Code::Timeout, message)
    }

    /// Nobody who is known, and the request is longer than signing in takes, or it broke off.
    pub(super) fn too_long_for_a_stranger(bytes: usize) -> Self {
        let message = format!(
            "without a token a request has at most {bytes} bytes: sign in, and send the token that \
             mutation signIn answers"
        );
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            Code::PayloadTooLarge,
            message,
        )
    }

    pub(super) fn method(message: impl Into<String>, allowed: &'static str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            Code::MethodNotAllowed,
            message,
        )
        .with(ALLOW, allowed)
    }

    /// An account that sends too much.
    pub(super) fn too_many(error: ServerError) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            header: retry_after(&error).map(|value| (RETRY_AFTER, value)),
            error: Box::new(error),
        }
    }
}

/// An answer without `data`.
#[derive(Serialize)]
struct Errors<'a> {
    errors: &'a [ServerError],
}

/// The answer to an operation, run or not; `alone` if it asks for one root field.
pub(super) fn answered(
    media: Media,
    response: &async_graphql::Response,
    alone: bool,
) -> Response<Body> {
    if !is_request_error(response) {
        let mut answer = write(media, ran(response, alone), response);
        answer.headers_mut().extend(response.http_headers.clone());
        if let Some(value) = response.errors.iter().find_map(retry_after) {
            answer.headers_mut().insert(RETRY_AFTER, value);
        }
        return answer;
    }
    let errors = &response.errors;
    let mut answer = write(media, status(media, errors), &Errors { errors });
    if let Some(value) = errors.iter().find_map(retry_after) {
        answer.headers_mut().insert(RETRY_AFTER, value);
    }
    answer
}

/// The status of an answer without `data`. Older clients take 200 for "it was well formed"; that
/// somebody asks for too much is not for the client's code to handle as an answer.
fn status(media: Media, errors: &[ServerError]) -> StatusCode {
    let is = |code| errors.iter().any(|error| has_code(error, code));
    if is(Code::BudgetSpent) {
        StatusCode::TOO_MANY_REQUESTS
    } else if is(Code::LimitExceeded) || media == Media::GraphqlResponse {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    }
}

/// The status of an answer with `data`. Where the only field is null because of too many attempts, nothing
/// was done: a program that tries passwords, or a proxy before it, looks at no body.
fn ran(response: &async_graphql::Response, alone: bool) -> StatusCode {
    let too_many = |error| has_code(error, Code::TooManyAttempts);
    if alone && response.data == Value::Null && response.errors.iter().any(too_many) {
        StatusCode::TOO_MANY_REQUESTS
    } else {
        StatusCode::OK
    }
}

fn has_code(error: &ServerError, code: Code) -> bool {
    let extensions = error.extensions.as_ref();
    extensions.and_then(|all| all.get("code")) == Some(&Value::from(code.as_str()))
}

/// When to try again, in seconds, if the error says so.
fn retry_after(error: &ServerError) -> Option<HeaderValue> {
    let value = error.extensions.as_ref()?.get("retryAfter")?;
    HeaderValue::from_str(&value.to_string()).ok()
}

/// The answer to a request that took too long.
pub(super) fn late(media: Media, error: ServerError) -> Response<Body> {
    write(
        media,
        StatusCode::GATEWAY_TIMEOUT,
        &Errors { errors: &[error] },
    )
}

/// The answer to a request that is no GraphQL request.
pub(crate) fn refused(media: Media, refusal: Refusal) -> Response<Body> {
    let errors = [*refusal.error];
    let mut response = write(media, refusal.status, &Errors { errors: &errors });
    if let Some((name, value)) = refusal.header {
        response.headers_mut().insert(name, value);
    }
    response
}

/// The answer to a client that accepts nothing that we write.
pub(super) fn not_acceptable() -> Response<Body> {
    let message = "accept application/graphql-response+json or application/json";
    let refusal = Refusal::new(StatusCode::NOT_ACCEPTABLE, Code::NotAcceptable, message);
    refused(Media::Json, refusal)
}

/// The response, whose bytes keep `held` until the last of them is written or given up.
pub(super) async fn holding(response: Response<Body>, held: Holding) -> Response<Body> {
    struct Kept {
        bytes: Bytes,
        _held: Holding,
    }
    impl AsRef<[u8]> for Kept {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    let (parts, body) = response.into_parts();
    // It is one piece already, which is handed on.
    match to_bytes(body, usize::MAX).await {
        Ok(bytes) => {
            let kept = Kept { bytes, _held: held };
            Response::from_parts(parts, Body::from(Bytes::from_owner(kept)))
        }
        Err(error) => {
            tracing::error!(%error, "an answer that was made cannot be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn write(media: Media, status: StatusCode, body: &impl Serialize) -> Response<Body> {
    let mut response = (status, Json(body)).into_response();
    let content_type = HeaderValue::from_static(media.content_type());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
