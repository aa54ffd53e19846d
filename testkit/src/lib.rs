#![doc = include_str!("../README.md")]

mod authority;
mod cluster;
mod database;
mod mosquitto;
mod scratch;
mod signer;

pub use authority::{Authority, Pair};
pub use cluster::{Cluster, cluster};
pub use database::{TestDatabase, database};
pub use mosquitto::Mosquitto;
pub use signer::DeviceSigner;
