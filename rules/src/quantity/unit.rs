//! Units: codes after UCUM, the spellings of the field, and exact conversions.
//!
//! Factors are quotients of decimals, so that an accounted figure is converted without a double in
//! between: a pound is 0.45359237 kg, an hour 3600 s, a psi 4.4482216152605 N on 0.00064516 m².

use rust_decimal::Decimal;

use super::Dimension::{
    self, Area, Density, Energy, Fraction, Length, Mass, MassFlow, Pressure, StandardVolume,
    Temperature, Velocity, Volume, VolumeFlow,
};

/// A unit: `base = (value + offset) · numerator / denominator`.
#[derive(Debug, PartialEq, Eq)]
pub struct Unit {
    /// The UCUM code; units of the trade that UCUM lacks (`Sm3`, `MMscf`) as the trade writes them.
    pub code: &'static str,
    /// What it measures.
    pub dimension: Dimension,
    /// Other spellings that are understood, exactly as written here.
    pub spellings: &'static [&'static str],
    offset: Decimal,
    numerator: Decimal,
    denominator: Decimal,
}

impl Unit {
    /// The unit of a dimension that is written so. Letter case counts, as in UCUM.
    #[must_use]
    pub fn find(dimension: Dimension, text: &str) -> Option<&'static Self> {
        Self::of(dimension).find(|unit| unit.code == text || unit.spellings.contains(&text))
    }

    /// The units of a dimension.
    pub fn of(dimension: Dimension) -> impl Iterator<Item = &'static Self> {
        UNITS.iter().filter(move |unit| unit.dimension == dimension)
    }

    /// So much of it in the base unit.
    #[must_use]
    pub fn to_base(&self, value: f64) -> f64 {
        (value + double(self.offset)) * double(self.numerator) / double(self.denominator)
    }

    /// So much of the base unit in it.
    #[must_use]
    pub fn from_base(&self, base: f64) -> f64 {
        base * double(self.denominator) / double(self.numerator) - double(self.offset)
    }

    /// The same in `other`, a unit of the same dimension: exact where 28 digits hold it, else
    /// rounded half to even to 12 places. `None` if it is too large.
    pub(super) fn convert_exact(&self, value: Decimal, other: &Self) -> Option<Decimal> {
        if self == other {
            return Some(value);
        }
        let multiplied = value
            .checked_add(self.offset)?
            .checked_mul(self.numerator)?
            .checked_mul(other.denominator)?;
        let divisor = self.denominator.checked_mul(other.numerator)?;
        let converted = multiplied.checked_div(divisor)?.checked_sub(other.offset)?;
        Some(converted.round_dp(12).normalize())
    }
}

/// The nearest double. (The conversion of `rust_decimal` is not.)
fn double(decimal: Decimal) -> f64 {
    decimal
        .to_string()
        .parse()
        .expect("the digits of a decimal are a number for f64, too")
}

/// `digits` with the point before the last `places` of them.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the digits are cut into two halves of 32 bits"
)]
const fn decimal(digits: u64, places: u32) -> Decimal {
    let [low, middle] = [digits as u32, (digits >> 32) as u32];
    Decimal::from_parts(low, middle, 0, false, places)
}

type Parts = (u64, u32);
const ONE: Parts = (1, 0);

const fn unit(
    dimension: Dimension,
    code: &'static str,
    (numerator, places): Parts,
    (denominator, of_places): Parts,
    spellings: &'static [&'static str],
) -> Unit {
    Unit {
        code,
        dimension,
        spellings,
        offset: Decimal::ZERO,
        numerator: decimal(numerator, places),
        denominator: decimal(denominator, of_places),
    }
}

const fn scale(
    code: &'static str,
    (offset, places): Parts,
    (numerator, denominator): (u64, u64),
    spellings: &'static [&'static str],
) -> Unit {
    Unit {
        code,
        dimension: Temperature,
        spellings,
        offset: decimal(offset, places),
        numerator: decimal(numerator, 0),
        denominator: decimal(denominator, 0),
    }
}

const POUND: Parts = (45_359_237, 8);
const CUBIC_FOOT: Parts = (28_316_846_592, 12);
const HOUR: Parts = (3_600, 0);

