#![doc = include_str!("../README.md")]

mod cluster;
mod database;
mod scratch;
mod signer;

pub use cluster::{Cluster, cluster};
pub use database::{TestDatabase, database};
pub use signer::DeviceSigner;
