//! Ledgers over HTTP, as C2SP tlog-tiles says, and their payloads, proofs, policy and timestamp.
//!
//! Everything is read below the size of the checkpoint that is published, by plain SELECTs that wait
//! for no append. What is asked for by a path that is spelt otherwise than the format spells it is
//! not found.

mod admission;
mod bundle;
mod exports;
mod problem;
mod reply;
mod resource;
mod rows;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sealrock_access::{ClientAddress, Identify, Proved, RateLimit};
use sealrock_eventstore::{LedgerInfo, LedgerKind};
use sealrock_ledger::LedgerName;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::compression::CompressionLayer;

use crate::publish::{Published, Publisher};
use admission::Admission;
use bundle::Rest;
pub use exports::{Begun, Exports};
use problem::Problem;
use reply::Reader;
use resource::Resource;

/// How long a request waits for a place.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the routes stand on. Cloning is cheap.
#[derive(Clone)]
pub struct LedgerState {
    publisher: Publisher,
    identity: Arc<dyn Identify>,
    exports: Arc<dyn Exports>,
    places: Arc<Semaphore>,
    rates: Arc<RateLimit<String>>,
}

/// How much is read at a time.
#[derive(Debug, Clone, Copy)]
pub struct Readers {
    /// Requests that use the database at once, so that readers cannot take the connections of those who
    /// append.
    pub at_once: usize,
    /// Requests of one account or key in a second, with ten seconds' worth at once; of the registry's
    /// ledger, which asks nobody who he is, of one address.
    pub per_second: NonZeroU32,
}

impl LedgerState {
    /// Serves what `publisher` publishes: to anybody in the registry, elsewhere to those whom
    /// `identity` knows to be permitted, and `exports` takes note of these.
    #[must_use]
    pub fn new(
        publisher: Publisher,
        identity: Arc<dyn Identify>,
        exports: Arc<dyn Exports>,
        readers: Readers,
    ) -> Self {
        let places = Arc::new(Semaphore::new(readers.at_once));
        let rates = Arc::new(RateLimit::new(readers.per_second));
        Self {
            publisher,
            identity,
            exports,
            places,
            rates,
        }
    }

    /// Counts a request of an account or a key, or else of an address.
    async fn count(&self, question: &Question<'_>) -> Result<(), Problem> {
        let address = || Some(question.address?.network().to_string());
        let actor = admission::actor(self.identity.as_ref(), question.headers).await;
        let Some(who) = actor.or_else(address) else {
            return Ok(());
        };
        self.rates.take(&who).map_err(|_| {
            metrics::counter!("sealrock_rate_limited_total", "who" => "reader").increment(1);
            Problem::too_many()
        })
    }

    /// A place to read from the database.
    async fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.places).acquire_owned();
        match tokio::time::timeout(PATIENCE, place).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Problem::busy()),
        }
    }
}

/// `GET` and `HEAD` of `/ledger/<name>/…`.
pub fn router(state: LedgerState) -> Router {
    let gzip = CompressionLayer::new().compress_when(reply::is_compressible);
    Router::new()
        .route("/ledger/{*path}", get(read).fallback(no_such_method))
        .layer(gzip)
        .with_state(state)
}

async fn no_such_method(method: Method) -> Response {
    Problem::method(&method).into_response()
}

/// The path is taken as it came: one that is spelt with `%` is another.
async fn read(
    State(state): State<LedgerState>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let mut proved = None;
    let question = Question {
        headers: &headers,
        path: uri.path(),
        address: address.map(|Extension(address)| address),
    };
    let answered = answer(&state, &question, &mut proved).await;
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    if let Some(proved) = proved {
        response.extensions_mut().insert(proved);
    }
    response
}

/// What is asked for, by whom.
struct Question<'a> {
    headers: &'a HeaderMap,
    path: &'a str,
    address: Option<ClientAddress>,
}

