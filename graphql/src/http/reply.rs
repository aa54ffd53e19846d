//! Answers with their status and media type.

use std::time::Duration;

use async_graphql::ServerError;
use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{ALLOW, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::accept::Media;
use crate::code::Code;
use crate::endpoint::{Holding, is_request_error};

/// An HTTP request that never became a GraphQL operation.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: Code::BadRequest,
            message: message.into(),
            header: None,
        }
    }

    /// As many requests as may are being answered.
    pub(crate) fn busy(what: &str) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: Code::Unavailable,
            message: format!("as many {what} as this server takes: try again in a moment"),
            header: Some((RETRY_AFTER, "1")),
        }
    }

    pub(super) fn unauthenticated(message: impl Into<String>, challenge: &'static str) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: Code::Unauthenticated,
            message: message.into(),
            header: Some((WWW_AUTHENTICATE, challenge)),
        }
    }

    /// Nobody who is known, and the request does not arrive.
    pub(super) fn slow(limit: Duration) -> Self {
        Self {
            status: StatusCode::REQUEST_TIMEOUT,
            code: Code::Timeout,
            message: format!(
                "without a token a request must arrive within {} s: send it again",
                limit.as_secs_f64()
            ),
            header: None,
        }
    }

    /// Nobody who is known, and the request is longer than signing in takes, or it broke off.
    pub(super) fn too_long_for_a_stranger(bytes: usize) -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            code: Code::PayloadTooLarge,
            message: format!(
                "without a token a request has at most {bytes} bytes: sign in, and send the token \
                 that mutation signIn answers"
            ),
            header: None,
        }
    }

    pub(super) fn method(message: impl Into<String>, allowed: &'static str) -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            code: Code::MethodNotAllowed,
            message: message.into(),
            header: Some((ALLOW, allowed)),
        }
    }
}

/// An answer without `data`.
#[derive(Serialize)]
struct Errors<'a> {
    errors: &'a [ServerError],
}

/// The answer to an operation, run or not.
pub(super) fn answered(media: Media, response: &async_graphql::Response) -> Response<Body> {
    if !is_request_error(response) {
        return write(media, StatusCode::OK, response);
    }
    let status = match media {
        Media::GraphqlResponse => StatusCode::BAD_REQUEST,
        Media::Json => StatusCode::OK,
    };
    write(
        media,
        status,
        &Errors {
            errors: &response.errors,
        },
    )
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
pub(crate) fn refused(media: Media, refusal: &Refusal) -> Response<Body> {
    let errors = [refusal.code.error(refusal.message.as_str())];
    let mut response = write(media, refusal.status, &Errors { errors: &errors });
    if let Some((name, value)) = &refusal.header {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The answer to a client that accepts nothing that we write.
pub(super) fn not_acceptable() -> Response<Body> {
    let refusal = Refusal {
        status: StatusCode::NOT_ACCEPTABLE,
        code: Code::NotAcceptable,
        message: "accept application/graphql-response+json or application/json".to_owned(),
        header: None,
    };
    refused(Media::Json, &refusal)
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
