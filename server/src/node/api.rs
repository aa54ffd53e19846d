//! The role `api`: what people and auditors ask.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sealrock_access::{TokenKey, Tokens, accounts};
use sealrock_audit::{LedgerState, Publisher};
use sealrock_graphql::GraphqlState;
use sealrock_projections::{ReadModels, Runner};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::platform::Platform;

/// How long a mutation waits for the read models that it names.
const PATIENCE: Duration = Duration::from_secs(10);

/// GraphQL with sign-in, the routes of ledgers, and the key by which tokens are checked.
pub(super) async fn routes(
    config: &Config,
    platform: &Platform,
    runner: &Runner,
    publisher: &Publisher,
    stopping: &CancellationToken,
) -> anyhow::Result<Router> {
    announce_first_admin(platform).await?;
    let key_file = config.keys_folder().join("token.key");
    let key = tokio::task::spawn_blocking(move || TokenKey::open(&key_file)).await??;
    let tokens = Arc::new(Tokens::new(key, config.origin.clone()));
    let jwks = tokens.jwks();
    let readers = (config.database_connections / 3).max(1) as usize;
    let ledgers = sealrock_audit::router(LedgerState::new(
        publisher.clone(),
        Arc::clone(&tokens),
        readers,
    ));
    let graphql = sealrock_graphql::router(GraphqlState {
        commands: platform.commands.clone(),
        read: ReadModels::new(platform.store.clone()),
        runner: runner.clone(),
        tokens,
        pool: platform.store.pool().clone(),
        patience: PATIENCE,
        development: config.development,
        shutdown: stopping.clone(),
    });
    let jwks = axum::routing::get(move || async move { axum::Json(jwks) });
    Ok(graphql.merge(ledgers).route("/.well-known/jwks.json", jwks))
}

/// Made once, shown once: on standard output, not in the log.
async fn announce_first_admin(platform: &Platform) -> anyhow::Result<()> {
    if let Some(admin) = accounts::create_first_admin(platform.store.pool()).await? {
        println!(
            "first administrator: user {} password {}   (shown this once)",
            admin.username,
            admin.password.reveal()
        );
    }
    Ok(())
}
