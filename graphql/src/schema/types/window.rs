//! Hours of a device and their seals.

use async_graphql::SimpleObject;
use sealrock_ledger::LedgerName;
use sealrock_projections::windows::{Window as Stored, WindowSeal as StoredSeal};

use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Time};

/// An hour of a device: a batch belongs to that of its first reading, or of its receipt if that is
/// earlier.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Window {
    /// When it begins.
    hour: Time,
    /// Whether there are batches that no seal holds yet.
    waiting: bool,
    /// Its newest seal; null before the first.
    seal: Option<WindowSeal>,
}

/// An entry that closes an hour: it names the hour's batches and what they amount to.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct WindowSeal {
    /// Batches that it holds.
    batches: Count,
    /// Root of the Merkle tree over the batches' leaf hashes, in hex.
    root: String,
    /// How many seals the hour has: each takes the place of the one before.
    version: Count,
    /// When it was recorded.
    sealed_at: Time,
    /// The seal's entry; its payload says the rest.
    provenance: Provenance,
}

impl Window {
    pub(crate) fn new(ledger: &LedgerName, window: Stored) -> Self {
        Self {
            hour: window.hour.start().into(),
            waiting: window.waiting,
            seal: window.seal.map(|seal| WindowSeal::new(ledger, &seal)),
        }
    }
}

impl WindowSeal {
    fn new(ledger: &LedgerName, seal: &StoredSeal) -> Self {
        Self {
            batches: Count(seal.batches),
            root: seal.root.to_string(),
            version: Count(seal.at.version),
            sealed_at: seal.sealed_at.into(),
            provenance: Provenance::of(ledger, [seal.at.index]),
        }
    }
}
