//! Accounted mass: exact, to the gram.

use std::{fmt, iter::Sum, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::MAX_SAFE_INTEGER;

const GRAMS_PER_KILOGRAM: u64 = 1_000;
const GRAMS_PER_TONNE: u64 = 1_000_000;

/// A mass of CO2 that accounts rest on, in whole grams: never negative, at most 2^53 − 1 g (nine
/// billion tonnes).
///
/// In payloads and texts it is kilograms as a decimal with up to three places, without zeros that
/// say nothing: `"12.5"`. Sums and differences are exact; there is no multiplication, because what
/// is accounted is added up, not scaled.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Mass {
    grams: u64,
}

/// A text that is no [`Mass`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MassError {
    /// Below zero.
    #[error("a mass of {value} is negative: give what was measured, and a loss as a loss")]
    Negative {
        /// What was given.
        value: String,
    },
    /// Finer than a gram.
    #[error("a mass of {value} is finer than a gram: round it to three places of a kilogram")]
    TooFine {
        /// What was given.
        value: String,
    },
    /// More than nine billion tonnes.
    #[error("a mass of {value} is more than nine billion tonnes: check the unit")]
    TooLarge {
        /// What was given.
        value: String,
    },
    /// No decimal number.
    #[error("\"{value}\" is no mass: write a decimal number without exponent, such as \"12.5\"")]
    NotANumber {
        /// What was given, cut after 80 characters.
        value: String,
    },
}

impl Mass {
    /// Nothing.
    pub const ZERO: Self = Self { grams: 0 };
    /// The most that is counted.
    pub const MAX: Self = Self {
        grams: MAX_SAFE_INTEGER,
    };

    /// So many grams; `None` above 2^53 − 1.
    #[must_use]
    pub const fn from_grams(grams: u64) -> Option<Self> {
        if grams <= MAX_SAFE_INTEGER {
            Some(Self { grams })
        } else {
            None
        }
    }

    /// So many kilograms; `None` if that is too much.
    #[must_use]
    pub fn from_kilograms(kilograms: u64) -> Option<Self> {
        Self::from_grams(kilograms.checked_mul(GRAMS_PER_KILOGRAM)?)
    }

    /// So many tonnes; `None` if that is too much.
    #[must_use]
    pub fn from_tonnes(tonnes: u64) -> Option<Self> {
        Self::from_grams(tonnes.checked_mul(GRAMS_PER_TONNE)?)
    }

    /// Reads tonnes: a decimal with up to six places.
    ///
    /// # Errors
    /// See [`MassError`].
    pub fn parse_tonnes(text: &str) -> Result<Self, MassError> {
        parse(text, 6)
    }

    /// Grams.
    #[must_use]
    pub const fn grams(self) -> u64 {
        self.grams
    }

    /// Whole kilograms, the rest left out.
    #[must_use]
    pub const fn whole_kilograms(self) -> u64 {
        self.grams / GRAMS_PER_KILOGRAM
    }

    /// Tonnes as a decimal, exact, without zeros that say nothing.
    #[must_use]
    pub fn tonnes(self) -> String {
        print(self.grams, GRAMS_PER_TONNE, 6)
    }

    /// Kilograms as a decimal, exact, without zeros that say nothing.
    #[must_use]
    pub fn kilograms(self) -> String {
        print(self.grams, GRAMS_PER_KILOGRAM, 3)
    }

    /// The sum; `None` if it is too much.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::from_grams(self.grams.checked_add(other.grams)?)
    }

    /// The difference; `None` if `other` is more.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.grams
            .checked_sub(other.grams)
            .and_then(Self::from_grams)
    }
}

/// `None` as soon as the sum is too much.
impl Sum<Mass> for Option<Mass> {
    fn sum<I: Iterator<Item = Mass>>(masses: I) -> Self {
        let mut masses = masses;
        masses.try_fold(Mass::ZERO, Mass::checked_add)
    }
}

fn print(grams: u64, unit: u64, places: usize) -> String {
    let (whole, rest) = (grams / unit, grams % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let rest = format!("{rest:0places$}");
    format!("{whole}.{}", rest.trim_end_matches('0'))
}

/// A decimal whose unit has `places` decimal places down to the gram.
fn parse(text: &str, places: usize) -> Result<Mass, MassError> {
    let value = || text.chars().take(80).collect::<String>();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let canonical = whole == "0" || !whole.starts_with('0');
    if !(all_digits(whole) && all_digits(fraction) && canonical) {
        return Err(MassError::NotANumber { value: value() });
    }
    if digits.len() != text.len() && digits.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        return Err(MassError::Negative { value: value() });
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > places {
        return Err(MassError::TooFine { value: value() });
    }
    let grams = format!("{whole}{fraction:0<places$}").parse().ok();
    grams
        .and_then(Mass::from_grams)
        .ok_or_else(|| MassError::TooLarge { value: value() })
}

impl FromStr for Mass {
    type Err = MassError;

    /// Reads kilograms.
    fn from_str(text: &str) -> Result<Self, MassError> {
        parse(text, 3)
    }
}

impl TryFrom<String> for Mass {
    type Error = MassError;

    fn try_from(text: String) -> Result<Self, MassError> {
        text.parse()
    }
}

impl From<Mass> for String {
    fn from(mass: Mass) -> Self {
        mass.kilograms()
    }
}

/// Kilograms with their unit: `12.5 kg`.
impl fmt::Display for Mass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kg", self.kilograms())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mass_is_read_to_the_gram_and_printed_without_idle_zeros() {
        for (text, grams, kilograms, tonnes) in [
            ("0", 0, "0", "0"),
            ("-0", 0, "0", "0"),
            ("12.5", 12_500, "12.5", "0.0125"),
            ("12.500", 12_500, "12.5", "0.0125"),
            (
                "355244000.001",
                355_244_000_001,
                "355244000.001",
                "355244.000001",
            ),
        ] {
            let mass: Mass = text.parse().unwrap();
            assert_eq!(mass.grams(), grams, "{text}");
            assert_eq!(mass.kilograms(), kilograms, "{text}");
            assert_eq!(mass.tonnes(), tonnes, "{text}");
        }
        assert_eq!(Mass::parse_tonnes("12.5").unwrap().grams(), 12_500_000);
    }

    #[test]
    fn what_is_no_mass_is_refused_with_its_reason() {
        let error = |text: &str| text.parse::<Mass>().unwrap_err();
        assert!(matches!(error("-1"), MassError::Negative { .. }));
        assert!(matches!(error("0.0001"), MassError::TooFine { .. }));
        assert!(matches!(
            error("9007199254740.992"),
            MassError::TooLarge { .. }
        ));
        assert!(matches!(error(&"9".repeat(99)), MassError::TooLarge { .. }));
        for text in [
            "", "-", ".", "1.", ".5", "01", "1e3", "+1", "NaN", "1 kg", "1,5", "−1",
        ] {
            assert!(
                matches!(error(text), MassError::NotANumber { .. }),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_mass_reads_back_from_its_texts(grams in 0..=MAX_SAFE_INTEGER) {
            let mass = Mass::from_grams(grams).unwrap();
            prop_assert_eq!(mass.kilograms().parse::<Mass>().unwrap(), mass);
            prop_assert_eq!(Mass::parse_tonnes(&mass.tonnes()).unwrap(), mass);
        }
    }
}
