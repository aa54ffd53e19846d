//! Measured quantities: doubles, in the unit in which they were given.

use std::{fmt, marker::PhantomData, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::error::cut;
use super::{Dimension, Exact, Kind, QuantityError, Unit};
use crate::calculation::accounted;

/// What was measured, with its unit; finite, and never below zero in the base unit.
///
/// Texts and JSON are `"180 Cel"`: the number, a space, the unit. It keeps the unit it was given in,
/// so that what is printed is what was written.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String", bound = "")]
pub struct Measured<K: Kind> {
    value: f64,
    unit: &'static Unit,
    kind: PhantomData<K>,
}

impl<K: Kind> Measured<K> {
    /// So much of a unit, which is named by its code or another spelling.
    ///
    /// # Errors
    /// If there is no such unit of this kind, or the number is not finite or below zero.
    pub fn new(value: f64, unit: &str) -> Result<Self, QuantityError> {
        let unit = unit_of(K::DIMENSION, unit)?;
        checked(value, unit)?;
        Ok(Self {
            value,
            unit,
            kind: PhantomData,
        })
    }

    /// The number, in the unit in which it was given.
    #[must_use]
    pub const fn value(&self) -> f64 {
        self.value
    }

    /// The unit in which it was given.
    #[must_use]
    pub const fn unit(&self) -> &'static Unit {
        self.unit
    }

    /// The number of base units (SI).
    #[must_use]
    pub fn base(&self) -> f64 {
        self.unit.to_base(self.value)
    }

    /// The same quantity in another unit. The same unit keeps every digit.
    ///
    /// # Errors
    /// If there is no such unit of this kind.
    pub fn to(&self, unit: &str) -> Result<Self, QuantityError> {
        let unit = unit_of(K::DIMENSION, unit)?;
        let value = if unit == self.unit {
            self.value
        } else {
            unit.from_base(self.base())
        };
        let kind = PhantomData;
        Ok(Self { value, unit, kind })
    }

    /// The accounted quantity, rounded half to even to so many places of its unit: the border
    /// between what was measured and what is counted.
    ///
    /// # Errors
    /// If it has more than 28 digits.
    pub fn accounted(&self, places: u32) -> Result<Exact<K>, QuantityError> {
        let number: Decimal =
            accounted(self.value, places).map_err(|_| QuantityError::TooLarge {
                text: self.to_string(),
                quantity: K::DIMENSION.label(),
            })?;
        Exact::new(number, self.unit.code)
    }
}

pub(super) fn unit_of(dimension: Dimension, text: &str) -> Result<&'static Unit, QuantityError> {
    Unit::find(dimension, text).ok_or_else(|| QuantityError::Unit {
        unit: cut(text),
        quantity: dimension.label(),
        units: Unit::of(dimension)
            .map(|unit| unit.code)
            .collect::<Vec<_>>()
            .join(", "),
    })
}

pub(super) fn checked(value: f64, unit: &Unit) -> Result<(), QuantityError> {
    let quantity = unit.dimension.label();
    if !value.is_finite() {
        return Err(QuantityError::NotFinite { quantity });
    }
    if unit.to_base(value) < 0.0 {
        let text = format!("{value} {}", unit.code);
        return Err(QuantityError::Negative { text, quantity });
    }
    Ok(())
}

/// The number at the beginning of a text, and what follows it.
pub(super) fn split(text: &str) -> (&str, &str) {
    let of_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    let end = text.find(|c| !of_number(c)).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

impl<K: Kind> FromStr for Measured<K> {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (number, unit) = split(text);
        let value = number
            .parse()
            .map_err(|_| QuantityError::not_a_quantity(text, K::DIMENSION))?;
        Self::new(value, unit)
    }
}

impl<K: Kind> TryFrom<String> for Measured<K> {
    type Error = QuantityError;

    fn try_from(text: String) -> Result<Self, QuantityError> {
        text.parse()
    }
}

impl<K: Kind> From<Measured<K>> for String {
    fn from(quantity: Measured<K>) -> Self {
        quantity.to_string()
    }
}

impl<K: Kind> fmt::Display for Measured<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit.code)
    }
}
