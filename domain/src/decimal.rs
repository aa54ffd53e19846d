//! Decimal numbers as text: what a payload holds instead of a float.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The most digits that a decimal may have, before and after the point together.
pub const MAX_DIGITS: usize = 28;

/// An exact decimal number in its one canonical spelling: `-1.50` is kept as given
/// (trailing zeros say how exact a figure is), `+1`, `01`, `.5`, `1.`, `1e3` are refused.
///
/// Hashing a float would hash a printer's habits; this hashes digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DecimalText(String);

/// A text that is not a decimal number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{value}\" is not a decimal number: write digits with an optional minus sign and point, \
     such as \"-0.4205\" (at most {MAX_DIGITS} digits, no exponent)"
)]
pub struct DecimalError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

fn is_whole_part(digits: &str) -> bool {
    let canonical = digits == "0" || !digits.starts_with('0');
    !digits.is_empty() && canonical && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_decimal(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let Some((whole, fraction)) = digits.split_once('.') else {
        return is_whole_part(digits) && digits.len() <= MAX_DIGITS;
    };
    let fraction_is_digits = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    is_whole_part(whole) && fraction_is_digits && whole.len() + fraction.len() <= MAX_DIGITS
}

impl DecimalText {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest double: for maps, charts and range checks, never for accounting.
    ///
    /// # Panics
    /// Never: the digits were checked.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.0
            .parse()
            .expect("a checked decimal is a number for f64 too")
    }
}

impl FromStr for DecimalText {
    type Err = DecimalError;

    fn from_str(value: &str) -> Result<Self, DecimalError> {
        if is_decimal(value) {
            Ok(Self(value.to_owned()))
        } else {
            let value = value.chars().take(80).collect();
            Err(DecimalError { value })
        }
    }
}

impl TryFrom<String> for DecimalText {
    type Error = DecimalError;

    fn try_from(value: String) -> Result<Self, DecimalError> {
        value.parse()
    }
}

impl From<DecimalText> for String {
    fn from(decimal: DecimalText) -> Self {
        decimal.0
    }
}

impl fmt::Display for DecimalText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_keeps_its_digits() {
        for value in ["0", "-0.4205", "101.30", "1234567890123456789012345678"] {
            assert_eq!(value.parse::<DecimalText>().unwrap().as_str(), value);
        }
    }

    #[test]
    fn more_than_28_digits_are_refused() {
        for value in [
            "12345678901234567890123456789",
            "0.1234567890123456789012345678",
        ] {
            assert!(value.parse::<DecimalText>().is_err(), "{value}");
        }
    }

    #[test]
    fn other_spellings_of_a_number_are_refused() {
        for value in [
            "", "-", "+1", "01", ".5", "1.", "1e3", "1,5", "NaN", "inf", " 1", "0x1", "--1",
        ] {
            let error = value.parse::<DecimalText>().unwrap_err();
            assert_eq!(error.value, value);
        }
    }
}
