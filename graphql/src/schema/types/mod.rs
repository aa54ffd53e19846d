//! The types of the schema.

mod asset;
mod attribute;
mod captures;
mod credit_block;
mod device;
mod device_status;
mod entry;
mod invitation;
mod issuance;
mod kinds;
mod latest;
mod leaderboard;
mod ledger;
mod mass_account;
mod organisation;
mod overview;
mod projection;
mod reading;
mod series;
mod session;
pub(super) mod shown;
mod site;
mod target;
mod viewer;
mod wells;
mod window;

pub(crate) use asset::Asset;
pub(crate) use attribute::{Attribute, AttributeInput};
pub(crate) use captures::{Capture, CaptureUnit, Captures};
pub(crate) use credit_block::{CreditBlock, IssuedTotal};
pub(crate) use device::Device;
pub(crate) use device_status::{DeviceStatus, Gap};
pub(crate) use entry::LedgerEntry;
pub(crate) use invitation::Invitation;
pub(crate) use issuance::Issuance;
pub(crate) use kinds::{
    AssetKind, CaptureTechnology, CaptureUnitStatus, Per, Quality, SiteKind, Source,
};
pub(crate) use latest::LatestReading;
pub(crate) use leaderboard::{Leaderboard, LeaderboardOrder};
pub(crate) use ledger::{Checkpoint, Ledger};
pub(crate) use mass_account::{AccountEntry, MassAccount};
pub(crate) use organisation::Organisation;
pub(crate) use overview::SystemOverview;
pub(crate) use projection::ProjectionStatus;
pub(crate) use reading::Reading;
pub(crate) use series::TimeSeries;
pub(crate) use site::Site;
pub(crate) use target::EmissionTarget;
pub(crate) use viewer::{Role, Viewer};
pub(crate) use wells::{
    InjectionBy, InjectionDay, InjectionPer, InjectionTotal, Injections, MitKind, Well, WellKind,
};
pub(crate) use window::Window;
