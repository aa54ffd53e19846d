#![doc = include_str!("../README.md")]

mod bundle;
mod checkpoint;
mod entry;
mod name;
mod payload;
mod policy;
pub mod record;
mod scope;
mod tile;
mod tree;
pub mod verify;

pub use bundle::{
    BundleError, Slot, decode_entries, decode_payloads, encode_entries, encode_payloads,
};
pub use checkpoint::{Checkpoint, CheckpointError, KeyRange, LogKey, LogVerifier};
pub use entry::{Entry, EntryError, MAX_ENTRY_BYTES, micros};
pub use name::{Index, LedgerName, NameError, Origin};
pub use payload::{Payload, SALT_BYTES};
pub use policy::{Policy, PolicyError};
pub use scope::{Scope, ScopeError};
pub use tile::{TILE_WIDTH, TilePath};
pub use tlog_tiles::Hash;
pub use tree::{Frontier, FrontierError, leaf_hash, subtree_hash};
