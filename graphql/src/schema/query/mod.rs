//! Queries.

mod ledger;
mod node;
mod registry;
mod telemetry;

pub(crate) use ledger::{LedgerQuery, existing as existing_ledger};
pub(crate) use registry::RegistryQuery;
pub(crate) use telemetry::{LatestOf, TelemetryQuery};
