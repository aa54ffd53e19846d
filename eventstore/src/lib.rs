#![doc = include_str!("../README.md")]

mod aggregate_store;
mod append;
mod custody;
mod erase;
mod error;
mod evidence;
mod history;
mod keys;
mod last;
mod ledgers;
mod reader;
mod room;
mod schema;
mod sizes;
mod stops;
mod store;
mod tree_rows;
mod witnessed;
mod writer;
mod writers;

pub use aggregate_store::{AggregateCache, AggregateStore, Codec, CommandContext, Loaded};
pub use append::{Append, Appended, Expected, NewEvent, Receipt, Retention};
pub use erase::{DroppedDay, Erasure, IndexSet, NotErasable, Why, read_listed, readable_erasures};
pub use error::{AppendError, StoreError};
pub use keys::{KeyError, KeyFiles, KeySource, Signer};
pub use ledgers::{LedgerId, LedgerInfo, LedgerKind};
pub use reader::Recorded;
pub use schema::{
    connect, connect_as_login, connect_for_questions, migrate, require_durable, require_migrated,
};
pub use store::EventStore;
pub use writer::{Adopted, Continued, Operator};
