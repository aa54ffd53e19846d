//! Quantities with units: what was measured as doubles, what is accounted as exact decimals, and
//! never the one for the other.
//!
//! A quantity is a number and a unit of its kind; it is written `120 kPa`, keeps the unit in which
//! it was given, and is converted where it is used. The kinds are types, so an area cannot be passed
//! for a speed. Three things a dimension does not tell apart are told apart here:
//!
//! * an absolute pressure and a gauge pressure ([`Pressure`]);
//! * a volume as it flows ([`Volume`]) and one at stated conditions ([`StandardVolume`]);
//! * a measured number ([`Measured`]) and an accounted one ([`Exact`]). The border from the one to
//!   the other is [`crate::calculation::accounted`], which rounds half to even.

mod error;
mod exact;
mod kind;
mod measured;
mod money;
mod pressure;
mod standard_volume;
mod unit;

pub use error::QuantityError;
pub use exact::Exact;
pub use kind::{
    Area, Density, Dimension, Energy, Fraction, Kind, Length, Mass, MassFlow, Temperature,
    Velocity, Volume, VolumeFlow,
};
pub use measured::Measured;
pub use money::{Currency, Money};
pub use pressure::{AbsolutePressure, Pressure};
pub use standard_volume::{Conditions, StandardVolume};
pub use unit::Unit;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests;
