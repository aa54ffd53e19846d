//! Volumes of gas at stated conditions.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::error::cut;
use super::measured::{split, unit_of};
use super::{Dimension, Exact, Mass, QuantityError, Unit};

/// At which temperature a volume is counted; the pressure is one atmosphere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conditions {
    /// 60 °F (288.7056 K): 40 CFR 98 Subparts RR and UU.
    Fahrenheit60,
    /// 68 °F (293.15 K): 40 CFR 98.6 and Equation C-6.
    Fahrenheit68,
    /// 15 °C (288.15 K): the natural gas of ISO 13443.
    Celsius15,
    /// 0 °C (273.15 K): normal cubic metres.
    Celsius0,
}

impl Conditions {
    const ALL: [Self; 4] = [
        Self::Fahrenheit60,
        Self::Fahrenheit68,
        Self::Celsius15,
        Self::Celsius0,
    ];

    const fn text(self) -> &'static str {
        match self {
            Self::Fahrenheit60 => "(60 degF)",
            Self::Fahrenheit68 => "(68 degF)",
            Self::Celsius15 => "(15 degC)",
            Self::Celsius0 => "(0 degC)",
        }
    }

    /// The temperature in kelvins.
    #[must_use]
    pub const fn kelvins(self) -> f64 {
        match self {
            Self::Fahrenheit60 => 519.67 / 1.8,
            Self::Fahrenheit68 => 293.15,
            Self::Celsius15 => 288.15,
            Self::Celsius0 => 273.15,
        }
    }
}

/// A volume of gas at stated conditions, exact.
///
/// Texts and JSON are `"2.5 MMscf (60 degF)"`: a volume that does not say its conditions is refused,
/// for between 60 and 68 °F lies 1.5 % of the mass. Volumes at different conditions are not compared
/// or added: their gas's density has to say what they have in common.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StandardVolume {
    value: Decimal,
    unit: &'static Unit,
    at: Conditions,
}

impl StandardVolume {
    /// At which conditions it is counted.
    #[must_use]
    pub const fn conditions(&self) -> Conditions {
        self.at
    }

    /// Cubic metres at its conditions.
    ///
    /// # Errors
    /// If they have more than 28 digits.
    pub fn cubic_metres(&self) -> Result<Decimal, QuantityError> {
        let cubic_metre = unit_of(Dimension::StandardVolume, "Sm3")?;
        self.unit
            .convert_exact(self.value, cubic_metre)
            .ok_or_else(|| self.too_large())
    }

    /// The mass of gas that has so many tonnes in a cubic metre at these conditions.
    ///
    /// # Errors
    /// If it has more than 28 digits.
    pub fn mass(&self, tonnes_in_cubic_metre: Decimal) -> Result<Exact<Mass>, QuantityError> {
        let tonnes = self.cubic_metres()?.checked_mul(tonnes_in_cubic_metre);
        Exact::new(tonnes.ok_or_else(|| self.too_large())?, "t")
    }

    fn too_large(&self) -> QuantityError {
        QuantityError::TooLarge {
            text: self.to_string(),
            quantity: Dimension::StandardVolume.label(),
        }
    }
}

impl FromStr for StandardVolume {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let no_quantity = || QuantityError::not_a_quantity(text, Dimension::StandardVolume);
        let (number, rest) = split(text);
        let value = Decimal::from_str_exact(number).map_err(|_| no_quantity())?;
        if value.is_sign_negative() && !value.is_zero() {
            return Err(QuantityError::Negative {
                text: cut(text),
                quantity: Dimension::StandardVolume.label(),
            });
        }
        let stated = Conditions::ALL
            .into_iter()
            .find_map(|at| Some((at, rest.strip_suffix(at.text())?.trim_end())));
        let (at, unit) = stated.ok_or_else(|| QuantityError::NoConditions {
            text: cut(text),
            conditions: Conditions::ALL.map(Conditions::text).join(", "),
        })?;
        Ok(Self {
            value: value.normalize(),
            unit: unit_of(Dimension::StandardVolume, unit)?,
            at,
        })
    }
}

impl TryFrom<String> for StandardVolume {
    type Error = QuantityError;

    fn try_from(text: String) -> Result<Self, QuantityError> {
        text.parse()
    }
}

impl From<StandardVolume> for String {
    fn from(volume: StandardVolume) -> Self {
        volume.to_string()
    }
}

impl fmt::Display for StandardVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.value, self.unit.code, self.at.text())
    }
}
