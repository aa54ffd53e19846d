//! Which hours of which devices are sealed, and what a seal that is due has to hold.
//!
//! The hours themselves ([`Hour`]) and what a seal says are the domain's matter
//! (`sealrock_domain::telemetry::window`). Here are the batches that no seal holds, a row each: an
//! hour may have millions.

mod fold;
mod queries;

use chrono::{DateTime, Utc};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::window::{Gap, Hour, Root};
use sealrock_ledger::Index;

pub use fold::WindowsProjection;

/// Name of the read model.
pub const NAME: &str = "windows";

/// An hour of a device that has batches which no seal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueWindow {
    /// The device.
    pub device: DeviceId,
    /// The hour.
    pub hour: Hour,
}

/// What a seal of a window has to add, all of it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsealed {
    /// The entries of batches that no seal holds, ascending.
    pub entries: Vec<Index>,
    /// The seal that the next one supersedes.
    pub seal: Option<SealAt>,
}

/// Where a seal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealAt {
    /// Its entry.
    pub index: Index,
    /// Its number in the window's stream, from 1.
    pub version: u64,
}

/// The gaps that a seal lists, and those that the ledger has to name before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapsBelow {
    /// Open ones within the window's boots and directly below them, lowest first.
    pub listed: Vec<Gap>,
    /// Open ones below the boots' last seqs that no entry names.
    pub unnamed: Vec<Gap>,
    /// The version of the device's stream of gaps at that moment.
    pub version: u64,
}

/// An hour of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The hour.
    pub hour: Hour,
    /// Whether there are batches that no seal holds.
    pub waiting: bool,
    /// Its newest seal.
    pub seal: Option<WindowSeal>,
}

/// The newest seal of an hour; its entry's payload says more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowSeal {
    /// Where it stands.
    pub at: SealAt,
    /// When it was recorded.
    pub sealed_at: DateTime<Utc>,
    /// Batches that it holds.
    pub batches: u64,
    /// The root over their leaf hashes.
    pub root: Root,
}