async fn answer(
    state: &LedgerState,
    question: &Question<'_>,
    proved: &mut Option<Proved>,
) -> Result<Response, Problem> {
    let (name, resource) =
        split(question.path).ok_or_else(|| Problem::not_found("no such path"))?;
    // Before there is a place: who asks too often keeps nobody waiting.
    state.count(question).await?;
    let place = state.place().await?;
    let ledger = state.publisher.store().ledger(&name).await?;
    let open = ledger
        .as_ref()
        .is_some_and(|ledger| ledger.kind == LedgerKind::Registry);
    let mut admitted = None;
    if !open {
        // Before anything is said about whether there is such a ledger.
        let organisation = match &ledger {
            Some(ledger) => state.publisher.store().recorded_under(ledger).await?,
            None => name.clone(),
        };
        let identity = Arc::clone(&state.identity);
        let admission = Admission::new(identity, question.headers, &name, &organisation)?;
        let reader = admission.reader().await?;
        *proved = Some(Proved);
        admitted = Some((admission, reader, organisation));
    }
    let ledger = ledger.ok_or_else(|| Problem::not_found("there is no such ledger"))?;
    let resource: Resource = resource
        .parse()
        .map_err(|()| Problem::not_found("no such path in a ledger"))?;
    let reply = Reader {
        headers: question.headers,
        open,
    };
    if resource == Resource::Policy {
        let policy = state.publisher.policy(&ledger).await?;
        return Ok(reply.text(policy.to_string()));
    }
    let published = state.publisher.published(&ledger).await?;
    let published =
        published.ok_or_else(|| Problem::not_found("no checkpoint is published yet"))?;
    let size = published.checkpoint.size;
    if let (Some((_, reader, organisation)), true) = (
        &admitted,
        resource.is_content() && resource.is_covered(size),
    ) {
        state.exports.begun(reader, organisation, size).await;
    }
    let asked = Asked {
        ledger: &ledger,
        resource,
        admission: admitted.map(|(admission, ..)| admission),
    };
    serve(state, asked, published, &reply, place).await
}

/// What is served, to whom.
struct Asked<'a> {
    ledger: &'a LedgerInfo,
    resource: Resource,
    /// `None` where anybody may.
    admission: Option<Admission>,
}

fn split(path: &str) -> Option<(LedgerName, &str)> {
    let (name, resource) = path.strip_prefix("/ledger/")?.split_once('/')?;
    Some((name.parse().ok()?, resource))
}

async fn serve(
    state: &LedgerState,
    asked: Asked<'_>,
    published: Published,
    reader: &Reader<'_>,
    place: OwnedSemaphorePermit,
) -> Result<Response, Problem> {
    let size = published.checkpoint.size;
    let Asked {
        ledger,
        resource,
        admission,
    } = asked;
    if !resource.is_covered(size) {
        let reason = format!("the published checkpoint of {size} entries does not cover it");
        return Err(Problem::not_found(&reason));
    }
    let store = state.publisher.store();
    match resource {
        Resource::Checkpoint => Ok(reader.text(published.checkpoint.note)),
        Resource::Timestamp => match published.timestamp {
            Some(response) => Ok(reader.timestamp(response)),
            None => Err(Problem::not_found(
                "the published checkpoint has no timestamp",
            )),
        },
        Resource::Policy => unreachable!("a policy needs no checkpoint and is served before"),
        Resource::Hashes { level, n, width } => {
            let hashes = rows::tile(store, ledger, level, n, width).await?;
            Ok(reader.tile(hashes, width))
        }
        Resource::Entries { n, width } => {
            let rest = Rest::of_entries(state, ledger.id, (n, width), admission);
            Ok(reader.entries(rest.send(place).await?, width))
        }
        Resource::Payloads { n, width } => {
            let rest = Rest::of_payloads(state, ledger.id, (n, width), admission);
            Ok(reader.payloads(rest.send(place).await?))
        }
        Resource::Payload(index) => match rows::payload(store, ledger.id, index).await? {
            Some(payload) => Ok(reader.payload(payload)),
            None => Err(Problem::gone(index)),
        },
        Resource::Proof(index) => {
            let proof = rows::proof(store, ledger, index, published.checkpoint).await?;
            Ok(reader.text(proof.to_string()))
        }
    }
}
