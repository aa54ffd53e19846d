//! Subscriptions.

mod entries;
mod follow;
mod latest;
mod readings;

pub(crate) use entries::EntriesSubscription;
pub(crate) use latest::LatestSubscription;
pub(crate) use readings::ReadingsSubscription;
