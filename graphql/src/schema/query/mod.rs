//! Queries.

mod access;
mod credits;
mod invitations;
mod ledger;
mod node;
mod ranking;
mod registrations;
mod registry;
mod telemetry;
mod viewer;
mod wells;

pub(crate) use access::AccessQuery;
pub(crate) use credits::{CreditQuery, visible_issuance};
pub(crate) use invitations::InvitationQuery;
pub(crate) use ledger::{LedgerQuery, existing as existing_ledger};
pub(crate) use ranking::RankingQuery;
pub(crate) use registrations::RegistrationQuery;
pub(crate) use registry::RegistryQuery;
pub(crate) use telemetry::{LatestOf, TelemetryQuery};
pub(crate) use viewer::ViewerQuery;
pub(crate) use wells::WellQuery;
