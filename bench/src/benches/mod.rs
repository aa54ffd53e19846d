//! One file or folder a benchmark.

pub mod append;
pub mod command;
mod devices;
pub mod external;
pub mod growth;
pub mod latency;
pub mod mqtt;
pub mod overload;
pub mod queries;
pub mod rebuild;
pub mod retention;
mod rows;
pub mod stream;
pub mod subscribers;
pub mod verify;
