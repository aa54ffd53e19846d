//! Words of wells and their totals.

use async_graphql::Enum;

/// What a well is for.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_domain::well::WellKind")]
pub(crate) enum WellKind {
    /// It takes CO2.
    Injector,
    /// It only watches.
    Monitor,
    /// It brings fluid up.
    Producer,
}

/// What a well does.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WellStatus {
    /// Nothing: it may be started.
    Idle,
    /// It injects.
    Injecting,
    /// It is shut in, and may be started when the cause is closed.
    ShutIn,
    /// It is plugged for good.
    Plugged,
}

/// Which part of a well a mechanical integrity test is about.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_domain::well::MitKind")]
pub(crate) enum MitKind {
    /// No leak in casing, tubing or packer.
    Internal,
    /// No flow along the outside of the casing; tested yearly.
    External,
}

/// Over which span injected totals are made.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_projections::wells::Per")]
pub(crate) enum InjectionPer {
    /// Each UTC day that has a record.
    Day,
    /// Each calendar month.
    Month,
    /// Each calendar year.
    Year,
    /// All of it: one total, or none of nothing.
    All,
}

/// What injected totals are made of.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "sealrock_projections::wells::By")]
pub(crate) enum InjectionBy {
    /// Each well by itself, with its share of the permit.
    Well,
    /// Each site.
    Site,
    /// The whole organisation.
    Organisation,
}
