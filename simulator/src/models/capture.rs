//! An amine capture unit: what it captures, what passes, what it costs.

use chrono::{DateTime, TimeDelta, Utc};

use crate::batch::Reading;
use crate::chain::ChainFlow;
use crate::metrics::{CAPTURED_FLOW, ELECTRIC_POWER, STEAM_ENERGY, VENTED_FLOW};
use crate::seed::Seed;

/// Reboiler duty, GJ of steam a tonne (an ordinary figure for MEA).
const STEAM_GJ_T: f64 = 3.2;
/// Compression, pumps and fans, kWh a tonne.
const POWER_KWH_T: f64 = 118.0;

pub(super) fn readings(seed: Seed, at: DateTime<Utc>) -> Vec<Reading> {
    let flow = ChainFlow::at(seed, at);
    vec![
        CAPTURED_FLOW.reading(at, flow.captured.tonnes_per_hour()),
        VENTED_FLOW.reading(at, flow.vented.tonnes_per_hour()),
        STEAM_ENERGY.reading(at, steam_of_last_hour(seed, at)),
        ELECTRIC_POWER.reading(at, electric_power(seed, at, flow)),
    ]
}

/// GJ: the mean of the captured flow over the last hour, a sample every ten
/// minutes, by the duty.
fn steam_of_last_hour(seed: Seed, at: DateTime<Utc>) -> f64 {
    let flow = |minutes| ChainFlow::at(seed, at - TimeDelta::minutes(minutes));
    let sum: f64 = (0..6)
        .map(|i| flow(i * 10 + 5).captured.tonnes_per_hour())
        .sum();
    let duty = STEAM_GJ_T * (1.0 + 0.03 * seed.noise("capture.duty", at, 4.0 * 3600.0));
    sum / 6.0 * duty
}

fn electric_power(seed: Seed, at: DateTime<Utc>, flow: ChainFlow) -> f64 {
    let per_tonne = POWER_KWH_T * (1.0 + 0.02 * seed.noise("capture.power", at, 900.0));
    350.0 + flow.captured.tonnes_per_hour() * per_tonne
}
