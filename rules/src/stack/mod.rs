//! The CO2 that leaves a stack, from what is measured in the duct.
//!
//! ```text
//! ṁ = x·v·A·F·P·M/(R·T)          x = x_dry·(1 − B_w) if the analyser dries its sample
//! ```
//!
//! | symbol | unit | what |
//! |---|---|---|
//! | ṁ | kg/s | CO2 |
//! | x | 1 | mole fraction of CO2 in the gas as it flows |
//! | `B_w` | 1 | mole fraction of water vapour in it |
//! | v | m/s | speed at the measured point |
//! | A | m² | inner cross-section there: w·h, or π·d²/4 |
//! | F | 1 | mean speed over the section as a share of v |
//! | P | Pa | absolute pressure **in the duct** |
//! | T | K | temperature there |
//! | M | kg/mol | 0.0440095, of CO2 |
//! | R | J/(mol·K) | 8.314462618 |
//!
//! Evidence: \[C\], the gas law. The pressure is no constant: at 2000 m it is 79 kPa, and a fixed
//! density of 1.977 kg/m³ (that of 0 °C and 1 atm) would give 113 % too much for a flue of 180 °C.

mod fuel_mix;
mod geometry;
mod rule;

pub use fuel_mix::FuelUse;
pub use geometry::{Geometry, GeometryError, Section, on as geometry_on};
pub use rule::{Analyser, Moisture, RelativeUncertainties, StackEmission, StackInput};

use crate::calculation::{Effective, RuleSet, term_rules};

term_rules! {
    X_READ: "x_read" in "1", "gas law", Computed, "mole fraction of CO2 as the analyser shows it";
    B_W: "B_w" in "1", "gas law", Computed, "mole fraction of water vapour";
    WHOLE: "1" in "1" = "1", "definition", Computed, "all of the gas";
    X: "x" in "1" = "x_read·(1 − B_w) of a dry sample", "gas law", Computed, "mole fraction of CO2 in the gas as it flows";
    V: "v" in "m/s", "gas law", Computed, "speed at the measured point";
    A: "A" in "m2" = "w·h or π·d²/4", "geometry of the day", Computed, "inner cross-section";
    F: "F" in "1", "geometry of the day", Computed, "mean speed as a share of the measured one";
    Q: "Q" in "m3/s" = "v·A·F", "gas law", Computed, "volume flow as it is in the duct";
    P: "P" in "Pa", "gas law", Computed, "absolute pressure in the duct";
    T: "T" in "K", "gas law", Computed, "temperature in the duct";
    M: "M" in "kg/mol" = "0.0440095", "gas law", Computed, "molar mass of CO2";
    R: "R" in "J/(mol.K)" = "8.314462618", "CODATA 2018, exact by definition", Computed, "gas constant";
    RHO: "ρ" in "kg/m3" = "P·M/(R·T)", "gas law", Computed, "density of CO2 at P and T";
    FLOW: "ṁ" in "kg/s" = "x·Q·ρ", "gas law", Computed, "CO2 leaving the stack";
    E: "E" in "GJ", "given", Computed, "energy of a fuel, from energy entries of the same period";
    EF: "EF" in "kg/GJ", "given", Computed, "CO2 of a fuel by its energy";
    B: "b" in "1", "given", Computed, "biogenic share of a fuel's carbon";
    SHARE: "β" in "1" = "Σ E·EF·b / Σ E·EF", "CO2 of the fuel mix", Computed, "biogenic share of the CO2";
    BIOGENIC: "ṁ_biogenic" in "kg/s" = "ṁ·β", "CO2 of the fuel mix", Computed, "biogenic CO2 leaving the stack";
    FOSSIL: "ṁ_fossil" in "kg/s" = "ṁ − ṁ_biogenic", "CO2 of the fuel mix", Computed, "fossil CO2 leaving the stack";
    U_I: "u_i" in "1", "given", Computed, "relative standard uncertainty of an input, k = 1";
    U: "u(ṁ)/ṁ" in "1" = "√Σ u_i²", "law of propagation for a product", Computed, "relative standard uncertainty, k = 1";
    K: "k" in "1" = "1.96", "normal distribution, 95 %", Computed, "coverage factor";
    U95: "U95" in "1" = "k·u(ṁ)/ṁ", "definition of expanded uncertainty", Computed, "relative expanded uncertainty, 95 %";
}

static SET: RuleSet = RuleSet {
    id: "stack-co2",
    version: 1,
    title: "CO2 leaving a stack, from what is measured in the duct",
    source: "the gas law; M and R by CODATA",
    effective: Effective::since(2000, 1, 1),
    terms: TERMS,
};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests;
