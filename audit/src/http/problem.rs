//! Problem documents (RFC 9457).

use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use sealrock_access::{Denied, IdentifyError};
use sealrock_eventstore::StoreError;
use sealrock_ledger::Index;
use serde_json::json;

use crate::publish::PublishError;

/// Why something is not served.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    header: Option<(HeaderName, &'static str)>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            header: None,
        }
    }

    fn with(self, name: HeaderName, value: &'static str) -> Self {
        let header = Some((name, value));
        Self { header, ..self }
    }

    pub(super) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    pub(super) fn gone(index: Index) -> Self {
        let detail = format!(
            "the payload of entry {index} was erased; the entry and its proofs are there, and the \
             erasure is an entry of the ledger"
        );
        Self::new(StatusCode::GONE, "erased", detail)
    }

    pub(super) fn anonymous() -> Self {
        let detail = "sign in first: mutation signIn of /graphql answers a token for \
                      `Authorization: Bearer <token>`";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .with(WWW_AUTHENTICATE, "Bearer realm=\"sealrock\"")
    }

    pub(super) fn unidentified(error: &IdentifyError) -> Self {
        if *error == IdentifyError::Unavailable {
            let detail = error.to_string();
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
                .with(RETRY_AFTER, "2");
        }
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            error.to_string(),
        )
        .with(
            WWW_AUTHENTICATE,
            "Bearer realm=\"sealrock\", error=\"invalid_token\"",
        )
    }

    pub(super) fn denied(denied: &Denied) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", denied.to_string())
    }

    pub(super) fn method(method: &Method) -> Self {
        let detail = format!("{method} is not for a ledger: it is read, by GET and HEAD");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail).with(ALLOW, "GET, HEAD")
    }

    pub(super) fn busy() -> Self {
        let detail = "too many read at once; ask again in a moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).with(RETRY_AFTER, "2")
    }

    pub(super) fn too_many() -> Self {
        let detail =
            "this account or address reads more files a second than it may; ask again in a second";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", detail).with(RETRY_AFTER, "1")
    }

    /// What contradicts itself is for the operator to know.
    fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a ledger cannot be served");
        let detail = "the ledger cannot be read; the server's log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                let detail = "the database is not available just now; ask again in a moment";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
                    .with(RETRY_AFTER, "2")
            }
            other => Self::internal(&other),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Store(error) => error.into(),
            other => Self::internal(&other),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        let mut response = (self.status, document.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = self.header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
