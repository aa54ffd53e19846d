//! `POST /ingest`: the same batch as over MQTT, for devices that speak HTTP.

mod credentials;
mod limits;
mod media;
mod problem;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sealrock_access::Proved;
use sealrock_domain::DeviceId;
use sealrock_domain::device::Fingerprint;
use sealrock_tls::ClientCertificate;
use tokio::sync::Semaphore;

use crate::broker::MAX_PACKET_BYTES;
use crate::counters::{self, Quiet};
use crate::dead_letters::{DeadLetter, DeadLetters};
use crate::gate::{
    AuthError, BatchError, BatchReceipt, BatchSink, DeviceIdentity, Rejection, named_in,
};
use crate::receipt;
use problem::Problem;

pub use limits::HttpLimits;

/// How the ledger entry names this transport.
const VIA: &str = "http:/ingest";

/// The route `POST /ingest`.
///
/// It answers 200 with the receipt once the batch is durable; otherwise a problem document whose
/// `code` tells what to do. After 429 and 503 (with `Retry-After`) and 408 the same bytes should be sent
/// again, after any other answer not.
pub fn router(sink: Arc<dyn BatchSink>, dead_letters: Arc<dyn DeadLetters>) -> Router {
    router_within(HttpLimits::default(), sink, dead_letters)
}

/// The same with other limits.
pub fn router_within(
    limits: HttpLimits,
    sink: Arc<dyn BatchSink>,
    dead_letters: Arc<dyn DeadLetters>,
) -> Router {
    let desk = Arc::new(Desk {
        sink,
        dead_letters,
        places: Semaphore::new(limits.bodies.min(Semaphore::MAX_PERMITS)),
        limits,
        log: Quiet::default(),
    });
    Router::new()
        .route("/ingest", post(ingest))
        .layer(DefaultBodyLimit::max(MAX_PACKET_BYTES))
        .with_state(desk)
}

struct Desk {
    sink: Arc<dyn BatchSink>,
    dead_letters: Arc<dyn DeadLetters>,
    limits: HttpLimits,
    /// One for each body that may be in memory.
    places: Semaphore,
    log: Quiet,
}

async fn ingest(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let basic = request.headers().get(AUTHORIZATION);
    let shown = request.extensions().get::<ClientCertificate>();
    let identity = match desk.authenticate(basic, shown).await {
        Ok(identity) => identity,
        Err(problem) => return problem.into_response(),
    };
    let answer = match desk.take(identity, request).await {
        Ok(receipt) => Json(receipt::full(&receipt)).into_response(),
        Err(problem) => problem.into_response(),
    };
    (Extension(Proved), answer).into_response()
}

impl Desk {
    async fn take(
        &self,
        identity: DeviceIdentity,
        request: Request,
    ) -> Result<BatchReceipt, Problem> {
        // After signing in, so that strangers cannot take the places of devices.
        let _place = self
            .places
            .try_acquire()
            .map_err(|_| self.refused("busy", Problem::unavailable(problem::RETRY_AFTER)))?;
        let received_at = Utc::now();
        let media_type = request.headers().get(CONTENT_TYPE).cloned();
        let body = self.read(&identity, request).await?;
        let media_type = media_type.as_ref();
        match self
            .record(&identity, received_at, media_type, &body)
            .await?
        {
            Ok(receipt) => {
                counters::batch(
                    "http",
                    if receipt.duplicate {
                        "duplicate"
                    } else {
                        "recorded"
                    },
                );
                Ok(receipt)
            }
            Err(rejection) => {
                let letter = DeadLetter::new(&identity, received_at, VIA, &rejection, &body);
                Err(self.reject(&letter, rejection).await)
            }
        }
    }

    /// The receipt, or what is final for these bytes. What is refused here at the door counts as one of
    /// the device's batches: it makes a dead letter.
    async fn record(
        &self,
        identity: &DeviceIdentity,
        received_at: DateTime<Utc>,
        media_type: Option<&HeaderValue>,
        body: &Bytes,
    ) -> Result<Result<BatchReceipt, Rejection>, Problem> {
        let outcome = match media::check(media_type, body) {
            Ok(()) => {
                let recorded = self
                    .sink
                    .record_batch(identity, VIA, received_at, body.clone());
                recorded.await.map(Ok)
            }
            Err(rejection) => self.sink.within_rate(identity).map(|()| Err(rejection)),
        };
        outcome.or_else(|error| match error {
            BatchError::TooMany { retry_after } => {
                Err(self.refused("rate", Problem::too_many(retry_after)))
            }
            BatchError::SignedOut => Err(self.refused("bad-credentials", Problem::unauthorized())),
            error => Rejection::of(&error).map(Err).map_err(|retry_after| {
                counters::batch("http", "unavailable");
                Problem::unavailable(retry_after)
            }),
        })
    }

    async fn authenticate(
        &self,
        basic: Option<&HeaderValue>,
        shown: Option<&ClientCertificate>,
    ) -> Result<DeviceIdentity, Problem> {
        let outcome = match (basic.map(credentials::basic), shown) {
            (Some(Some((device, secret))), _) if !secret.is_empty() => {
                self.sink.authenticate(device, &secret).await
            }
            (None, Some(shown)) => self.recognise(named_in(shown), shown).await,
            (Some(Some((device, _))), Some(shown)) => self.recognise(Some(device), shown).await,
            _ => Err(AuthError::Refused),
        };
        outcome.map_err(|error| match error {
            AuthError::Refused => self.refused("bad-credentials", Problem::unauthorized()),
            AuthError::Unavailable => {
                self.refused("unavailable", Problem::unavailable(problem::RETRY_AFTER))
            }
        })
    }

    /// The device, by the certificate that was shown when hands were shaken: perhaps long ago.
    async fn recognise(
        &self,
        device: Option<DeviceId>,
        shown: &ClientCertificate,
    ) -> Result<DeviceIdentity, AuthError> {
        let device = device.filter(|_| !shown.expired());
        let fingerprint = Fingerprint::new(shown.fingerprint.0);
        let device = device.ok_or(AuthError::Refused)?;
        self.sink.recognise(device, fingerprint).await
    }

    fn refused(&self, reason: &'static str, problem: Problem) -> Problem {
        counters::http_refused(reason);
        if let Some(kept_back) = self.log.turn() {
            tracing::warn!(reason, kept_back, "POST /ingest refused");
        }
        problem
    }

    async fn read(&self, identity: &DeviceIdentity, request: Request) -> Result<Bytes, Problem> {
        let reading = Bytes::from_request(request, &());
        let problem = match tokio::time::timeout(self.limits.read, reading).await {
            Ok(Ok(body)) => return Ok(body),
            Ok(Err(rejection)) => Problem::unreadable(rejection.status()),
            Err(_) => Problem::slow(self.limits.read),
        };
        tracing::debug!(device = %identity.device, code = problem.code(), "POST /ingest body not read");
        Err(self.refused(problem.code(), problem))
    }

    /// A rejection is told only after its letter is kept; until then the device should repeat.
    async fn reject(&self, letter: &DeadLetter, rejection: Rejection) -> Problem {
        if let Err(unavailable) = self.dead_letters.put(letter).await {
            counters::batch("http", "unavailable");
            return Problem::unavailable(unavailable.retry_after);
        }
        counters::batch("http", "rejected");
        counters::dead_letter(rejection.code.as_str());
        Problem::rejected(rejection, receipt::seq_of(&letter.bytes))
    }
}
