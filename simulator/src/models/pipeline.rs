//! A pipeline of dense CO2: friction takes pressure with the square of the flow.

use chrono::{DateTime, Utc};

use crate::batch::Reading;
use crate::chain::ChainFlow;
use crate::metrics::{FLOW, INLET_PRESSURE, OUTLET_PRESSURE, TEMPERATURE};
use crate::seed::Seed;

/// Maximum allowable operating pressure, `MPa`.
pub const MAOP_MPA: f64 = 15.0;
/// Pressure drop of a flow of 1 t/h, `MPa` (Darcy–Weisbach with length, diameter
/// and density folded in); 1.6 `MPa` at the design flow.
const FRICTION: f64 = 9.3e-4;

pub(super) fn readings(seed: Seed, at: DateTime<Utc>) -> Vec<Reading> {
    let flow = ChainFlow::at(seed, at).captured.tonnes_per_hour();
    let inlet = 12.2 + 0.25 * seed.noise("pipeline.inlet", at, 5400.0);
    vec![
        INLET_PRESSURE.reading(at, inlet),
        OUTLET_PRESSURE.reading(at, outlet(inlet, flow)),
        TEMPERATURE.reading(at, temperature(seed, at)),
        FLOW.reading(at, flow),
    ]
}

/// Dense CO2 must stay above its critical pressure (7.38 `MPa`) to the end.
fn outlet(inlet_mpa: f64, flow_t_h: f64) -> f64 {
    inlet_mpa - FRICTION * flow_t_h.powi(2)
}

/// The ground's, with a trace of the compressor's aftercooler.
fn temperature(seed: Seed, at: DateTime<Utc>) -> f64 {
    let season = 3.0 * seed.noise("pipeline.ground", at, 30.0 * 86_400.0);
    12.0 + season + 0.8 * seed.noise("pipeline.aftercooler", at, 1800.0)
}
