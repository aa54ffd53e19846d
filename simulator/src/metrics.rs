//! What the models report: name, unit and resolution of each metric.

use chrono::{DateTime, Utc};

use crate::batch::{Quality, Reading, Value};

/// One quantity that a device reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name in the platform's catalogue.
    pub name: &'static str,
    /// Unit in UCUM's style.
    pub unit: &'static str,
    /// Decimals that the instrument shows. Rounding to them also makes the bytes
    /// the same on machines whose `sin` differs in the last bit.
    pub decimals: i32,
}

/// Declares metrics as constants and as a list, so that none is forgotten.
macro_rules! metrics {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $unit:literal, $decimals:literal;)*) => {
        $($(#[$doc])* pub const $id: Metric = Metric { name: $name, unit: $unit, decimals: $decimals };)*
        /// Every metric of every model.
        pub const ALL: &[Metric] = &[$($id),*];
    };
}

metrics! {
    /// CO2 in flue gas, mole fraction.
    CO2 = "co2_ppm", "ppm", 0;
    /// Temperature of the gas or air at the device.
    TEMPERATURE = "temperature", "Cel", 2;
    /// Gas velocity in a stack.
    VELOCITY = "velocity", "m/s", 2;
    /// CO2 that a stack emits.
    CO2_EMISSION_RATE = "co2_emission_rate", "kg/h", 2;
    /// CO2 captured.
    CAPTURED_FLOW = "captured_mass_flow", "t/h", 3;
    /// CO2 that leaves uncaptured.
    VENTED_FLOW = "vented_mass_flow", "t/h", 3;
    /// Reboiler steam used in the last full hour.
    STEAM_ENERGY = "steam_energy", "GJ", 2;
    /// Electric power drawn.
    ELECTRIC_POWER = "electric_power", "kW", 1;
    /// Pressure at a pipeline's beginning, absolute.
    INLET_PRESSURE = "inlet_pressure", "MPa", 4;
    /// Pressure at a pipeline's end, absolute.
    OUTLET_PRESSURE = "outlet_pressure", "MPa", 4;
    /// Flow into the pipeline.
    FLOW = "flow", "t/h", 3;
    /// Flow out of the pipeline's end.
    OUTLET_FLOW = "outlet_flow", "t/h", 3;
    /// Pressure at the wellhead, absolute.
    WELLHEAD_PRESSURE = "wellhead_pressure", "MPa", 4;
    /// Temperature at the wellhead.
    WELLHEAD_TEMPERATURE = "wellhead_temperature", "Cel", 2;
    /// Pressure between tubing and casing.
    ANNULUS_PRESSURE = "annulus_pressure", "MPa", 4;
    /// CO2 into a well.
    INJECTION_RATE = "injection_rate", "t/h", 3;
    /// Pressure at the reservoir.
    DOWNHOLE_PRESSURE = "downhole_pressure", "MPa", 4;
    /// Temperature at the reservoir.
    DOWNHOLE_TEMPERATURE = "downhole_temperature", "Cel", 2;
    /// Power of the solar panels.
    PV_GENERATION = "pv_generation", "kW", 3;
    /// State of charge.
    BATTERY_SOC = "battery_soc", "%", 2;
    /// Power out of the battery; negative while it charges.
    BATTERY_POWER = "battery_power", "kW", 3;
    /// Power that the site uses.
    LOAD_POWER = "load_power", "kW", 3;
    /// Power from the grid; negative while it is fed.
    GRID_POWER = "grid_power", "kW", 3;
    /// Relative humidity.
    HUMIDITY = "humidity", "%", 1;
    /// Air pressure.
    AIR_PRESSURE = "pressure", "hPa", 2;
}

impl Metric {
    /// A good reading of `value`, in this metric's unit and resolution.
    pub(crate) fn reading(self, at: DateTime<Utc>, value: f64) -> Reading {
        Reading {
            metric: self.name.into(),
            at,
            value: Value::Number(round(value, self.decimals)),
            unit: self.unit.into(),
            quality: Quality::Good,
        }
    }
}

/// Rounds to `decimals`; never gives −0, which would be other bytes than 0.
pub(crate) fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_negative_value_is_plain_zero() {
        assert_eq!(
            serde_json::to_string(&round(-0.0001, 2)).ok().as_deref(),
            Some("0.0")
        );
    }

    #[test]
    fn a_name_stands_for_one_metric() {
        let mut names: Vec<_> = ALL.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
