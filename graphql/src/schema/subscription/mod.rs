//! Subscriptions.

mod entries;
mod follow;
mod frames;
mod latest;
mod readings;
mod states;
mod tail;
mod wells;

pub(crate) use entries::{EntriesSubscription, EntryFeeds};
pub(crate) use follow::Pages;
pub(crate) use frames::FrameRoom;
pub(crate) use latest::{LatestFeeds, LatestSubscription};
pub(crate) use readings::{ReadingFeeds, ReadingsSubscription};
pub(crate) use wells::{WellFeeds, WellSubscription};
