#![doc = include_str!("../README.md")]

mod binding;
pub mod device_status;
mod entry;
pub mod latest;
pub mod ledger;
mod read_models;
pub mod readings;
pub mod registry;
pub mod rollups;
mod runner;
mod telemetry;

pub use read_models::{QueryError, ReadModels};
pub use runner::{
    FoldError, Positions, Prepared, Projection, ProjectionStatus, RebuildError, Rebuilt, Runner,
    RunnerError, State, WaitError,
};
