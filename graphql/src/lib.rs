#![doc = include_str!("../README.md")]

mod allowance;
mod caller;
mod code;
mod endpoint;
mod http;
mod schema;
mod state;
#[cfg(test)]
mod testing;
mod ws;

pub use schema::sdl;
pub use state::{GraphqlState, router};
