//! A BME280 node in a factory's yard: day and night at 2,000 m.

use std::f64::consts::TAU;

use chrono::{DateTime, Utc};

use crate::batch::Reading;
use crate::metrics::{AIR_PRESSURE, HUMIDITY, TEMPERATURE};
use crate::seed::{Seed, hour_of_day};

const UTC_OFFSET_H: f64 = 3.0;

pub(super) fn readings(seed: Seed, at: DateTime<Utc>) -> Vec<Reading> {
    let own = seed.derive("bme280");
    let hour = hour_of_day(at, UTC_OFFSET_H);
    let warmth = ((hour - 9.0) / 24.0 * TAU).sin();
    vec![
        TEMPERATURE.reading(at, temperature(own, at, warmth)),
        HUMIDITY.reading(at, humidity(own, at, warmth)),
        AIR_PRESSURE.reading(at, pressure(own, at, hour)),
    ]
}

/// Warmest at 15 h local time, coldest at 3 h.
fn temperature(own: Seed, at: DateTime<Utc>, warmth: f64) -> f64 {
    let weather = 1.8 * own.noise("weather", at, 86_400.0);
    17.5 + 5.5 * warmth + weather + 0.3 * own.noise("gust", at, 120.0)
}

/// Driest when warmest; the sensor's range ends at 100 %.
fn humidity(own: Seed, at: DateTime<Utc>, warmth: f64) -> f64 {
    let weather = 7.0 * own.noise("moisture", at, 43_200.0);
    (74.0 - 17.0 * warmth + weather).clamp(5.0, 100.0)
}

/// 795 hPa at 2,000 m, with the tropics' atmospheric tide (highest at 10 h and 22 h).
fn pressure(own: Seed, at: DateTime<Utc>, hour: f64) -> f64 {
    let tide = 1.2 * ((hour - 10.0) / 12.0 * TAU).cos();
    795.0 + tide + 1.5 * own.noise("front", at, 2.0 * 86_400.0)
}
