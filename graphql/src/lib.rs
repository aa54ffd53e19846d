#![doc = include_str!("../README.md")]

mod caller;
mod code;
mod endpoint;
mod http;
#[cfg(test)]
mod testing;
mod ws;
