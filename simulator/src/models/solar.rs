//! A factory's solar site: panels, a battery and the grid share the load.

use std::f64::consts::TAU;

use chrono::{DateTime, TimeDelta, Utc};

use crate::batch::Reading;
use crate::metrics::{BATTERY_POWER, BATTERY_SOC, GRID_POWER, LOAD_POWER, PV_GENERATION, round};
use crate::seed::{Seed, hour_of_day, seconds, smoothstep};

const UTC_OFFSET_H: f64 = 3.0;
/// Degrees north.
const LATITUDE: f64 = -0.4;
const PEAK_KW: f64 = 260.0;
const BATTERY_KWH: f64 = 150.0;
/// What the inverter can move in or out of the battery.
const BATTERY_KW: f64 = 60.0;
/// Part of charged energy that comes out again.
const ROUND_TRIP: f64 = 0.92;
/// The battery management's window, as parts of the capacity.
const EMPTY: f64 = 0.10;
const FULL: f64 = 0.98;

/// Powers in kW at one moment, at the meters' resolution, so that
/// `pv + battery + grid = load` holds for the reported numbers too.
struct Powers {
    pv: f64,
    load: f64,
    /// Out of the battery; negative while it charges.
    battery: f64,
    grid: f64,
}

pub(super) fn readings(seed: Seed, at: DateTime<Utc>) -> Vec<Reading> {
    let charge = charge(seed, at);
    let powers = powers(seed, at, charge);
    vec![
        PV_GENERATION.reading(at, powers.pv),
        LOAD_POWER.reading(at, powers.load),
        BATTERY_SOC.reading(at, 100.0 * charge / BATTERY_KWH),
        BATTERY_POWER.reading(at, powers.battery),
        GRID_POWER.reading(at, powers.grid),
    ]
}

/// kWh in the battery. A battery remembers, a pure function cannot: so it is run
/// from an earlier midnight on. Each day fills it to the brim and each evening
/// empties it, where the past is forgotten; two days back are therefore enough
/// for the same curve from any starting point.
fn charge(seed: Seed, at: DateTime<Utc>) -> f64 {
    const STEP: TimeDelta = TimeDelta::minutes(10);
    let mut now = midnight_before(at) - TimeDelta::days(2);
    let mut charge = 0.5 * BATTERY_KWH;
    while now < at {
        let step = STEP.min(at - now);
        let power = powers(seed, now, charge).battery;
        let stored = if power < 0.0 {
            -power * ROUND_TRIP
        } else {
            -power
        };
        let hours = step.as_seconds_f64() / 3600.0;
        charge = (charge + stored * hours).clamp(EMPTY * BATTERY_KWH, FULL * BATTERY_KWH);
        now += step;
    }
    charge
}

fn midnight_before(at: DateTime<Utc>) -> DateTime<Utc> {
    let into_day = hour_of_day(at, UTC_OFFSET_H) * 3600.0;
    #[expect(clippy::cast_possible_truncation, reason = "0..=86,400,000")]
    let into_day_ms = (into_day * 1000.0).round() as i64;
    at - TimeDelta::milliseconds(into_day_ms)
}

/// The panels serve the load first; the battery takes what is left over and
/// gives what is missing; the grid does the rest.
fn powers(seed: Seed, at: DateTime<Utc>, charge: f64) -> Powers {
    let pv = round(pv(seed, at), PV_GENERATION.decimals);
    let load = round(load(seed, at), LOAD_POWER.decimals);
    let battery = battery(load - pv, charge);
    Powers {
        pv,
        load,
        battery,
        grid: load - pv - battery,
    }
}

/// Tapers over the last 2 % of the window, so the charge glides into its ends.
fn battery(missing: f64, charge: f64) -> f64 {
    let filled = charge / BATTERY_KWH;
    let limit = if missing < 0.0 {
        BATTERY_KW * ((FULL - filled) / 0.02).clamp(0.0, 1.0)
    } else {
        BATTERY_KW * ((filled - EMPTY) / 0.02).clamp(0.0, 1.0)
    };
    round(missing.clamp(-limit, limit), BATTERY_POWER.decimals)
}

/// Zero whenever the sun is below the horizon.
fn pv(seed: Seed, at: DateTime<Utc>) -> f64 {
    let clear = sin_elevation(at).max(0.0).powf(1.15);
    let haze = 0.12 * (1.0 + seed.noise("solar.haze", at, 3.0 * 3600.0));
    let cloud = 0.22 * (1.0 + seed.noise("solar.cloud", at, 420.0)) / 2.0;
    PEAK_KW * clear * (1.0 - haze) * (1.0 - cloud)
}

/// Sine of the sun's height: latitude, season, hour (a mean sun, good to minutes).
fn sin_elevation(at: DateTime<Utc>) -> f64 {
    let year_day = (seconds(at) / 86_400.0) % 365.2425;
    let declination = -23.44_f64.to_radians() * ((year_day + 10.0) / 365.2425 * TAU).cos();
    let hour_angle = (hour_of_day(at, UTC_OFFSET_H) - 12.5) / 24.0 * TAU;
    let latitude = LATITUDE.to_radians();
    latitude.sin() * declination.sin() + latitude.cos() * declination.cos() * hour_angle.cos()
}

/// Withering and sorting by day, cold stores and lamps at night.
fn load(seed: Seed, at: DateTime<Utc>) -> f64 {
    let hour = hour_of_day(at, UTC_OFFSET_H);
    let shift = smoothstep((hour - 5.0) / 1.0).min(smoothstep((21.0 - hour) / 1.0));
    let machines = 62.0 + 9.0 * seed.noise("solar.machines", at, 900.0);
    22.0 + 2.0 * seed.noise("solar.base", at, 1800.0) + shift * machines
}
