//! A monitoring well: the reservoir's slow answer, far from the injectors.

use chrono::{DateTime, Utc};

use crate::batch::Reading;
use crate::metrics::{ANNULUS_PRESSURE, DOWNHOLE_PRESSURE, DOWNHOLE_TEMPERATURE};
use crate::models::WellSlot;
use crate::seed::{Seed, seconds};

/// The Moon's semidiurnal period, s: earth tides move a closed reservoir by kilopascals.
const TIDE_S: f64 = 12.42 * 3600.0;

pub(super) fn readings(seed: Seed, slot: WellSlot, at: DateTime<Utc>) -> Vec<Reading> {
    // The second one looks into the zone above the caprock: what leaks would show there.
    let (name, depth_mpa, degrees) = match slot {
        WellSlot::First => ("monitoring-well", 18.7, 61.5),
        WellSlot::Second => ("monitoring-well-2", 16.1, 54.0),
    };
    let own = seed.derive(name);
    let tide = 0.002 * (std::f64::consts::TAU * seconds(at) / TIDE_S).sin();
    let front = 0.2 * own.noise("front", at, 20.0 * 86_400.0);
    let drift = 0.3 * own.noise("temperature", at, 10.0 * 86_400.0);
    vec![
        DOWNHOLE_PRESSURE.reading(at, depth_mpa + front + tide),
        DOWNHOLE_TEMPERATURE.reading(at, degrees + drift),
        ANNULUS_PRESSURE.reading(at, 3.2 + 0.15 * own.noise("annulus", at, 86_400.0)),
    ]
}
