#![doc = include_str!("../README.md")]

mod cluster;
mod database;
mod scratch;

pub use cluster::{Cluster, cluster};
pub use database::{TestDatabase, database};
