//! What the GraphQL interface stands on.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sealrock_access::Gate;
use sealrock_commands::{Commands, Identities};
use sealrock_projections::{ReadModels, Runner};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::document::{AllowList, DocumentLimits, Documents, Reader};
use crate::endpoint::{Endpoint, Limits};
use crate::places::Places;
use crate::rates::Rates;

/// What the GraphQL interface stands on. Cheap to clone.
#[derive(Clone)]
pub struct GraphqlState {
    /// Where mutations go.
    pub commands: Commands,
    /// Where queries and subscriptions read.
    pub read: ReadModels,
    /// Tells how far the read models have come; it runs here or in another process.
    pub runner: Runner,
    /// Tells who the bearer of a token is, and what they may do.
    pub identities: Identities,
    /// Lets people in.
    pub gate: Gate,
    /// Where accounts are.
    pub pool: PgPool,
    /// How long a mutation with `waitFor` waits for read models; then it answers with its receipt
    /// and an error. Ten seconds are usual: clients give up after thirty.
    pub patience: Duration,
    /// Whether browsers that open `/graphql` get a page to try queries on.
    pub development: bool,
    /// What is answered to whom, and how much of it.
    pub settings: GraphqlSettings,
    /// Sockets are closed (1001) when this is cancelled. The HTTP server's own shutdown does not
    /// wait for sockets.
    pub shutdown: CancellationToken,
}

/// What is answered to whom, and how much of it.
#[derive(Debug, Clone)]
pub struct GraphqlSettings {
    /// Whether who is signed in may ask for the schema's description; unset, in development.
    pub introspection: Option<bool>,
    /// The documents besides which nothing is answered, if there is such a list.
    pub allow_list: Option<AllowList>,
    /// Requests of one account in a second; twice as many may come at once.
    pub requests_per_second: NonZeroU32,
    /// What the operations of one account may cost in a minute: a field counts 1, a list as many
    /// times its fields as it may have items.
    pub cost_per_minute: NonZeroU32,
}

impl Default for GraphqlSettings {
    fn default() -> Self {
        Self {
            introspection: None,
            allow_list: None,
            requests_per_second: NonZeroU32::new(1_000).expect("it is not zero"),
            cost_per_minute: NonZeroU32::new(100_000_000).expect("it is not zero"),
        }
    }
}

/// How long one query or mutation may take, the arrival of its request included.
pub(crate) const REQUEST_TIME: Duration = Duration::from_secs(30);
/// How long a statement of one may take. It begins later than its request, and must end before nobody
/// waits for it any more.
pub const STATEMENT_TIME: Duration = Duration::from_secs(20);
const _: () = assert!(STATEMENT_TIME.as_secs() < REQUEST_TIME.as_secs());

/// The routes `/graphql` and `/graphql/ws`.
pub fn router(state: GraphqlState) -> Router {
    let limits = Limits::default();
    let settings = state.settings.clone();
    let rates = Rates::new(settings.requests_per_second, settings.cost_per_minute);
    let rates = Arc::new(rates);
    let endpoint = Endpoint {
        executor: crate::schema::schema(&state, Arc::clone(&rates)),
        reader: Reader {
            limits: DocumentLimits::default(),
            documents: Documents::new(settings.allow_list),
            introspection: settings.introspection.unwrap_or(state.development),
        },
        rates,
        identity: Arc::new(state.identities),
        development: state.development,
        places: Places::new(&limits),
        limits,
        shutdown: state.shutdown,
    };
    crate::http::router(endpoint)
}