#[rustfmt::skip]
static UNITS: &[Unit] = &[
    scale("K", (0, 0), (1, 1), &["kelvin", "degK"]),
    scale("Cel", (27_315, 2), (1, 1), &["°C", "degC", "C", "celsius"]),
    scale("[degF]", (45_967, 2), (5, 9), &["°F", "degF", "F", "fahrenheit"]),

    unit(Pressure, "Pa", ONE, ONE, &["pascal"]),
    unit(Pressure, "hPa", (100, 0), ONE, &["mbar"]),
    unit(Pressure, "kPa", (1_000, 0), ONE, &[]),
    unit(Pressure, "MPa", (1_000_000, 0), ONE, &[]),
    unit(Pressure, "bar", (100_000, 0), ONE, &[]),
    unit(Pressure, "[psi]", (44_482_216_152_605, 13), (64_516, 8), &["psi"]),
    unit(Pressure, "atm", (101_325, 0), ONE, &[]),
    unit(Pressure, "mm[Hg]", (133_322_387_415, 9), ONE, &["mmHg"]),

    unit(Fraction, "1", ONE, ONE, &["ratio", "fraction", "mol/mol", "kg/kg"]),
    unit(Fraction, "%", (1, 2), ONE, &["percent", "vol%", "%vol", "mol%", "wt%"]),
    unit(Fraction, "ppm", (1, 6), ONE, &["[ppm]", "ppmv"]),
    unit(Fraction, "ppb", (1, 9), ONE, &["[ppb]", "ppbv"]),

    unit(Velocity, "m/s", ONE, ONE, &[]),
    unit(Velocity, "km/h", (1_000, 0), HOUR, &[]),
    unit(Velocity, "[ft_i]/s", (3_048, 4), ONE, &["ft/s"]),

    unit(Length, "m", ONE, ONE, &["metre"]),
    unit(Length, "cm", (1, 2), ONE, &[]),
    unit(Length, "mm", (1, 3), ONE, &[]),
    unit(Length, "[in_i]", (254, 4), ONE, &["in", "inch"]),
    unit(Length, "[ft_i]", (3_048, 4), ONE, &["ft"]),

    unit(Area, "m2", ONE, ONE, &["m²"]),
    unit(Area, "cm2", (1, 4), ONE, &["cm²"]),
    unit(Area, "mm2", (1, 6), ONE, &["mm²"]),
    unit(Area, "[sft_i]", (9_290_304, 8), ONE, &["ft2", "ft²", "sqft"]),

    unit(Mass, "kg", ONE, ONE, &[]),
    unit(Mass, "g", (1, 3), ONE, &[]),
    unit(Mass, "t", (1_000, 0), ONE, &["tonne", "tonnes", "Mg"]),
    unit(Mass, "kt", (1_000_000, 0), ONE, &[]),
    unit(Mass, "Mt", (1_000_000_000, 0), ONE, &[]),
    unit(Mass, "[lb_av]", POUND, ONE, &["lb", "lbs"]),
    unit(Mass, "[ston_av]", (90_718_474, 5), ONE, &["short ton", "short tons", "US ton"]),
    unit(Mass, "[lton_av]", (10_160_469_088, 7), ONE, &["long ton", "long tons"]),

    unit(Volume, "m3", ONE, ONE, &["m³"]),
    unit(Volume, "L", (1, 3), ONE, &["l", "litre", "litres", "liter", "liters"]),
    unit(Volume, "[gal_us]", (3_785_411_784, 12), ONE, &["gal", "US gal"]),
    unit(Volume, "[bbl_us]", (158_987_294_928, 12), ONE, &["bbl"]),
    unit(Volume, "[cft_i]", CUBIC_FOOT, ONE, &["ft3", "ft³", "acf"]),

    unit(StandardVolume, "Sm3", ONE, ONE, &["sm3", "Sm³", "sm³", "m3", "m³"]),
    unit(StandardVolume, "kSm3", (1_000, 0), ONE, &["ksm3"]),
    unit(StandardVolume, "MSm3", (1_000_000, 0), ONE, &["Msm3"]),
    unit(StandardVolume, "scf", CUBIC_FOOT, ONE, &["SCF"]),
    unit(StandardVolume, "Mscf", (28_316_846_592, 9), ONE, &["MSCF"]),
    unit(StandardVolume, "MMscf", (28_316_846_592, 6), ONE, &["MMSCF"]),
    unit(StandardVolume, "Bscf", (28_316_846_592, 3), ONE, &["BSCF"]),

    unit(MassFlow, "kg/s", ONE, ONE, &[]),
    unit(MassFlow, "g/s", (1, 3), ONE, &[]),
    unit(MassFlow, "kg/min", ONE, (60, 0), &[]),
    unit(MassFlow, "kg/h", ONE, HOUR, &["kg/hr"]),
    unit(MassFlow, "t/h", (1_000, 0), HOUR, &["t/hr", "tph"]),
    unit(MassFlow, "t/d", (1_000, 0), (86_400, 0), &["t/day", "tpd"]),
    unit(MassFlow, "[lb_av]/h", POUND, HOUR, &["lb/h", "lb/hr"]),

    unit(VolumeFlow, "m3/s", ONE, ONE, &["m³/s"]),
    unit(VolumeFlow, "m3/h", ONE, HOUR, &["m³/h"]),
    unit(VolumeFlow, "L/s", (1, 3), ONE, &["l/s"]),
    unit(VolumeFlow, "L/min", (1, 3), (60, 0), &["l/min"]),
    unit(VolumeFlow, "[cft_i]/min", CUBIC_FOOT, (60, 0), &["acfm", "ft3/min"]),

    unit(Density, "kg/m3", ONE, ONE, &["kg/m³", "g/L"]),
    unit(Density, "g/cm3", (1_000, 0), ONE, &["g/cm³", "kg/L", "t/m3"]),
    unit(Density, "[lb_av]/[cft_i]", POUND, CUBIC_FOOT, &["lb/ft3"]),

    unit(Energy, "J", ONE, ONE, &[]),
    unit(Energy, "kJ", (1_000, 0), ONE, &[]),
    unit(Energy, "MJ", (1_000_000, 0), ONE, &[]),
    unit(Energy, "GJ", (1_000_000_000, 0), ONE, &[]),
    unit(Energy, "TJ", (1_000_000_000_000, 0), ONE, &[]),
    unit(Energy, "kW.h", (3_600_000, 0), ONE, &["kWh"]),
    unit(Energy, "MW.h", (3_600_000_000, 0), ONE, &["MWh"]),
    unit(Energy, "GW.h", (3_600_000_000_000, 0), ONE, &["GWh"]),
    unit(Energy, "M[Btu_IT]", (105_505_585_262, 2), ONE, &["MMBtu", "mmBtu", "M[Btu]"]),
];
