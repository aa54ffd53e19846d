#![doc = include_str!("../README.md")]

mod batch;
mod chain;
mod clock;
mod credential;
mod fleet;
mod history;
pub mod load;
pub mod metrics;
mod models;
mod publisher;
pub mod replay;
mod seed;
mod signing_key;
mod simulation;
mod slug;
mod tls;

pub use batch::{Batch, BatchBuilder, Boot, Quality, Reading, Seq, Source, Value};
pub use chain::{Branch, BranchFlow, ChainFlow, KilogramsPerHour};
pub use clock::{Schedule, ScheduleError};
pub use credential::{Broker, Credential, CredentialError};
pub use fleet::{DeviceSpec, demo_fleet};
pub use history::History;
pub use models::{
    ANNULUS_LIMIT_MPA, DOWNHOLE_LIMIT_MPA, FRACTURE_PRESSURE_MPA, MAOP_MPA, Model, TeaFactory,
    WellSlot,
};
pub use publisher::{Options, Overflow, Progress, ProgressSink, Publisher, Stop, StopHandle, stop};
pub use seed::Seed;
pub use signing_key::SigningKey;
pub use simulation::{Device, DeviceReport, FleetOptions, run_fleet};
pub use slug::{Slug, SlugError};
