//! Running the platform, or devices.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::duration;
use crate::config::Config;
use crate::roles::Roles;

#[derive(Debug, Args)]
pub struct Serve {
    /// What this node does, of several on one database: some of api, ingest, projector, parted by
    /// commas [default: all]
    #[arg(long)]
    roles: Option<Roles>,
}

impl Serve {
    /// The configuration with what the command line says of it.
    pub fn over(self, mut config: Config) -> Config {
        config.roles = self.roles.unwrap_or(config.roles);
        config
    }
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Begin anew: deletes the data folder of an earlier demo
    #[arg(long)]
    pub fresh: bool,
    /// Time between two batches of a device
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub interval: std::time::Duration,
    /// Seed of the simulated chain
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Days before today with which a new demonstration begins
    #[arg(long, default_value_t = 3)]
    pub days: u64,
    /// Time that a day of the past takes
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub day: std::time::Duration,
}

#[derive(Debug, Args)]
pub struct Simulate {
    /// What `sealrock device add … --json` printed: one object, a list, or one object a line
    #[arg(long, value_name = "FILE", required = true)]
    pub credentials: Vec<PathBuf>,
    /// What the devices measure: tea_stack, bme280, solar, amine_capture, membrane_capture, pipeline,
    /// injection_well_1, injection_well_2, monitoring_well [default: by the devices' names in the demo, else bme280]
    #[arg(long)]
    pub model: Option<String>,
    /// Seed of the simulated chain; the same seed gives the same readings
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Time between two batches of a device
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub interval: std::time::Duration,
    /// Batches a second of each device, instead of an interval; rows a second of a replay; with
    /// --devices, batches a second of all together
    #[arg(long)]
    pub rate: Option<f64>,
    /// Batches of each device, then end
    #[arg(long)]
    pub batches: Option<u64>,
    /// Plays recorded data
    #[arg(long, value_name = "FILE.csv", requires = "mapping")]
    pub replay: Option<PathBuf>,
    /// How the columns of the recording map to metrics: a built-in name or a TOML file
    #[arg(long)]
    pub mapping: Option<String>,
    /// Load: the first so many of the credentials send at --rate, each batch at its time whether or
    /// not earlier ones are answered
    #[arg(long, value_name = "COUNT", requires = "rate", conflicts_with_all = ["replay", "batches", "model"])]
    pub devices: Option<usize>,
    /// Of load: how it is sent
    #[arg(long, value_enum, default_value_t, requires = "devices")]
    pub over: Transport,
    /// Of load: where it is sent, host:port or a URL [default: what the credentials say]
    #[arg(long, value_name = "ADDRESS", requires = "devices")]
    pub to: Option<String>,
    /// Of load by HTTPS: a certificate (PEM) to trust beside the machine's
    #[arg(long, value_name = "FILE", requires = "devices")]
    pub ca: Option<PathBuf>,
    /// Of load: readings of a batch
    #[arg(long, default_value_t = 10, requires = "devices")]
    pub readings: usize,
    /// Of load: for how long
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = duration, requires = "devices")]
    pub span: std::time::Duration,
    /// Of load: print what became of it as JSON
    #[arg(long, requires = "devices")]
    pub json: bool,
}

/// How load is sent.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Transport {
    /// MQTT 5, a connection a device
    #[default]
    Mqtt,
    /// POST /ingest, a connection a device
    Http,
}
