#![doc = include_str!("../README.md")]

mod binaries;
mod error;
mod folder;
mod identity;
mod initialise;
mod postmaster;
mod processes;
mod settings;
mod socket;
mod supervisor;

pub use binaries::{Binaries, SUPPORTED_MAJORS};
pub use error::StartError;
pub use postmaster::State;
pub use supervisor::{Config, Postgres, attach};
