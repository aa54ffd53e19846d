//! The types of the schema.

mod asset;
mod attribute;
mod device;
mod device_status;
mod entry;
mod kinds;
mod latest;
mod leaderboard;
mod ledger;
mod organisation;
mod overview;
mod projection;
mod reading;
mod series;
mod site;
mod target;
mod viewer;
mod window;

pub(crate) use asset::Asset;
pub(crate) use attribute::{Attribute, AttributeInput};
pub(crate) use device::Device;
pub(crate) use device_status::{DeviceStatus, Gap};
pub(crate) use entry::LedgerEntry;
pub(crate) use kinds::{AssetKind, Quality, SiteKind, Source};
pub(crate) use latest::LatestReading;
pub(crate) use leaderboard::{Leaderboard, LeaderboardOrder};
pub(crate) use ledger::{Checkpoint, Ledger};
pub(crate) use organisation::Organisation;
pub(crate) use overview::SystemOverview;
pub(crate) use projection::ProjectionStatus;
pub(crate) use reading::Reading;
pub(crate) use series::TimeSeries;
pub(crate) use site::Site;
pub(crate) use target::EmissionTarget;
pub(crate) use viewer::Viewer;
pub(crate) use window::Window;
