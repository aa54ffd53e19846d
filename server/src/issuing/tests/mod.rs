//! Issuances under crashes, races and cut connections, on a real Postgres.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod audit;
mod faults;
mod hammer;
mod world;
