//! Numbers of a calculation: exact where something is accounted, doubles where it was measured.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A number of a calculation. In JSON an exact one is a text (`"355244"`), a measured one a number
/// (`0.144867…`), so that nobody can take one for the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Accounted: a decimal of at most 28 digits, without zeros that say nothing.
    Exact(Decimal),
    /// Measured, or computed from what was: a finite double.
    Measured(f64),
}

impl Number {
    /// The decimal, if it is exact.
    #[must_use]
    pub const fn exact(self) -> Option<Decimal> {
        match self {
            Self::Exact(decimal) => Some(decimal),
            Self::Measured(_) => None,
        }
    }

    /// The nearest double.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        match self {
            // A decimal's text is a number for f64, too; the conversion of the library is not the
            // nearest double.
            Self::Exact(decimal) => decimal.to_string().parse().unwrap_or(f64::NAN),
            Self::Measured(value) => value,
        }
    }
}

impl From<Decimal> for Number {
    fn from(decimal: Decimal) -> Self {
        Self::Exact(decimal.normalize())
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Measured(value)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(decimal) => decimal.fmt(f),
            Self::Measured(value) => value.fmt(f),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Exact(decimal) => serializer.collect_str(decimal),
            Self::Measured(value) => serializer.serialize_f64(*value),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Wire {
    Exact(String),
    Measured(f64),
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Wire::deserialize(deserializer)? {
            Wire::Exact(text) => Decimal::from_str_exact(&text)
                .map(Self::from)
                .map_err(D::Error::custom),
            Wire::Measured(value) => Ok(Self::Measured(value)),
        }
    }
}
