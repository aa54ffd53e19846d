//! Units, by quantity: codes after UCUM, the spellings that devices use, and the linear
//! conversion between units of one quantity. (UCUM writes `[ppm]`; we write `ppm` as
//! everyone does and understand both.)

/// What is measured, whatever the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// A share: mole, volume or plain ratio. Base unit `1`.
    Ratio,
    /// Thermodynamic temperature. Base unit `K`.
    Temperature,
    /// Speed. Base unit `m/s`.
    Velocity,
    /// Absolute or gauge pressure, as the device measures it. Base unit `Pa`.
    Pressure,
    /// Mass per time. Base unit `kg/s`.
    MassFlow,
    /// Actual volume per time; normal cubic metres are another quantity. Base unit `m3/s`.
    VolumeFlow,
    /// Mass per volume. Base unit `kg/m3`.
    Density,
    /// Mass. Base unit `kg`.
    Mass,
    /// Energy. Base unit `J`.
    Energy,
    /// Active power. Base unit `W`.
    Power,
    /// Reactive energy. Base unit `var.h`.
    ReactiveEnergy,
    /// Reactive power. Base unit `var`.
    ReactivePower,
    /// Radiant power on an area. Base unit `W/m2`.
    Irradiance,
    /// Time. Base unit `s`.
    Duration,
    /// Resistance. Base unit `Ohm`.
    Resistance,
    /// Voltage. Base unit `V`.
    Voltage,
    /// Current. Base unit `A`.
    Current,
    /// Cycles or turns per time. Base unit `Hz`.
    Frequency,
    /// Torque. Base unit `N.m`.
    Torque,
    /// Length or level. Base unit `m`.
    Length,
    /// An angle. Base unit `deg`.
    Angle,
    /// Acidity. Base unit `[pH]`.
    Acidity,
}

/// A unit of a quantity: `base = value × factor + offset`.
#[derive(Debug)]
pub struct Unit {
    /// The UCUM code (electrical reactive units, which UCUM lacks, by their IEC symbol).
    pub code: &'static str,
    /// What it measures.
    pub quantity: Quantity,
    /// Other spellings that are understood, exactly as written here.
    pub spellings: &'static [&'static str],
    factor: f64,
    offset: f64,
}

impl Unit {
    /// `value` of this unit in `other`, a unit of the same quantity. The same unit keeps
    /// every digit.
    #[must_use]
    pub fn convert(&self, value: f64, other: &Unit) -> f64 {
        if self.code == other.code {
            return value;
        }
        (value * self.factor + self.offset - other.offset) / other.factor
    }

    fn is_written(&self, text: &str) -> bool {
        self.code == text || self.spellings.contains(&text)
    }
}

/// The unit that `text` means for a `quantity`. Letter case counts, as in UCUM.
#[must_use]
pub fn find(quantity: Quantity, text: &str) -> Option<&'static Unit> {
    of(quantity).find(|unit| unit.is_written(text))
}

/// The units of a quantity.
pub fn of(quantity: Quantity) -> impl Iterator<Item = &'static Unit> {
    UNITS.iter().filter(move |unit| unit.quantity == quantity)
}

const fn unit(
    quantity: Quantity,
    code: &'static str,
    factor: f64,
    spellings: &'static [&'static str],
) -> Unit {
    Unit {
        code,
        quantity,
        spellings,
        factor,
        offset: 0.0,
    }
}

const fn scale(
    code: &'static str,
    factor: f64,
    offset: f64,
    spellings: &'static [&'static str],
) -> Unit {
    Unit {
        code,
        quantity: Quantity::Temperature,
        spellings,
        factor,
        offset,
    }
}

const FAHRENHEIT: f64 = 5.0 / 9.0;
const PSI: f64 = 6_894.757_293_168;
const FOOT: f64 = 0.3048;
const POUND: f64 = 0.453_592_37;
const BTU: f64 = 1_055.055_852_62;

use Quantity as Q;

