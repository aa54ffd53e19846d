//! The catalogue of metrics: what each means, its canonical unit, the units in which it
//! may be read, and the range in which a value is plausible.
//!
//! A metric outside the catalogue is recorded and flagged, not refused: the catalogue
//! grows, and the fact is kept. The plausible range is what people and charts should
//! expect; a value outside it is not flagged, because a blowout is a fact too. Only beyond
//! [`LARGEST`], where nothing is ever measured, is a value flagged.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{
    MetricName,
    unit::{self, Quantity, Unit},
};

/// The largest magnitude that a value may have in its canonical unit and count. Nothing that the
/// catalogue measures comes near it, and no sum of such values overflows a double.
pub const LARGEST: f64 = 1e15;

/// A metric that the platform understands.
#[derive(Debug)]
pub struct Metric {
    /// Its name in batches.
    pub name: &'static str,
    /// The unit in which values are stored, shown and summed.
    pub unit: &'static str,
    /// What kind of quantity it is: its units are the units that are accepted.
    pub quantity: Quantity,
    /// Lowest and highest plausible value, in `unit`.
    pub plausible: (f64, f64),
    /// What it means, for people.
    pub description: &'static str,
}

impl Metric {
    /// The unit that a device's spelling means for this metric. Absent or empty means the
    /// canonical one (and not `1`: a humidity of 45 without unit is 45 %, not 4,500 %).
    #[must_use]
    pub fn unit_of(&self, text: Option<&str>) -> Option<&'static Unit> {
        let text = text.filter(|text| !text.is_empty());
        unit::find(self.quantity, text.unwrap_or(self.unit))
    }

    /// Whether a reading of this metric may come in this unit.
    #[must_use]
    pub fn accepts(&self, text: &str) -> bool {
        self.unit_of(Some(text)).is_some()
    }

    /// The codes of the units in which it may be read.
    #[must_use]
    pub fn accepted_units(&self) -> Vec<&'static str> {
        unit::of(self.quantity).map(|unit| unit.code).collect()
    }

    /// `value` of `unit` in the canonical unit; infinite when no double holds it.
    ///
    /// # Panics
    /// Never for a metric of the catalogue.
    #[must_use]
    pub fn to_canonical(&self, value: f64, unit: &Unit) -> f64 {
        if unit.code == self.unit {
            return value;
        }
        let canonical = unit::find(self.quantity, self.unit);
        unit.convert(
            value,
            canonical.expect("the catalogue's units are tested to exist"),
        )
    }
}

/// The metric of this name.
#[must_use]
pub fn find(name: &MetricName) -> Option<&'static Metric> {
    BY_NAME.get(name.as_str()).copied()
}

/// Looked up for every reading, by the intake and by each fold.
static BY_NAME: LazyLock<HashMap<&str, &Metric>> =
    LazyLock::new(|| METRICS.iter().map(|metric| (metric.name, metric)).collect());

/// The whole catalogue.
#[must_use]
pub fn all() -> &'static [Metric] {
    METRICS
}

const fn metric(
    name: &'static str,
    unit: &'static str,
    quantity: Quantity,
    plausible: (f64, f64),
    description: &'static str,
) -> Metric {
    Metric {
        name,
        unit,
        quantity,
        plausible,
        description,
    }
}

use Quantity as Q;

