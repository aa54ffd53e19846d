//! One file a benchmark.

pub mod rebuild;
pub mod verify;
