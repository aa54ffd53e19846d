//! A pipeline of dense CO2: friction takes pressure with the square of the flow.

use chrono::{DateTime, Utc};

use crate::batch::Reading;
use crate::chain::{Branch, ChainFlow};
use crate::metrics::{FLOW, INLET_PRESSURE, OUTLET_FLOW, OUTLET_PRESSURE, TEMPERATURE};
use crate::seed::Seed;

/// Maximum allowable operating pressure, `MPa`.
pub const MAOP_MPA: f64 = 15.0;

pub(super) fn readings(seed: Seed, branch: Branch, at: DateTime<Utc>) -> Vec<Reading> {
    let flow = ChainFlow::at(seed, at).branch(branch);
    let own = seed.derive(branch.name());
    let inlet = 12.2 + 0.25 * own.noise("pipeline.inlet", at, 5400.0);
    let inflow = flow.captured.tonnes_per_hour();
    vec![
        INLET_PRESSURE.reading(at, inlet),
        OUTLET_PRESSURE.reading(at, outlet(branch, inlet, inflow)),
        TEMPERATURE.reading(at, temperature(own, at)),
        FLOW.reading(at, inflow),
        OUTLET_FLOW.reading(at, flow.delivered.tonnes_per_hour()),
    ]
}

/// Pressure drop of a flow of 1 t/h, `MPa` (Darcy–Weisbach with length, diameter
/// and density folded in); 1.6 `MPa` and 1.2 `MPa` at the design flows.
fn friction(branch: Branch) -> f64 {
    match branch {
        Branch::Amine => 1.66e-3,
        Branch::Membrane => 1.09e-2,
    }
}

/// Dense CO2 must stay above its critical pressure (7.38 `MPa`) to the end.
fn outlet(branch: Branch, inlet_mpa: f64, flow_t_h: f64) -> f64 {
    inlet_mpa - friction(branch) * flow_t_h.powi(2)
}

/// The ground's, with a trace of the compressor's aftercooler.
fn temperature(own: Seed, at: DateTime<Utc>) -> f64 {
    let season = 3.0 * own.noise("pipeline.ground", at, 30.0 * 86_400.0);
    12.0 + season + 0.8 * own.noise("pipeline.aftercooler", at, 1800.0)
}
