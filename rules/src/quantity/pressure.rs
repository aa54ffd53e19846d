//! Pressures, absolute or gauge, never mixed up.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::error::cut;
use super::measured::{checked, split, unit_of};
use super::{Dimension, QuantityError, Unit};

/// A pressure on vacuum: the only one that equations take.
///
/// Texts and JSON are `"79.5 kPa(a)"`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AbsolutePressure {
    value: f64,
    unit: &'static Unit,
}

/// A pressure as an instrument shows it: on vacuum, or on the air of the place.
///
/// Texts and JSON say which: `"120 bar(a)"`, `"1750 [psi](g)"`; `bara`, `barg`, `psia` and `psig`
/// are understood.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pressure {
    /// On vacuum.
    Absolute(AbsolutePressure),
    /// On the air of the place; below zero in a duct that draws.
    Gauge {
        /// The number.
        value: f64,
        /// Its unit.
        unit: &'static Unit,
    },
}

impl AbsolutePressure {
    /// One standard atmosphere.
    ///
    /// # Panics
    /// Never: the unit is in the table.
    #[must_use]
    pub fn atmosphere() -> Self {
        Self::new(101_325.0, "Pa").expect("a pressure in pascals")
    }

    /// So much of a unit, which is named by its code or another spelling.
    ///
    /// # Errors
    /// If there is no such unit of pressure, or the number is not finite or below zero.
    pub fn new(value: f64, unit: &str) -> Result<Self, QuantityError> {
        let unit = unit_of(Dimension::Pressure, unit)?;
        checked(value, unit)?;
        Ok(Self { value, unit })
    }

    /// Pascals.
    #[must_use]
    pub fn pascals(&self) -> f64 {
        self.unit.to_base(self.value)
    }
}

impl Pressure {
    /// The absolute pressure; a gauge pressure stands on `ambient`.
    ///
    /// # Errors
    /// If it is a gauge pressure and there is no ambient pressure, or it is below vacuum.
    pub fn absolute(
        &self,
        ambient: Option<AbsolutePressure>,
    ) -> Result<AbsolutePressure, QuantityError> {
        let (value, unit) = match self {
            Self::Absolute(pressure) => return Ok(*pressure),
            Self::Gauge { value, unit } => (*value, *unit),
        };
        let ambient = ambient.ok_or_else(|| QuantityError::NoAmbient {
            pressure: self.to_string(),
        })?;
        let pascals = unit.to_base(value) + ambient.pascals();
        AbsolutePressure::new(pascals, "Pa").map_err(|_| QuantityError::BelowVacuum {
            pressure: self.to_string(),
            ambient: ambient.to_string(),
        })
    }
}

impl From<AbsolutePressure> for Pressure {
    fn from(pressure: AbsolutePressure) -> Self {
        Self::Absolute(pressure)
    }
}

/// What a unit is measured on, and the unit without that.
fn reference(unit: &str) -> Option<(bool, &str)> {
    for (ending, absolute) in [
        ("(a)", true),
        ("(g)", false),
        (" abs", true),
        (" gauge", false),
    ] {
        if let Some(unit) = unit.strip_suffix(ending) {
            return Some((absolute, unit.trim_end()));
        }
    }
    match unit {
        "bara" => Some((true, "bar")),
        "barg" => Some((false, "bar")),
        "psia" => Some((true, "psi")),
        "psig" => Some((false, "psi")),
        _ => None,
    }
}

impl FromStr for Pressure {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (number, unit) = split(text);
        let value: f64 = number
            .parse()
            .map_err(|_| QuantityError::not_a_quantity(text, Dimension::Pressure))?;
        let Some((absolute, name)) = reference(unit) else {
            return Err(QuantityError::NeitherAbsoluteNorGauge {
                text: cut(text),
                unit: unit_of(Dimension::Pressure, unit)?.code,
            });
        };
        if absolute {
            return AbsolutePressure::new(value, name).map(Self::Absolute);
        }
        let unit = unit_of(Dimension::Pressure, name)?;
        let quantity = Dimension::Pressure.label();
        if !value.is_finite() {
            return Err(QuantityError::NotFinite { quantity });
        }
        Ok(Self::Gauge { value, unit })
    }
}

impl FromStr for AbsolutePressure {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        text.parse::<Pressure>()?.absolute(None)
    }
}

macro_rules! texts {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = QuantityError;

            fn try_from(text: String) -> Result<Self, QuantityError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(pressure: $name) -> Self {
                pressure.to_string()
            }
        }
    };
}
texts!(Pressure);
texts!(AbsolutePressure);

impl fmt::Display for AbsolutePressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}(a)", self.value, self.unit.code)
    }
}

impl fmt::Display for Pressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(pressure) => pressure.fmt(f),
            Self::Gauge { value, unit } => write!(f, "{value} {}(g)", unit.code),
        }
    }
}
