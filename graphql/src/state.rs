//! What the GraphQL interface stands on.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sealrock_access::Tokens;
use sealrock_commands::Commands;
use sealrock_projections::{ReadModels, Runner};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::endpoint::{Endpoint, Limits, Places};

/// What the GraphQL interface stands on. Cheap to clone.
#[derive(Clone)]
pub struct GraphqlState {
    /// Where mutations go.
    pub commands: Commands,
    /// Where queries and subscriptions read.
    pub read: ReadModels,
    /// Tells how far the read models have come; it runs here or in another process.
    pub runner: Runner,
    /// Issues and checks bearer tokens.
    pub tokens: Arc<Tokens>,
    /// Where accounts are.
    pub pool: PgPool,
    /// How long a mutation with `waitFor` waits for read models; then it answers with its receipt
    /// and an error. Ten seconds are usual: clients give up after thirty.
    pub patience: Duration,
    /// Whether browsers that open `/graphql` get a page to try queries on.
    pub development: bool,
    /// Sockets are closed (1001) when this is cancelled. The HTTP server's own shutdown does not
    /// wait for sockets.
    pub shutdown: CancellationToken,
}

/// The routes `/graphql` and `/graphql/ws`.
pub fn router(state: GraphqlState) -> Router {
    let limits = Limits::default();
    let endpoint = Endpoint {
        executor: crate::schema::schema(&state),
        tokens: state.tokens,
        development: state.development,
        places: Places::new(&limits),
        limits,
        shutdown: state.shutdown,
    };
    crate::http::router(endpoint)
}
