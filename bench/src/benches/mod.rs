//! One file a benchmark.

pub mod ledger;
