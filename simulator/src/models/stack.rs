//! A tea factory's boiler stack: fired in two shifts, cold at night.

use chrono::{DateTime, Utc};

use crate::batch::Reading;
use crate::metrics::{CO2, TEMPERATURE, VELOCITY};
use crate::seed::{Seed, hour_of_day, smoothstep};

/// Kenya.
const UTC_OFFSET_H: f64 = 3.0;
/// Hours at which the boiler is lit and let go out.
const LIT: f64 = 5.0;
const OUT: f64 = 21.0;
/// Hours of the damped fire between the shifts.
const SHIFT_CHANGE: (f64, f64) = (12.75, 13.25);

pub(super) fn readings(seed: Seed, at: DateTime<Utc>) -> Vec<Reading> {
    let fire = fire(at);
    vec![
        CO2.reading(at, co2_ppm(seed, at, fire)),
        TEMPERATURE.reading(at, temperature(seed, at, fire)),
        VELOCITY.reading(at, velocity(seed, at, fire)),
    ]
}

/// 0 when out, 1 when the boiler burns as in a shift.
fn fire(at: DateTime<Utc>) -> f64 {
    let hour = hour_of_day(at, UTC_OFFSET_H);
    let lighting = smoothstep((hour - LIT) / 0.5);
    let going_out = smoothstep((OUT - hour) / 0.75);
    let damped = 0.15 * bump(hour, SHIFT_CHANGE);
    (lighting.min(going_out) - damped).max(0.0)
}

/// 1 in the middle of `range`, 0 outside.
fn bump(hour: f64, range: (f64, f64)) -> f64 {
    let half = (range.1 - range.0) / 2.0;
    smoothstep(1.0 - (hour - range.0 - half).abs() / half)
}

/// 60,000–150,000 ppm while fired (wood burns with 6–15 % CO2), near air at night.
fn co2_ppm(seed: Seed, at: DateTime<Utc>, fire: f64) -> f64 {
    let fuel = 22_000.0 * seed.noise("stack.fuel", at, 1800.0);
    let draught = 8_000.0 * seed.noise("stack.draught", at, 90.0);
    let air = 450.0 + 40.0 * seed.noise("stack.air", at, 600.0);
    air + fire * (108_000.0 + fuel + draught)
}

/// About 150–220 °C while fired; brick keeps the night warmer than the air.
fn temperature(seed: Seed, at: DateTime<Utc>, fire: f64) -> f64 {
    let embers = 32.0 + 4.0 * seed.noise("stack.embers", at, 3600.0);
    let flame = 188.0 + 22.0 * seed.noise("stack.flame", at, 1200.0);
    let flicker = 4.0 * seed.noise("stack.flicker", at, 60.0);
    embers + fire * (flame + flicker - embers)
}

fn velocity(seed: Seed, at: DateTime<Utc>, fire: f64) -> f64 {
    let natural = 0.25 + 0.1 * seed.noise("stack.natural", at, 300.0);
    let fan = 4.0 + 0.5 * seed.noise("stack.fan", at, 120.0);
    natural + fire * (fan - natural)
}
