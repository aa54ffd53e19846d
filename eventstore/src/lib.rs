#![doc = include_str!("../README.md")]

mod aggregate_store;
mod append;
mod erase;
mod error;
mod keys;
mod ledgers;
mod reader;
mod room;
mod schema;
mod sizes;
mod store;
mod writer;
mod writers;

pub use aggregate_store::{AggregateStore, Codec, CommandContext, Loaded};
pub use append::{Append, Appended, Expected, NewEvent, Receipt, Retention};
pub use erase::{Erasure, IndexSet, NotErasable, Why, read_listed, readable_erasures};
pub use error::{AppendError, StoreError};
pub use keys::{KeyError, KeyFiles, KeySource};
pub use ledgers::{LedgerId, LedgerInfo, LedgerKind};
pub use reader::Recorded;
pub use schema::{connect, connect_as_login, migrate, require_durable, require_migrated};
pub use store::EventStore;
