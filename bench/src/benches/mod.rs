//! One file a benchmark.

pub mod append;
pub mod latency;
pub mod rebuild;
mod rows;
pub mod verify;
