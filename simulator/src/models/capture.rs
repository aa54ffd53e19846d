//! A capture unit: what it captures, what passes, what it costs.

use chrono::{DateTime, TimeDelta, Utc};

use crate::batch::Reading;
use crate::chain::{Branch, BranchFlow, ChainFlow};
use crate::metrics::{CAPTURED_FLOW, ELECTRIC_POWER, STEAM_ENERGY, VENTED_FLOW};
use crate::seed::Seed;

/// Reboiler duty of the amine unit, GJ of steam a tonne (an ordinary figure for MEA).
const STEAM_GJ_T: f64 = 3.2;

pub(super) fn readings(seed: Seed, branch: Branch, at: DateTime<Utc>) -> Vec<Reading> {
    let flow = ChainFlow::at(seed, at).branch(branch);
    let mut readings = vec![
        CAPTURED_FLOW.reading(at, flow.captured.tonnes_per_hour()),
        VENTED_FLOW.reading(at, flow.vented.tonnes_per_hour()),
        ELECTRIC_POWER.reading(at, electric_power(seed, branch, at, flow)),
    ];
    // Membranes need no heat.
    if branch == Branch::Amine {
        readings.push(STEAM_ENERGY.reading(at, steam_of_last_hour(seed, at)));
    }
    readings
}

/// GJ: the mean of the captured flow over the last hour, a sample every ten
/// minutes, by the duty.
fn steam_of_last_hour(seed: Seed, at: DateTime<Utc>) -> f64 {
    let flow = |minutes| ChainFlow::at(seed, at - TimeDelta::minutes(minutes)).amine;
    let sum: f64 = (0..6)
        .map(|i| flow(i * 10 + 5).captured.tonnes_per_hour())
        .sum();
    let duty = STEAM_GJ_T * (1.0 + 0.03 * seed.noise("capture.duty", at, 4.0 * 3600.0));
    sum / 6.0 * duty
}

/// kW: a base, and what a tonne takes (kWh). Amine: compression, pumps and fans;
/// membranes: a vacuum besides.
fn electric_power(seed: Seed, branch: Branch, at: DateTime<Utc>, flow: BranchFlow) -> f64 {
    let (base, kwh_t) = match branch {
        Branch::Amine => (350.0, 118.0),
        Branch::Membrane => (120.0, 310.0),
    };
    let own = seed.derive(branch.name());
    let per_tonne = kwh_t * (1.0 + 0.02 * own.noise("capture.power", at, 900.0));
    base + flow.captured.tonnes_per_hour() * per_tonne
}
