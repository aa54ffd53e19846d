#![doc = include_str!("../README.md")]

mod allowance;
mod caller;
mod code;
mod document;
mod endpoint;
mod http;
mod places;
mod rates;
mod schema;
mod state;
#[cfg(test)]
mod testing;
mod visitor;
mod ws;

pub use document::{AllowList, AllowListError};
pub use schema::sdl;
pub use state::{GraphqlSettings, GraphqlState, STATEMENT_TIME, router};
