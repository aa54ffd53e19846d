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

use async_graphql::dataloader::DataLoader;
use async_graphql::{MergedObject, MergedSubscription, Schema};

use crate::state::GraphqlState;
use loaders::{LedgerNames, Loader};
pub(crate) use problem::Problem;

/// Levels of fields in a document. Introspection by usual clients needs 15.
const MAX_DEPTH: usize = 20;
/// Weight of a document: a field counts 1, a list as many times its fields as it may have items.
const MAX_COMPLEXITY: usize = 200_000;

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
);

#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub(crate) struct Mutation(
    mutation::AccountMutation,
    mutation::RegistryMutation,
    mutation::DeviceMutation,
    mutation::CaptureMutation,
    mutation::TargetMutation,
    mutation::CreditMutation,
    mutation::WellMutation,
    mutation::InjectionDayMutation,
);

#[derive(MergedSubscription, Default)]
#[graphql(name = "Subscription")]
pub(crate) struct Subscription(
    subscription::ReadingsSubscription,
    subscription::EntriesSubscription,
    subscription::LatestSubscription,
    subscription::WellSubscription,
);

pub(crate) type SealrockSchema = Schema<Query, Mutation, Subscription>;

pub(crate) fn schema(state: &GraphqlState) -> SealrockSchema {
    let loader = DataLoader::new(Loader(state.read.clone()), tokio::spawn);
    Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .data(loader)
    .data(LedgerNames::default())
    .data(state.read.clone())
    .data(state.runner.clone())
    .data(state.commands.clone())
    .data(state.tokens.clone())
    .data(state.pool.clone())
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

/// The schema in the schema language.
#[must_use]
pub fn sdl() -> String {
    Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .finish()
    .sdl()
}
