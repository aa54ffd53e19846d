//! Export, verify and fsck of ledgers that a real store wrote into a real Postgres.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod authority;
mod checking;
mod erasing;
mod exporting;
mod interop;
mod keys;
mod largest;
mod ledger;
mod packing;
mod recomputing;
mod remote;
#[path = "../../../ledger/tests/sample/mod.rs"]
mod sample;
mod serving;
mod tampering;
mod timestamps;
mod witness;
mod witnessing;