#[rustfmt::skip]
static UNITS: &[Unit] = &[
    unit(Q::Ratio, "1", 1.0, &["ratio", "fraction", "-"]),
    unit(Q::Ratio, "%", 1e-2, &["percent", "pct", "%RH", "% RH", "%rH", "vol%", "%vol", "mol%"]),
    unit(Q::Ratio, "ppm", 1e-6, &["[ppm]", "ppmv", "PPM"]),
    unit(Q::Ratio, "ppb", 1e-9, &["[ppb]", "ppbv", "PPB"]),
    scale("K", 1.0, 0.0, &["kelvin", "degK", "°K"]),
    scale("Cel", 1.0, 273.15, &["°C", "℃", "degC", "C", "celsius", "deg C", "ºC"]),
    scale("[degF]", FAHRENHEIT, 459.67 * FAHRENHEIT, &["°F", "℉", "degF", "F", "fahrenheit", "deg F"]),
    unit(Q::Velocity, "m/s", 1.0, &["mps", "m s-1", "m.s-1"]),
    unit(Q::Velocity, "mm/s", 1e-3, &["mm s-1"]),
    unit(Q::Velocity, "km/h", 1.0 / 3.6, &["kmh", "kph"]),
    unit(Q::Velocity, "[ft_i]/s", FOOT, &["ft/s"]),
    unit(Q::Pressure, "Pa", 1.0, &["pascal"]),
    unit(Q::Pressure, "hPa", 1e2, &["mbar", "millibar"]),
    unit(Q::Pressure, "kPa", 1e3, &["kpa"]),
    unit(Q::Pressure, "MPa", 1e6, &[]),
    unit(Q::Pressure, "bar", 1e5, &["bara", "Bar"]),
    unit(Q::Pressure, "[psi]", PSI, &["psi", "psia", "PSI"]),
    unit(Q::Pressure, "atm", 101_325.0, &[]),
    unit(Q::Pressure, "mm[Hg]", 133.322_387_415, &["mmHg"]),
    unit(Q::MassFlow, "kg/s", 1.0, &["kg s-1"]),
    unit(Q::MassFlow, "g/s", 1e-3, &[]),
    unit(Q::MassFlow, "kg/min", 1.0 / 60.0, &[]),
    unit(Q::MassFlow, "kg/h", 1.0 / 3600.0, &["kg/hr"]),
    unit(Q::MassFlow, "t/h", 1.0 / 3.6, &["t/hr", "tph", "tonne/h", "tonnes/h", "tCO2/h"]),
    unit(Q::MassFlow, "t/d", 1.0 / 86.4, &["t/day", "tpd", "tCO2/d"]),
    unit(Q::MassFlow, "[lb_av]/h", POUND / 3600.0, &["lb/h", "lb/hr"]),
    unit(Q::VolumeFlow, "m3/s", 1.0, &["m³/s"]),
    unit(Q::VolumeFlow, "m3/h", 1.0 / 3600.0, &["m³/h", "m3/hr"]),
    unit(Q::VolumeFlow, "L/s", 1e-3, &["l/s"]),
    unit(Q::VolumeFlow, "L/min", 1e-3 / 60.0, &["l/min", "lpm", "LPM"]),
    unit(Q::VolumeFlow, "L/h", 1e-3 / 3600.0, &["l/h"]),
    unit(Q::Density, "kg/m3", 1.0, &["kg/m³", "kg m-3", "g/L", "g/l"]),
    unit(Q::Density, "g/cm3", 1e3, &["g/cm³", "kg/L", "t/m3"]),
    unit(Q::Density, "g/m3", 1e-3, &["g/m³"]),
    unit(Q::Density, "mg/m3", 1e-6, &["mg/m³"]),
    unit(Q::Mass, "kg", 1.0, &["kgCO2", "kg CO2"]),
    unit(Q::Mass, "g", 1e-3, &[]),
    unit(Q::Mass, "t", 1e3, &["tonne", "tonnes", "tCO2", "t CO2"]),
    unit(Q::Mass, "kt", 1e6, &["ktCO2"]),
    unit(Q::Energy, "J", 1.0, &[]),
    unit(Q::Energy, "kJ", 1e3, &[]),
    unit(Q::Energy, "MJ", 1e6, &[]),
    unit(Q::Energy, "GJ", 1e9, &[]),
    unit(Q::Energy, "W.h", 3.6e3, &["Wh"]),
    unit(Q::Energy, "kW.h", 3.6e6, &["kWh", "kwh", "KWH"]),
    unit(Q::Energy, "MW.h", 3.6e9, &["MWh"]),
    unit(Q::Energy, "GW.h", 3.6e12, &["GWh"]),
    unit(Q::Energy, "M[Btu]", BTU * 1e6, &["MMBtu", "MMBTU"]),
    unit(Q::Power, "W", 1.0, &["watt"]),
    unit(Q::Power, "kW", 1e3, &["kw", "KW"]),
    unit(Q::Power, "MW", 1e6, &[]),
    unit(Q::Power, "GW", 1e9, &[]),
    unit(Q::ReactiveEnergy, "var.h", 1.0, &["varh", "VArh"]),
    unit(Q::ReactiveEnergy, "kvar.h", 1e3, &["kvarh", "kVArh", "kVarh", "kVARh"]),
    unit(Q::ReactiveEnergy, "Mvar.h", 1e6, &["Mvarh", "MVArh", "MVarh"]),
    unit(Q::ReactivePower, "var", 1.0, &["VAr", "VAR"]),
    unit(Q::ReactivePower, "kvar", 1e3, &["kVAr", "kVar", "kVAR"]),
    unit(Q::ReactivePower, "Mvar", 1e6, &["MVAr", "MVar", "MVAR"]),
    unit(Q::Irradiance, "W/m2", 1.0, &["W/m²", "W m-2", "W/m^2"]),
    unit(Q::Irradiance, "kW/m2", 1e3, &["kW/m²"]),
    unit(Q::Duration, "s", 1.0, &["sec", "second", "seconds"]),
    unit(Q::Duration, "ms", 1e-3, &["millis", "milliseconds"]),
    unit(Q::Duration, "min", 60.0, &["minute", "minutes"]),
    unit(Q::Duration, "h", 3600.0, &["hr", "hour", "hours"]),
    unit(Q::Duration, "d", 86_400.0, &["day", "days"]),
    unit(Q::Resistance, "Ohm", 1.0, &["\u{3a9}", "\u{2126}", "ohm", "ohms"]),
    unit(Q::Resistance, "kOhm", 1e3, &["k\u{3a9}", "k\u{2126}", "kohm"]),
    unit(Q::Voltage, "V", 1.0, &["volt"]),
    unit(Q::Voltage, "mV", 1e-3, &[]),
    unit(Q::Voltage, "kV", 1e3, &[]),
    unit(Q::Current, "A", 1.0, &["amp", "ampere"]),
    unit(Q::Current, "mA", 1e-3, &[]),
    unit(Q::Frequency, "Hz", 1.0, &["hertz", "1/s"]),
    unit(Q::Frequency, "/min", 1.0 / 60.0, &["rpm", "RPM", "1/min", "r/min"]),
    unit(Q::Torque, "N.m", 1.0, &["Nm", "N·m", "N m"]),
    unit(Q::Length, "m", 1.0, &["metre", "meter"]),
    unit(Q::Length, "cm", 1e-2, &[]),
    unit(Q::Length, "mm", 1e-3, &[]),
    unit(Q::Length, "[ft_i]", FOOT, &["ft", "feet"]),
    unit(Q::Angle, "deg", 1.0, &["°", "degrees"]),
    unit(Q::Acidity, "[pH]", 1.0, &["pH", "1"]),
];

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn converts(quantity: Quantity, value: f64, from: &str, to: &str, expected: f64) {
        let (from, to) = (find(quantity, from).unwrap(), find(quantity, to).unwrap());
        let converted = from.convert(value, to);
        let close = (converted - expected).abs() <= expected.abs() * 1e-12;
        assert!(
            close,
            "{value} {} is {converted} {}, not {expected}",
            from.code, to.code
        );
    }

    #[test]
    fn known_conversions_hold() {
        converts(Q::Temperature, 212.0, "[degF]", "Cel", 100.0);
        converts(Q::Temperature, -40.0, "°F", "°C", -40.0);
        converts(Q::Temperature, 300.0, "K", "C", 26.85);
        converts(Q::Pressure, 14.695_948_775_513_4, "psi", "atm", 1.0);
        converts(Q::Pressure, 120.0, "bar", "MPa", 12.0);
        converts(Q::Pressure, 1013.25, "hPa", "kPa", 101.325);
        converts(Q::MassFlow, 1.0, "kg/s", "t/h", 3.6);
        converts(Q::MassFlow, 24.0, "t/d", "t/h", 1.0);
        converts(Q::VolumeFlow, 1000.0, "L/min", "m3/h", 60.0);
        converts(Q::Energy, 1.0, "GJ", "kWh", 277.777_777_777_777_8);
        converts(Q::ReactiveEnergy, 1.5, "Mvarh", "kVarh", 1500.0);
        converts(Q::Ratio, 0.04, "%", "ppm", 400.0);
        converts(Q::Frequency, 3000.0, "rpm", "Hz", 50.0);
    }

    #[test]
    fn the_same_unit_keeps_every_digit() {
        for unit in UNITS {
            assert_eq!(
                unit.convert(0.1 + 0.2, unit).to_bits(),
                (0.1_f64 + 0.2).to_bits()
            );
        }
    }

    #[test]
    fn a_spelling_means_one_unit_of_a_quantity() {
        let mut seen = BTreeMap::new();
        for unit in UNITS {
            for text in unit.spellings.iter().chain([&unit.code]) {
                let key = (format!("{:?}", unit.quantity), *text);
                assert_eq!(seen.insert(key.clone(), unit.code), None, "{key:?}");
            }
        }
    }

    #[test]
    fn letter_case_and_quantity_count() {
        assert_eq!(find(Q::Pressure, "mPa").map(|unit| unit.code), None);
        assert_eq!(find(Q::Temperature, "kPa").map(|unit| unit.code), None);
        assert_eq!(find(Q::Pressure, "MPa").unwrap().code, "MPa");
    }
}
