#![doc = include_str!("../README.md")]

mod asked;
mod binding;
pub mod captures;
mod copy;
pub mod credits;
pub mod device_status;
mod entry;
mod erasing;
pub mod latest;
pub mod leaderboard;
mod leases;
pub mod ledger;
pub mod overview;
mod read_models;
pub mod readings;
pub mod registry;
pub mod rollups;
mod runner;
mod seqs;
pub mod targets;
mod telemetry;
pub mod wells;
pub mod windows;

pub use leases::{Lease, Leases};
pub use read_models::{QueryError, ReadModels};
pub use runner::{
    Behind, FoldError, Positions, Prepared, Projection, ProjectionStatus, RebuildError, Rebuilt,
    Runner, RunnerError, Shown, State, WaitError,
};

/// What names a ledger and its entries in the answers here.
pub use sealrock_eventstore::{LedgerId, LedgerInfo, LedgerKind, Recorded};

use std::sync::Arc;

/// Every read model of the platform, for [`Runner::new`].
#[must_use]
pub fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(registry::RegistryProjection),
        Arc::new(readings::ReadingsProjection),
        Arc::new(latest::LatestProjection),
        Arc::new(rollups::RollupsProjection),
        Arc::new(device_status::DeviceStatusProjection),
        Arc::new(windows::WindowsProjection),
        Arc::new(captures::CapturesProjection),
        Arc::new(targets::TargetsProjection),
        Arc::new(wells::WellsProjection),
        Arc::new(credits::CreditsProjection),
    ]
}
