//! What every benchmark is made of.

mod behind;
mod cpu;
mod installation;
mod load;
mod machine;
mod memory;
mod plant;
mod plot;
mod postgres;
mod report;
mod served;
mod server;
mod service;

use std::path::PathBuf;

use clap::Args;

pub use behind::Behind;
pub use cpu::{CpuMeter, Spent};
pub use installation::Installation;
pub use load::{Load, closed_loop, open_loop, rate};
pub use memory::resident_kb;
pub use plant::{Plant, Signing};
pub use plot::{Chart, Line};
pub use postgres::PrivatePostgres;
pub use report::{Report, Target, alternate, median};
pub use served::{DeviceLogin, Served};
pub use server::Server;
pub use service::{append_of, context};

/// How benchmarks run.
#[derive(Args, Debug, Clone)]
pub struct Options {
    /// Pairs of a baseline run and one of ours, which alternate
    #[arg(long, default_value_t = 5, global = true)]
    pub pairs: usize,
    /// Seconds that each run of a pair is measured
    #[arg(long, default_value_t = 5, global = true)]
    pub seconds: u64,
    /// How large the data are, against what the targets are stated for
    #[arg(long, default_value_t = 1.0, global = true)]
    pub scale: f64,
    /// Print JSON, one report a line
    #[arg(long, global = true)]
    pub json: bool,
    /// Write the plots of README.md to this folder
    #[arg(long, global = true)]
    pub plots: Option<PathBuf>,
    /// Where databases and exports lie; a temporary directory otherwise
    #[arg(long, global = true)]
    pub dir: Option<PathBuf>,
}

impl Options {
    /// `count` at the chosen scale, at least one.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts are far below 2^53"
    )]
    pub fn scaled(&self, count: u64) -> u64 {
        ((count as f64 * self.scale) as u64).max(1)
    }
}
