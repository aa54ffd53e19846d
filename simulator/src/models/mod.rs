//! One file a device: pure functions of (seed, simulated time) to readings.

mod bme280;
mod capture;
mod injection_well;
mod monitoring_well;
mod pipeline;
mod solar;
mod stack;

use chrono::{DateTime, Utc};

pub use injection_well::{ANNULUS_LIMIT_MPA, DOWNHOLE_LIMIT_MPA, FRACTURE_PRESSURE_MPA, WellSlot};
pub use pipeline::MAOP_MPA;
pub use stack::TeaFactory;

use crate::batch::Reading;
use crate::chain::Branch;
use crate::seed::Seed;

/// What a device is, and so what it reports. Devices of one seed belong to one
/// chain: the capture units, the pipelines and the wells agree on the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    /// Probe in the stack of a tea factory's wood boiler.
    TeaStack(TeaFactory),
    /// Capture unit: amine or membranes.
    Capture(Branch),
    /// Pipeline of dense CO2, behind one of the capture units.
    Pipeline(Branch),
    /// Injection well, one of two that share the flow.
    InjectionWell(WellSlot),
    /// Monitoring well: the first in the same reservoir, the second above it.
    MonitoringWell(WellSlot),
    /// Solar panels with a battery on a factory's grid connection.
    Solar,
    /// BME280: a cheap node for air temperature, humidity and pressure.
    Bme280,
}

impl Model {
    /// One reading of each of the device's metrics at `at`. The same seed and
    /// time give the same readings, in the same order.
    #[must_use]
    pub fn readings(self, seed: Seed, at: DateTime<Utc>) -> Vec<Reading> {
        match self {
            Self::TeaStack(factory) => stack::readings(seed, factory, at),
            Self::Capture(branch) => capture::readings(seed, branch, at),
            Self::Pipeline(branch) => pipeline::readings(seed, branch, at),
            Self::InjectionWell(slot) => injection_well::readings(seed, slot, at),
            Self::MonitoringWell(slot) => monitoring_well::readings(seed, slot, at),
            Self::Solar => solar::readings(seed, at),
            Self::Bme280 => bme280::readings(seed, at),
        }
    }
}
