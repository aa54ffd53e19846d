//! The figures of a front page: how much of everything an organisation has, and how it is doing.
//!
//! Counted when asked, over indexes; there are no tables of its own.

mod queries;

use sealrock_ledger::Index;

/// Sites in use and devices that are not out of use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Registered {
    /// Sites.
    pub sites: u64,
    /// Devices.
    pub devices: u64,
    /// Devices that a broker says are connected.
    pub online: u64,
    /// Devices of which a batch came since the time that was asked for.
    pub reporting: u64,
}

/// Wells that are not plugged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WellCounts {
    /// Injectors.
    pub injectors: u64,
    /// Injectors that inject.
    pub injecting: u64,
    /// Monitors.
    pub monitors: u64,
    /// Monitors whose devices measured something since the time that was asked for.
    pub monitoring: u64,
    /// The entries that changed each of them last.
    pub indexes: Vec<Index>,
}

/// Credits, one a tonne.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CreditCounts {
    /// Asked for and not decided.
    pub requested: u64,
    /// Issued for what the organisation stored, or by it if it is a registry.
    pub issued: u64,
    /// Held by the organisation.
    pub held: u64,
}

/// How far the hours since a time are sealed, and what never came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sealing {
    /// Hours of devices with a seal.
    pub sealed: u64,
    /// Hours of devices with batches that no seal holds.
    pub waiting: u64,
    /// The newest seal's entry.
    pub newest_seal: Option<Index>,
    /// Open gaps of all time: runs of batches that did not come.
    pub open_gaps: u64,
    /// Batches in them.
    pub missing: u64,
}
