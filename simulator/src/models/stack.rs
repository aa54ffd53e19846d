//! A tea factory's boiler stack: fired in two shifts, cold at night.

use chrono::{DateTime, Utc};

use crate::batch::Reading;
use crate::metrics::{CO2, CO2_EMISSION_RATE, TEMPERATURE, VELOCITY, round};
use crate::seed::{Seed, hour_of_day, smoothstep};

/// Kenya.
const UTC_OFFSET_H: f64 = 3.0;
/// Hour at which the boilers are lit.
const LIT: f64 = 5.0;
/// Hours of the damped fire between the shifts.
const SHIFT_CHANGE: (f64, f64) = (12.75, 13.25);

/// Which of the three factories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TeaFactory {
    /// Two shifts, the oldest boiler.
    Kericho,
    /// Two shifts, more leaf than the others.
    Nandi,
    /// Its second shift is short.
    Kangaita,
}

impl TeaFactory {
    fn name(self) -> &'static str {
        match self {
            Self::Kericho => "kericho",
            Self::Nandi => "nandi",
            Self::Kangaita => "kangaita",
        }
    }

    /// Hour at which the boiler is let go out.
    fn out(self) -> f64 {
        match self {
            Self::Kericho | Self::Nandi => 21.0,
            Self::Kangaita => 20.0,
        }
    }

    /// Draught of a common day against Kericho's.
    fn size(self) -> f64 {
        match self {
            Self::Kericho => 1.0,
            Self::Nandi => 1.06,
            Self::Kangaita => 0.97,
        }
    }
}

pub(super) fn readings(seed: Seed, factory: TeaFactory, at: DateTime<Utc>) -> Vec<Reading> {
    let own = seed.derive(factory.name());
    let fire = fire(factory, at);
    // The rate is computed from what the probe shows, so that anyone can do it again.
    let co2 = round(co2_ppm(own, at, fire), CO2.decimals);
    let temperature = round(temperature(own, at, fire), TEMPERATURE.decimals);
    let velocity = round(velocity(own, factory, at, fire), VELOCITY.decimals);
    vec![
        CO2.reading(at, co2),
        TEMPERATURE.reading(at, temperature),
        VELOCITY.reading(at, velocity),
        CO2_EMISSION_RATE.reading(at, emission_kg_per_h(co2, velocity, temperature)),
    ]
}

/// Cross-section of the duct, m²: 0.60 m by 0.60 m.
const AREA_M2: f64 = 0.36;
/// Mean by measured velocity over the duct's profile.
const PROFILE: f64 = 1.0;
/// Absolute pressure in the duct, Pa: the standard atmosphere at 2,000 m. At sea level it would be
/// 101,325, and the stack would seem to emit a quarter more.
const DUCT_PRESSURE_PA: f64 = 79_495.0;
/// Molar mass of CO2, kg/mol.
const MOLAR_MASS: f64 = 0.044_009_5;
/// Molar gas constant, J/(mol·K).
const GAS_CONSTANT: f64 = 8.314_462_618;

/// ṁ = x·v·A·F·P·M/(R·T), here in kg/h: x the mole fraction of CO2 in the gas as it is (the probe
/// reads it wet), v in m/s, A in m², P in Pa, M in kg/mol, T in K.
fn emission_kg_per_h(co2_ppm: f64, velocity: f64, celsius: f64) -> f64 {
    let density = DUCT_PRESSURE_PA * MOLAR_MASS / (GAS_CONSTANT * (celsius + 273.15));
    co2_ppm * 1e-6 * velocity * AREA_M2 * PROFILE * density * 3600.0
}

/// 0 when out, 1 when the boiler burns as in a shift.
fn fire(factory: TeaFactory, at: DateTime<Utc>) -> f64 {
    let hour = hour_of_day(at, UTC_OFFSET_H);
    let lighting = smoothstep((hour - LIT) / 0.5);
    let going_out = smoothstep((factory.out() - hour) / 0.75);
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

/// The fan follows the leaf that came in: from day to day another factory is ahead.
fn velocity(own: Seed, factory: TeaFactory, at: DateTime<Utc>, fire: f64) -> f64 {
    let natural = 0.25 + 0.1 * own.noise("stack.natural", at, 300.0);
    let leaf = factory.size() * (1.0 + 0.15 * own.noise("stack.leaf", at, 30.0 * 3600.0));
    let fan = 4.0 * leaf + 0.5 * own.noise("stack.fan", at, 120.0);
    natural + fire * (fan - natural)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked by hand for 85,000 ppm at 4 m/s and 180 °C in this duct at 2,000 m: 0.113656 kg/s. The
    /// gas's real density counts: with that of CO2 at 0 °C and sea level it would be 0.241985 kg/s.
    #[test]
    fn the_rate_is_the_gas_laws() {
        let rate = emission_kg_per_h(85_000.0, 4.0, 180.0) / 3600.0;
        assert!((rate - 0.113_656).abs() < 5e-7, "{rate} kg/s");
    }
}
