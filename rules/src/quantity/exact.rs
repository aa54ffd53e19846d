//! Accounted quantities: decimals, in the unit in which they were given.

use std::{fmt, marker::PhantomData, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::measured::{split, unit_of};
use super::{Kind, QuantityError, Unit};

/// What is accounted, with its unit: a decimal of at most 28 digits, never below zero.
///
/// Texts and JSON are `"12.5 t"`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String", bound = "")]
pub struct Exact<K: Kind> {
    value: Decimal,
    unit: &'static Unit,
    kind: PhantomData<K>,
}

impl<K: Kind> Exact<K> {
    /// So much of a unit, which is named by its code or another spelling.
    ///
    /// # Errors
    /// If there is no such unit of this kind, or the number is below zero.
    pub fn new(value: Decimal, unit: &str) -> Result<Self, QuantityError> {
        let unit = unit_of(K::DIMENSION, unit)?;
        if value.is_sign_negative() && !value.is_zero() {
            return Err(QuantityError::Negative {
                text: format!("{value} {}", unit.code),
                quantity: K::DIMENSION.label(),
            });
        }
        Ok(Self {
            value: value.normalize(),
            unit,
            kind: PhantomData,
        })
    }

    /// The number, in the unit in which it was given.
    #[must_use]
    pub const fn value(&self) -> Decimal {
        self.value
    }

    /// The unit in which it was given.
    #[must_use]
    pub const fn unit(&self) -> &'static Unit {
        self.unit
    }

    /// The same quantity in another unit: exact wherever 28 digits and 12 places hold it, as between
    /// all units of mass; else rounded half to even to 12 places.
    ///
    /// # Errors
    /// If there is no such unit of this kind, or the number is too large.
    pub fn to(&self, unit: &str) -> Result<Self, QuantityError> {
        let unit = unit_of(K::DIMENSION, unit)?;
        let value = self.unit.convert_exact(self.value, unit);
        let value = value.ok_or_else(|| self.too_large())?;
        let kind = PhantomData;
        Ok(Self { value, unit, kind })
    }

    /// The sum, in the unit of the first.
    ///
    /// # Errors
    /// If it has more than 28 digits.
    pub fn plus(&self, other: &Self) -> Result<Self, QuantityError> {
        let other = other.to(self.unit.code)?;
        let value = self.value.checked_add(other.value);
        Self::new(value.ok_or_else(|| self.too_large())?, self.unit.code)
    }

    fn too_large(&self) -> QuantityError {
        QuantityError::TooLarge {
            text: self.to_string(),
            quantity: K::DIMENSION.label(),
        }
    }
}

impl<K: Kind> FromStr for Exact<K> {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (number, unit) = split(text);
        let value = Decimal::from_str_exact(number)
            .map_err(|_| QuantityError::not_a_quantity(text, K::DIMENSION))?;
        Self::new(value, unit)
    }
}

impl<K: Kind> TryFrom<String> for Exact<K> {
    type Error = QuantityError;

    fn try_from(text: String) -> Result<Self, QuantityError> {
        text.parse()
    }
}

impl<K: Kind> From<Exact<K>> for String {
    fn from(quantity: Exact<K>) -> Self {
        quantity.to_string()
    }
}

impl<K: Kind> fmt::Display for Exact<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit.code)
    }
}
