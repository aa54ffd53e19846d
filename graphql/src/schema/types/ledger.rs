//! Ledgers and their signatures.

use async_graphql::{Object, SimpleObject};
use sealrock_projections::LedgerInfo;

use crate::schema::position::Position;
use crate::schema::scalars::Count;

/// A signed append-only log of everything that happened in an organisation.
pub(crate) struct Ledger(pub(crate) LedgerInfo);

/// A signed append-only log of everything that happened in an organisation.
#[Object]
impl Ledger {
    /// Its name: the organisation's.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// Its name in checkpoints, unique in the world.
    async fn origin(&self) -> &str {
        self.0.origin.as_str()
    }

    /// Its public key, as signed notes name it.
    async fn verifier_key(&self) -> &str {
        &self.0.vkey
    }

    /// Whether it holds a demonstration: what simulated devices send counts here, and only here.
    async fn demo(&self) -> bool {
        self.0.demo
    }

    /// The position before its first entry: subscribe after it to get everything.
    async fn start(&self) -> Position {
        Position::start(self.0.name.clone())
    }
}

/// A signed statement of a ledger's size and Merkle root.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Checkpoint {
    /// Number of entries that it covers.
    size: Count,
    /// The signed note (C2SP tlog-checkpoint), byte for byte.
    note: String,
}

impl From<&sealrock_ledger::Checkpoint> for Checkpoint {
    fn from(checkpoint: &sealrock_ledger::Checkpoint) -> Self {
        Self {
            size: Count(checkpoint.size),
            note: checkpoint.note.clone(),
        }
    }
}
