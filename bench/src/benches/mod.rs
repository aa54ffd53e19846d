//! One file or folder a benchmark.

pub mod append;
pub mod latency;
pub mod rebuild;
mod rows;
pub mod command;
pub mod rebuild;
pub mod stream;
pub mod verify;
