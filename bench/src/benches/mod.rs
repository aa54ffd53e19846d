//! One file or folder a benchmark.

pub mod append;
pub mod latency;
mod devices;
pub mod external;
pub mod mqtt;
pub mod growth;
pub mod queries;
pub mod rebuild;
mod rows;
pub mod command;
pub mod rebuild;
pub mod stream;
pub mod overload;
pub mod rebuild;
pub mod retention;
pub mod subscribers;
pub mod verify;
