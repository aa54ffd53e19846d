//! Problem documents (RFC 9457).

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER as RETRY_AFTER_HEADER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::broker::MAX_PACKET_BYTES;
use crate::gate::{Rejection, RejectionCode};

/// What a device is asked to wait if nobody named a time.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Why a request was not answered with a receipt.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    seq: Option<u64>,
    retry_after: Option<Duration>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: String) -> Self {
        Self {
            status,
            code,
            detail,
            seq: None,
            retry_after: None,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    pub(super) fn unauthorized() -> Self {
        let detail = "sign in with Basic <device id>:<secret>, or by a certificate of the device's; get a new secret with `sealrock device rotate`";
        Self::new(
            StatusCode::UNAUTHORIZED,
            "bad-credentials",
            detail.to_owned(),
        )
    }

    pub(super) fn unavailable(retry_after: Duration) -> Self {
        let seconds = retry_after.as_secs().max(1);
        let detail =
            format!("nothing can be recorded at present; send the same bytes again in {seconds} s");
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        Self {
            retry_after: Some(Duration::from_secs(seconds)),
            ..problem
        }
    }

    /// More than the device may send in a time.
    pub(super) fn too_many(retry_after: Duration) -> Self {
        let seconds = retry_after.as_secs() + 1;
        let detail = format!(
            "this device sends more batches than it may; send the same bytes again in {seconds} s, \
             or more readings in a batch"
        );
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate", detail);
        Self {
            retry_after: Some(Duration::from_secs(seconds)),
            ..problem
        }
    }

    /// The body did not arrive: too long, or cut off.
    pub(super) fn unreadable(status: StatusCode) -> Self {
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            let detail =
                format!("a body may have at most {MAX_PACKET_BYTES} bytes; split the batch");
            return Self::new(status, RejectionCode::TooLarge.as_str(), detail);
        }
        Self::new(
            StatusCode::BAD_REQUEST,
            "unreadable",
            "the body was cut off; send it again".to_owned(),
        )
    }

    /// The body did not arrive in time.
    pub(super) fn slow(limit: Duration) -> Self {
        let detail = format!(
            "the body did not arrive within {} s; send it again, or split the batch",
            limit.as_secs()
        );
        Self::new(StatusCode::REQUEST_TIMEOUT, "slow", detail)
    }

    pub(super) fn rejected(rejection: Rejection, seq: Option<u64>) -> Self {
        let status = match rejection.code {
            RejectionCode::Undecodable => StatusCode::BAD_REQUEST,
            RejectionCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            RejectionCode::Conflict => StatusCode::CONFLICT,
            RejectionCode::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            RejectionCode::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            RejectionCode::Refused | RejectionCode::WrongTopic | RejectionCode::UnknownDevice => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        };
        Self {
            seq,
            ..Self::new(status, rejection.code.as_str(), rejection.message)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut document = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        if let Some(seq) = self.seq {
            document["seq"] = seq.into();
        }
        let mut response = (self.status, document.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"sealrock\""),
            );
        }
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER_HEADER, wait.as_secs().into());
        }
        response
    }
}
