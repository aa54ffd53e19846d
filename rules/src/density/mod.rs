//! The density of CO2 streams from temperature, pressure and composition.
//!
//! `ρ = ρ(T, P, x)` by the equation of state GERG-2008 (ISO 20765-2; O. Kunz and W. Wagner, J. Chem.
//! Eng. Data 57 (2012) 3032–3091), as the crate `aga8` computes it from NIST's code. Evidence: \[C\],
//! compared with Span and Wagner's equation in `CoolProp` 8.0.0 over the range below.
//!
//! | | symbol | unit | range |
//! |---|---|---|---|
//! | temperature | T | K | 225 … 450; below lies ice of CO2 |
//! | absolute pressure | P | Pa | 1 kPa … 35 `MPa` |
//! | mole fractions | x | 1 | of 21 components, sum 1 ± 10⁻⁴ |
//! | density | ρ | kg/m³ | |
//!
//! Impurities of 4 % take a fifth of the density at 310 K and 10 `MPa`, so the composition is no
//! option. Near the critical point half a kelvin is a tenth of the density: see [`uncertainty`].

mod composition;
mod equation_of_state;
mod rule;
mod stability;

pub use composition::{Composition, CompositionError};
pub use rule::{DensityInput, DensityRule};

use crate::quantity::{AbsolutePressure, Measured, QuantityError, Temperature};
use crate::uncertainty::{Budget, Input, propagate};
use equation_of_state::{Roots, roots};

/// Molar mass of CO2, kg/mol \[C\].
pub const MOLAR_MASS_CO2: f64 = 0.044_009_5;

/// Temperatures of the model, K.
const KELVINS: std::ops::RangeInclusive<f64> = 225.0..=450.0;
/// Pressures of the model, Pa.
const PASCALS: std::ops::RangeInclusive<f64> = 1e3..=35e6;
/// On the saturation line both phases have the same Gibbs energy. So near to it (in units of RT: a
/// thousandth of the pressure) no instrument says on which side the stream is.
const SATURATED: f64 = 1e-3;
/// The same of a mixture, whose phases differ in composition, too.
const COMPETING: f64 = 0.05;
const GAS_CONSTANT: f64 = 8.314_462_618;

/// Whether a stream is of one phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phase {
    /// Nothing says that it is not.
    One,
    /// A second phase may be there: nothing accounted may rest on the density.
    PossiblyTwo {
        /// The density of the other phase that the model finds, kg/m³, if it finds one.
        other: Option<f64>,
    },
}

/// The density of a stream and what goes with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StreamDensity {
    /// kg/m³.
    pub density: f64,
    /// Of the mixture, kg/mol.
    pub molar_mass: f64,
    /// Whether it is of one phase.
    pub phase: Phase,
}

/// Why there is no density.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DensityError {
    /// Too cold or too hot.
    #[error(
        "a temperature of {kelvins} K is outside of the model's range of 225 to 450 K: check the \
         instrument, or use a density meter"
    )]
    Temperature {
        /// What was given.
        kelvins: f64,
    },
    /// Too thin or too dense.
    #[error(
        "a pressure of {pascals} Pa is outside of the model's range of 1 kPa to 35 MPa: check the \
         instrument and whether it shows gauge pressure"
    )]
    Pressure {
        /// What was given.
        pascals: f64,
    },
    /// The solver ended nowhere.
    #[error(
        "the equation of state has no density at {kelvins} K and {pascals} Pa: check the composition"
    )]
    NoRoot {
        /// Temperature.
        kelvins: f64,
        /// Pressure.
        pascals: f64,
    },
    /// Nothing accounted may rest on it.
    #[error(
        "the stream may be of two phases (the model finds {density:.3} kg/m³{}): no accounted figure \
         may rest on it; measure where it is of one phase, or by a mass meter",
        other.map_or(String::new(), |other| format!(" and {other:.3} kg/m³"))
    )]
    TwoPhases {
        /// The density of the stabler phase.
        density: f64,
        /// That of the other.
        other: Option<f64>,
    },
    /// No quantity.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
}

impl StreamDensity {
    /// The density in kg/m³ that accounts may rest on.
    ///
    /// # Errors
    /// [`DensityError::TwoPhases`] if a second phase may be there.
    pub fn accountable(&self) -> Result<f64, DensityError> {
        match self.phase {
            Phase::One => Ok(self.density),
            Phase::PossiblyTwo { other } => Err(DensityError::TwoPhases {
                density: self.density,
                other,
            }),
        }
    }
}

/// The density of a stream.
///
/// # Errors
/// Outside of the model's range, and where the model has no solution.
pub fn density(
    temperature: Measured<Temperature>,
    pressure: AbsolutePressure,
    composition: &Composition,
) -> Result<StreamDensity, DensityError> {
    at(temperature.base(), pressure.pascals(), composition)
}

/// [`density`] of kelvins and pascals.
fn at(
    kelvins: f64,
    pascals: f64,
    composition: &Composition,
) -> Result<StreamDensity, DensityError> {
    if !KELVINS.contains(&kelvins) {
        return Err(DensityError::Temperature { kelvins });
    }
    if !PASCALS.contains(&pascals) {
        return Err(DensityError::Pressure { pascals });
    }
    let found = roots(&composition.model(), kelvins, pascals)
        .ok_or(DensityError::NoRoot { kelvins, pascals })?;
    let stable = found.stable();
    Ok(StreamDensity {
        density: stable.density(),
        molar_mass: stable.molar_mass / 1_000.0,
        phase: phase(&found, kelvins, pascals, composition),
    })
}

/// Of one component the root with the lower Gibbs energy is the phase that there is, unless the other
/// is as good. A mixture may split although one root is clearly lower: there trial phases are looked
/// at, too.
fn phase(found: &Roots, kelvins: f64, pascals: f64, composition: &Composition) -> Phase {
    let (gap, other) = match found {
        Roots::One(_) => (f64::INFINITY, None),
        Roots::Two(stable, other) => {
            let gap = (other.gibbs - stable.gibbs) / (GAS_CONSTANT * kelvins);
            (gap, Some(other.density()))
        }
    };
    let two = if composition.is_pure() {
        gap < SATURATED
    } else {
        gap < COMPETING || stability::splits(composition, kelvins, pascals)
    };
    if two {
        Phase::PossiblyTwo { other }
    } else {
        Phase::One
    }
}

/// Standard uncertainties (k = 1) of what a density is computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uncertainties {
    /// Of the temperature, K.
    pub kelvins: f64,
    /// Of the pressure, Pa.
    pub pascals: f64,
    /// Of the equation of state itself, relative.
    pub model: f64,
}

/// The uncertainty of a density, with the sensitivity to each of its inputs: those of temperature and
/// pressure go through the equation of state.
///
/// # Errors
/// As [`density`], at the state itself and one standard uncertainty away from it; and if a second
/// phase may be there.
pub fn uncertainty(
    temperature: Measured<Temperature>,
    pressure: AbsolutePressure,
    composition: &Composition,
    of: Uncertainties,
) -> Result<Budget, DensityError> {
    let inputs = [
        Input::new("T", temperature.base(), of.kelvins),
        Input::new("P", pressure.pascals(), of.pascals),
        Input::new("model", 1.0, of.model),
    ];
    propagate(&inputs, |values| {
        let state = at(values[0], values[1], composition)?;
        Ok(state.accountable()? * values[2])
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests;
