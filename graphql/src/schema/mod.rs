//! The schema: types, queries, mutations, subscriptions.

mod as_of;
mod global_id;
mod guard;
mod input;
mod loaders;
mod mutation;
mod opaque;
mod paging;
mod position;
mod problem;
mod provenance;
mod query;
mod scalars;
mod subscription;
mod types;

use std::sync::Arc;

use async_graphql::dataloader::DataLoader;
use async_graphql::{MergedObject, MergedSubscription, Schema};
use futures::future::BoxFuture;
use tracing::Instrument as _;

use crate::rates::{Costs, Rates};
use crate::state::GraphqlState;
use loaders::{LedgerNames, Loader};
pub(crate) use problem::Problem;

/// Levels of fields in a document. Introspection by usual clients needs 15.
const MAX_DEPTH: usize = 20;
/// Weight of a document: a field counts 1, a list as many times its fields as it may have items.
const MAX_COMPLEXITY: usize = 200_000;

/// What can be asked. Nothing of it changes anything.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub(crate) struct Query(
    query::RegistryQuery,
    query::TelemetryQuery,
    query::LedgerQuery,
    query::RankingQuery,
    query::CreditQuery,
    query::WellQuery,
    query::ViewerQuery,
    query::InvitationQuery,
    query::RegistrationQuery,
    query::AccessQuery,
);

/// What can be recorded, and who may go in. An answer with a receipt is durable.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub(crate) struct Mutation(
    mutation::AccountMutation,
    mutation::SessionMutation,
    mutation::SecondFactorMutation,
    mutation::InvitationMutation,
    mutation::AccessMutation,
    mutation::RegistrationMutation,
    mutation::RegistryMutation,
    mutation::DeviceMutation,
    mutation::DeviceCertificateMutation,
    mutation::CaptureMutation,
    mutation::TargetMutation,
    mutation::CreditMutation,
    mutation::WellMutation,
    mutation::InjectionDayMutation,
);

/// What can be followed, over a WebSocket.
#[derive(MergedSubscription, Default)]
#[graphql(name = "Subscription")]
pub(crate) struct Subscription(
    subscription::ReadingsSubscription,
    subscription::EntriesSubscription,
    subscription::LatestSubscription,
    subscription::WellSubscription,
);

pub(crate) type SealrockSchema = Schema<Query, Mutation, Subscription>;

pub(crate) fn schema(state: &GraphqlState, rates: Arc<Rates>) -> SealrockSchema {
    // What a loader asks is asked for the request that asked it, in the log too.
    let spawn = |task: BoxFuture<'static, ()>| tokio::spawn(task.in_current_span());
    let loader = DataLoader::new(Loader(state.read.clone()), spawn);
    let mut schema = Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    );
    // Which names there are is for who may read the schema.
    if !state.settings.introspection.unwrap_or(state.development) {
        schema = schema.disable_suggestions().disable_introspection();
    }
    schema
        .extension(Costs(rates))
        .data(loader)
        .data(LedgerNames::default())
        .data(state.read.clone())
        .data(state.runner.clone())
        .data(state.commands.clone())
        .data(state.identities.clone())
        .data(state.pool.clone())
        .data(state.gate.clone())
        .data(subscription::Pages::default())
        .data(subscription::FrameRoom::default())
        .data(subscription::ReadingFeeds::default())
        .data(subscription::EntryFeeds::default())
        .data(subscription::LatestFeeds::default())
        .data(subscription::WellFeeds::default())
        .data(mutation::Patience(state.patience))
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_COMPLEXITY)
        .finish()
}

/// The schema in the schema language. The types of pages, which the library writes without a description,
/// get theirs here: introspection shows them without.
#[must_use]
pub fn sdl() -> String {
    let schema = Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    );
    let written = schema.finish().sdl();
    let described = written.split_inclusive('\n').map(|line| {
        let page = line
            .strip_prefix("type ")
            .and_then(|rest| rest.strip_suffix("Connection {\n"));
        match page {
            Some(of) => format!("\"\"\"\nA page of a list: {of}\n\"\"\"\n{line}"),
            None => line.to_owned(),
        }
    });
    described.collect()
}
