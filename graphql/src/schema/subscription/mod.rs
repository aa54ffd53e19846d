//! Subscriptions.

mod entries;
mod follow;
mod latest;
mod readings;
mod wells;

pub(crate) use entries::EntriesSubscription;
pub(crate) use latest::LatestSubscription;
pub(crate) use readings::ReadingsSubscription;
pub(crate) use wells::WellSubscription;
