//! A consumer of a real Mosquitto, with the real ledger behind it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod foreign;
mod guide;
mod outages;
mod panics;
mod sharing;
mod support;
mod taking;
mod tls;
