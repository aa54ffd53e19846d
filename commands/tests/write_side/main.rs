//! The write side as its callers use it, on a real Postgres.
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod access;
mod batches;
mod capturing;
mod continuing;
mod erasing;
mod fixture;
mod injecting;
mod issuing;
mod mapped;
mod noting;
mod outage;
mod people;
mod registering;
mod repeating;
mod retaining;
mod revoking;
mod sealing;
mod sign_in;
mod signed;
mod waiting;
