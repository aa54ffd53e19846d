//! Proof that a command is durable.

use async_graphql::{SimpleObject, Value, value};
use sealrock_commands::Done;

use crate::schema::scalars::Count;

/// Proof that a command is durable: its entries are in a tree whose checkpoint is signed.
#[derive(Debug, Clone, SimpleObject)]
pub(super) struct Receipt {
    /// Name of the ledger.
    ledger: String,
    /// The ledger's name in checkpoints.
    origin: String,
    /// Index of the first entry.
    first_index: Count,
    /// Index of the last entry.
    last_index: Count,
    /// The signed note of the commit that appended them.
    checkpoint: String,
}

impl Receipt {
    pub(super) fn of(done: &Done) -> Self {
        let receipt = &done.receipt;
        Self {
            ledger: receipt.ledger.ledger().to_owned(),
            origin: receipt.ledger.to_string(),
            first_index: receipt.first.into(),
            last_index: receipt.last.into(),
            checkpoint: receipt.checkpoint.clone(),
        }
    }

    /// As it is put into an error.
    pub(super) fn value(&self) -> Value {
        let Self {
            ledger,
            first_index,
            last_index,
            ..
        } = self;
        value!({
            "ledger": (ledger.as_str()),
            "firstIndex": (first_index.0),
            "lastIndex": (last_index.0),
        })
    }
}
