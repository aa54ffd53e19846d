//! The role `api`: what people and auditors ask.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use sealrock_access::{FactorKey, Gate, LOOK, TokenKeys, Tokens, accounts};
use sealrock_audit::{LedgerState, Publisher, Readers};
use sealrock_commands::Identities;
use sealrock_graphql::{AllowList, GraphqlSettings, GraphqlState, STATEMENT_TIME};
use sealrock_projections::{ReadModels, Runner};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::exports::ExportNotes;
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
    record_roles(platform).await;
    let tokens = Arc::new(tokens(config, stopping).await?);
    let of_jwks = Arc::clone(&tokens);
    let pool = platform.store.pool();
    // Known before the first token is looked at.
    tokens.revoked().read(pool).await?;
    let revoked = tokens.revoked().clone().follow(pool.clone());
    tokio::spawn(stopping.clone().run_until_cancelled_owned(revoked));
    let folder = config.keys_folder();
    let factors = spawn_blocking(move || FactorKey::open_in(&folder)).await??;
    let gate = Gate::new(pool.clone(), Arc::clone(&tokens), Arc::new(factors));
    let readers = Readers {
        at_once: (config.database_connections / 3).max(1) as usize,
        per_second: config.ledger_requests_per_second,
    };
    let identities = Identities::new(platform.commands.clone(), tokens);
    let oidc = oidc(config, platform, &gate, &identities)?;
    let ledgers = sealrock_audit::router(LedgerState::new(
        publisher.clone(),
        Arc::new(identities.clone()),
        Arc::new(ExportNotes::new(platform.commands.clone())),
        readers,
    ));
    let questions = sealrock_eventstore::connect_for_questions(
        &platform.database.url,
        (config.database_connections / 2).max(1),
        STATEMENT_TIME,
    );
    let questions = questions.await.context("connections for questions")?;
    let graphql = sealrock_graphql::router(GraphqlState {
        commands: platform.commands.clone(),
        read: ReadModels::new(platform.store.clone()).asking(questions),
        runner: runner.clone(),
        identities,
        gate,
        pool: platform.store.pool().clone(),
        patience: PATIENCE,
        development: config.development,
        settings: settings(config)?,
        shutdown: stopping.clone(),
    });
    let jwks = axum::routing::get(move || async move { axum::Json(of_jwks.jwks()) });
    let routes = graphql.merge(ledgers).merge(oidc);
    Ok(routes.route("/.well-known/jwks.json", jwks))
}

/// The way to an identity provider and back, if one is set.
#[cfg(feature = "oidc")]
fn oidc(
    config: &Config,
    platform: &Platform,
    gate: &Gate,
    identities: &Identities,
) -> anyhow::Result<Router> {
    let provider = crate::oidc::provider(config)?;
    Ok(provider.map_or_else(Router::new, |oidc| {
        sealrock_oidc::router(sealrock_oidc::OidcState {
            oidc,
            gate: gate.clone(),
            identities: identities.clone(),
            pool: platform.store.pool().clone(),
        })
    }))
}

/// A setting that does nothing would let people wait for a door that is not there.
#[cfg(not(feature = "oidc"))]
fn oidc(config: &Config, _: &Platform, _: &Gate, _: &Identities) -> anyhow::Result<Router> {
    anyhow::ensure!(
        config.oidc()?.is_none(),
        "oidc_issuer is set, and this sealrock was built without it: build it with \
         `cargo build --release --package sealrock --features oidc`, or take the setting away"
    );
    Ok(Router::new())
}

/// Tokens of the keys in the keys folder, which are taken up again and again: `sealrock key
/// rotate-tokens` on any node changes them.
async fn tokens(config: &Config, stopping: &CancellationToken) -> anyhow::Result<Tokens> {
    let (keys, origin) = (TokenKeys::new(config.keys_folder()), config.origin.clone());
    let reader = keys.clone();
    let tokens = spawn_blocking(move || Tokens::of_keys(&reader, origin)).await??;
    let (kept, stopping) = (tokens.clone(), stopping.clone());
    tokio::spawn(async move {
        while stopping
            .run_until_cancelled(tokio::time::sleep(LOOK))
            .await
            .is_some()
        {
            let (tokens, keys) = (kept.clone(), keys.clone());
            match spawn_blocking(move || tokens.take_up(&keys)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "tokens go on with the keys that are known");
                }
                Err(error) => tracing::error!(%error, "the keys of tokens were not looked at"),
            }
        }
    });
    Ok(tokens)
}

/// What GraphQL answers to whom.
fn settings(config: &Config) -> anyhow::Result<GraphqlSettings> {
    let list = config.graphql_allow_list.as_deref();
    Ok(GraphqlSettings {
        introspection: config.graphql_introspection,
        allow_list: list.map(AllowList::open).transpose()?,
        requests_per_second: config.graphql_requests_per_second,
        cost_per_minute: config.graphql_cost_per_minute,
    })
}

/// Roles of accounts from before ledgers said them. Until it works out, the rows count.
async fn record_roles(platform: &Platform) {
    if let Err(error) = platform.commands.record_roles_of_rows().await {
        tracing::warn!(%error, "not all roles of accounts are in ledgers yet; the next start tries again");
    }
    if let Err(error) = platform.commands.finish_invitations().await {
        tracing::warn!(%error, "not all who accepted an invitation are members yet; the next start tries again");
    }
    if let Err(error) = platform.commands.forget_registrations().await {
        tracing::warn!(%error, "registrations of long ago are still there; the next one tries again");
    }
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
