//! Real MQTT and HTTP clients against the broker and the route; behind them a double of the
//! ledger, which these tests hold and switch off. The real ledger is tested in the server.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod batches_v4;
mod bounds;
mod http;
mod raw;
mod session;
mod sign_in;
mod stop;
mod support;
mod v4;
mod v5;
mod websocket;
