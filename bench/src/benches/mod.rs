//! One file a benchmark.

pub mod ledger;
pub mod rebuild;