#[rustfmt::skip]
static METRICS: &[Metric] = &[
    // Air and flue gas
    metric("co2_ppm", "ppm", Q::Ratio, (0.0, 1e6), "CO2 in air or flue gas, by volume"),
    metric("co2_purity", "%", Q::Ratio, (0.0, 100.0), "CO2 in a stream, by mole"),
    metric("o2", "%", Q::Ratio, (0.0, 25.0), "Oxygen in flue gas, by volume"),
    metric("water_content", "ppm", Q::Ratio, (0.0, 1e5), "Water in a CO2 stream, by mole"),
    metric("co_concentration", "mg/m3", Q::Density, (0.0, 1e4), "Carbon monoxide in flue gas"),
    metric("nox_concentration", "mg/m3", Q::Density, (0.0, 5e3), "Nitrogen oxides in flue gas"),
    metric("temperature", "Cel", Q::Temperature, (-60.0, 1500.0), "Temperature at the sensor"),
    metric("velocity", "m/s", Q::Velocity, (0.0, 100.0), "Gas velocity in a stack or duct"),
    metric("humidity", "%", Q::Ratio, (0.0, 100.0), "Relative humidity"),
    metric("pressure", "kPa", Q::Pressure, (0.0, 3e4), "Pressure at the sensor; of air, absolute"),
    metric("co2_emission_rate", "t/h", Q::MassFlow, (0.0, 1e3), "CO2 that a stack emits"),
    metric("gas", "Ohm", Q::Resistance, (0.0, 1e8), "Resistance of a gas sensor: lower is dirtier air"),
    // Capture
    metric("captured_mass_flow", "t/h", Q::MassFlow, (0.0, 2e3), "CO2 captured"),
    metric("vented_mass_flow", "t/h", Q::MassFlow, (0.0, 2e3), "CO2 released on purpose"),
    metric("capture_rate", "%", Q::Ratio, (0.0, 100.0), "Share of incoming CO2 that is captured"),
    metric("solvent_flow", "m3/h", Q::VolumeFlow, (0.0, 1e4), "Lean solvent to the absorber"),
    metric("absorber_temperature", "Cel", Q::Temperature, (0.0, 150.0), "Absorber"),
    metric("stripper_temperature", "Cel", Q::Temperature, (0.0, 200.0), "Stripper or reboiler"),
    metric("steam_energy", "GJ", Q::Energy, (0.0, 1e9), "Heat of steam used, meter reading or interval"),
    metric("reboiler_duty", "kW", Q::Power, (0.0, 1e6), "Heat flow into the reboiler"),
    metric("co2_mass", "t", Q::Mass, (0.0, 1e9), "Mass of CO2, of an interval or a load"),
    // Pipelines and transport
    metric("flow", "t/h", Q::MassFlow, (0.0, 5e3), "Mass flow"),
    metric("outlet_flow", "t/h", Q::MassFlow, (0.0, 5e3), "Mass flow at the outlet"),
    metric("volume_flow", "m3/h", Q::VolumeFlow, (0.0, 1e6), "Volume flow at actual conditions"),
    metric("density", "kg/m3", Q::Density, (0.0, 1.2e3), "Density of the fluid"),
    metric("inlet_pressure", "MPa", Q::Pressure, (0.0, 30.0), "Pressure at the inlet"),
    metric("outlet_pressure", "MPa", Q::Pressure, (0.0, 30.0), "Pressure at the outlet"),
    metric("inlet_temperature", "Cel", Q::Temperature, (-60.0, 200.0), "Temperature at the inlet"),
    metric("outlet_temperature", "Cel", Q::Temperature, (-60.0, 200.0), "Temperature at the outlet"),
    // Wells
    metric("injection_rate", "t/h", Q::MassFlow, (0.0, 1e3), "CO2 injected"),
    metric("wellhead_pressure", "MPa", Q::Pressure, (0.0, 50.0), "Pressure at the wellhead"),
    metric("wellhead_temperature", "Cel", Q::Temperature, (-60.0, 150.0), "Temperature at the wellhead"),
    metric("annulus_pressure", "MPa", Q::Pressure, (0.0, 50.0), "Pressure between casing and tubing"),
    metric("downhole_pressure", "MPa", Q::Pressure, (0.0, 150.0), "Pressure at the gauge in the well"),
    metric("downhole_temperature", "Cel", Q::Temperature, (0.0, 300.0), "Temperature at the gauge in the well"),
    metric("water_level", "m", Q::Length, (-1e4, 1e4), "Water level in a monitoring well"),
    metric("ph", "[pH]", Q::Acidity, (0.0, 14.0), "Acidity of water in a monitoring well"),
    // Electricity
    metric("electric_power", "kW", Q::Power, (-1e6, 1e6), "Active power; negative flows out"),
    metric("electric_energy", "kW.h", Q::Energy, (-1e12, 1e12), "Active energy, meter reading or interval"),
    metric("reactive_power", "kvar", Q::ReactivePower, (-1e6, 1e6), "Reactive power"),
    metric("reactive_energy", "kvar.h", Q::ReactiveEnergy, (-1e12, 1e12), "Reactive energy"),
    metric("reactive_energy_lagging", "kvar.h", Q::ReactiveEnergy, (0.0, 1e12), "Reactive energy, lagging current"),
    metric("reactive_energy_leading", "kvar.h", Q::ReactiveEnergy, (0.0, 1e12), "Reactive energy, leading current"),
    metric("power_factor", "1", Q::Ratio, (-1.0, 1.0), "Active by apparent power"),
    metric("power_factor_lagging", "1", Q::Ratio, (0.0, 1.0), "Power factor, lagging current"),
    metric("power_factor_leading", "1", Q::Ratio, (0.0, 1.0), "Power factor, leading current"),
    metric("voltage", "V", Q::Voltage, (-1e6, 1e6), "Voltage"),
    metric("current", "A", Q::Current, (-1e5, 1e5), "Current"),
    metric("frequency", "Hz", Q::Frequency, (0.0, 1e3), "Frequency of the grid"),
    metric("pv_generation", "kW", Q::Power, (0.0, 1e6), "Power of the solar plant"),
    metric("pv_energy", "kW.h", Q::Energy, (0.0, 1e12), "Energy of the solar plant"),
    metric("battery_soc", "%", Q::Ratio, (0.0, 100.0), "State of charge"),
    metric("battery_power", "kW", Q::Power, (-1e6, 1e6), "Power of the battery; negative charges"),
    metric("grid_power", "kW", Q::Power, (-1e6, 1e6), "Power from the grid; negative exports"),
    metric("load_power", "kW", Q::Power, (0.0, 1e6), "Power that the site uses"),
    // Weather
    metric("irradiance", "W/m2", Q::Irradiance, (0.0, 1.6e3), "Solar irradiance"),
    metric("ambient_temperature", "Cel", Q::Temperature, (-60.0, 60.0), "Outdoor air"),
    metric("wind_speed", "m/s", Q::Velocity, (0.0, 100.0), "Wind speed"),
    metric("wind_direction", "deg", Q::Angle, (0.0, 360.0), "Where the wind comes from, clockwise from north"),
    metric("rainfall", "mm", Q::Length, (0.0, 2e3), "Rain of an interval"),
    // Machines and devices
    metric("vibration", "mm/s", Q::Velocity, (0.0, 1e3), "Vibration velocity, RMS"),
    metric("air_temperature", "Cel", Q::Temperature, (-60.0, 100.0), "Air around a machine"),
    metric("process_temperature", "Cel", Q::Temperature, (-60.0, 2e3), "Temperature of a process"),
    metric("rotational_speed", "/min", Q::Frequency, (0.0, 1e5), "Turns of a shaft"),
    metric("torque", "N.m", Q::Torque, (-1e7, 1e7), "Torque of a shaft"),
    metric("tool_wear", "min", Q::Duration, (0.0, 1e6), "Time that a tool has worked"),
    metric("uptime", "s", Q::Duration, (0.0, 1e10), "Time since the device started"),
    metric("battery_voltage", "V", Q::Voltage, (0.0, 1e3), "Voltage of a device's battery"),
];

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_metric_has_a_proper_name_a_unit_of_its_quantity_and_a_range() {
        let mut names = BTreeSet::new();
        for metric in METRICS {
            assert!(metric.name.parse::<MetricName>().is_ok(), "{}", metric.name);
            assert!(names.insert(metric.name), "{} is listed twice", metric.name);
            assert_eq!(
                metric.unit_of(None).unwrap().code,
                metric.unit,
                "{}",
                metric.name
            );
            assert!(metric.plausible.0 < metric.plausible.1, "{}", metric.name);
            let (low, high) = metric.plausible;
            assert!(
                low.abs().max(high.abs()) * 1e3 <= LARGEST,
                "{}",
                metric.name
            );
        }
    }

    #[test]
    fn a_value_is_converted_to_the_canonical_unit() {
        let metric = find(&"wellhead_pressure".parse().unwrap()).unwrap();
        let bar = metric.unit_of(Some("bar")).unwrap();
        assert!((metric.to_canonical(95.0, bar) - 9.5).abs() < 1e-12);
    }

    #[test]
    fn an_absent_or_empty_unit_is_the_canonical_one_and_a_foreign_unit_is_none() {
        let metric = find(&"co2_ppm".parse().unwrap()).unwrap();
        for absent in [None, Some("")] {
            assert_eq!(metric.unit_of(absent).unwrap().code, "ppm");
        }
        assert!(metric.unit_of(Some("Cel")).is_none());
    }
}
