//! An injection well: pressures follow the rate, and stay under the permit.

use chrono::{DateTime, Utc};

use crate::batch::Reading;
use crate::chain::ChainFlow;
use crate::metrics::{
    ANNULUS_PRESSURE, DOWNHOLE_PRESSURE, INJECTION_RATE, WELLHEAD_PRESSURE, WELLHEAD_TEMPERATURE,
};
use crate::seed::Seed;

/// Pressure at which the caprock's formation would fracture, `MPa`.
pub const FRACTURE_PRESSURE_MPA: f64 = 27.0;
/// Injection limit: 90 % of the fracture pressure (40 CFR 146.88(a)), `MPa`.
pub const DOWNHOLE_LIMIT_MPA: f64 = 0.9 * FRACTURE_PRESSURE_MPA;
/// What the annulus is rated for, `MPa`.
pub const ANNULUS_LIMIT_MPA: f64 = 14.0;

/// Reservoir pressure before any injection, `MPa`.
const RESERVOIR_MPA: f64 = 18.4;
/// Pressure that a rate of 1 t/h builds up at the perforations, `MPa`.
const BUILD_UP: f64 = 0.105;
/// Pressure that a rate of 1 t/h needs at the wellhead, `MPa`.
const WELLHEAD_RISE: f64 = 0.045;

/// Which of two wells of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WellSlot {
    /// Of the injectors, the one that takes a little more than half of the flow.
    First,
    /// Of the injectors, the one that takes the rest.
    Second,
}

impl WellSlot {
    fn name(self) -> &'static str {
        match self {
            Self::First => "well-1",
            Self::Second => "well-2",
        }
    }

    fn rate(self, flow: ChainFlow) -> f64 {
        let [first, second] = flow.injected;
        match self {
            Self::First => first.tonnes_per_hour(),
            Self::Second => second.tonnes_per_hour(),
        }
    }
}

pub(super) fn readings(seed: Seed, slot: WellSlot, at: DateTime<Utc>) -> Vec<Reading> {
    let rate = slot.rate(ChainFlow::at(seed, at));
    let own = seed.derive(slot.name());
    let wellhead = 7.5 + WELLHEAD_RISE * rate + 0.08 * own.noise("wellhead", at, 900.0);
    vec![
        WELLHEAD_PRESSURE.reading(at, wellhead),
        WELLHEAD_TEMPERATURE.reading(at, 14.0 + 1.5 * own.noise("temperature", at, 7200.0)),
        ANNULUS_PRESSURE.reading(at, annulus(own, at, wellhead)),
        INJECTION_RATE.reading(at, rate),
        DOWNHOLE_PRESSURE.reading(at, downhole(own, at, rate)),
    ]
}

/// Kept above the tubing's pressure, so a leak runs inwards (40 CFR 146.88(c)).
fn annulus(own: Seed, at: DateTime<Utc>, wellhead: f64) -> f64 {
    wellhead + 1.6 + 0.3 * own.noise("annulus", at, 3600.0)
}

fn downhole(own: Seed, at: DateTime<Utc>, rate: f64) -> f64 {
    RESERVOIR_MPA + BUILD_UP * rate + 0.15 * own.noise("downhole", at, 1800.0)
}
