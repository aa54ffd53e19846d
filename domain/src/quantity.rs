//! Quantities that limits are held against: whole numbers of a small unit, so that "at the limit" and
//! "above it" are told apart without rounding.

use std::{fmt, str::FromStr};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::MAX_SAFE_INTEGER;
use crate::telemetry::window::Figure;

/// A text that is no quantity of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{value}\" is no {quantity} in {unit}: write a decimal number from 0 on with at most {places} \
     places and no exponent, such as \"12.5\""
)]
pub struct QuantityError {
    /// What was given, cut after 80 characters.
    pub value: String,
    /// Which quantity was expected.
    pub quantity: &'static str,
    /// In which unit.
    pub unit: &'static str,
    /// How many places of it are kept.
    pub places: usize,
}

/// Reads a decimal of at most `places` places as a whole number of the last place.
fn parse(text: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let canonical = whole == "0" || !whole.starts_with('0');
    let kept = fraction.trim_end_matches('0');
    if !(digits(whole) && digits(fraction) && canonical && kept.len() <= places) {
        return None;
    }
    let number: u64 = format!("{whole}{kept:0<places$}").parse().ok()?;
    (number <= MAX_SAFE_INTEGER).then_some(number)
}

/// The one spelling: no zeros that say nothing.
fn print(number: u64, places: usize) -> String {
    let digits = format!("{number:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident: $label:literal in $unit:literal, $places:literal places) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u64);

        impl $name {
            /// A whole number of the smallest step.
            #[must_use]
            pub const fn steps(self) -> u64 {
                self.0
            }

            /// What was measured, rounded to the nearest step (what is finer is the noise of
            /// converted doubles). `None` for less than zero, and for what nothing measures.
            #[must_use]
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "within the bounds, which are checked, both are exact"
            )]
            pub fn measured(figure: &Figure) -> Option<Self> {
                let steps = (figure.to_f64() * f64::powi(10.0, $places)).round();
                (0.0..=MAX_SAFE_INTEGER as f64)
                    .contains(&steps)
                    .then(|| Self(steps as u64))
            }
        }

        impl FromStr for $name {
            type Err = QuantityError;

            fn from_str(text: &str) -> Result<Self, QuantityError> {
                parse(text, $places).map(Self).ok_or_else(|| QuantityError {
                    value: text.chars().take(80).collect(),
                    quantity: $label,
                    unit: $unit,
                    places: $places,
                })
            }
        }

        impl TryFrom<String> for $name {
            type Error = QuantityError;

            fn try_from(text: String) -> Result<Self, QuantityError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.decimal()
            }
        }

        impl $name {
            #[doc = concat!("The number of ", $unit, ", in its one spelling.")]
            #[must_use]
            pub fn decimal(self) -> String {
                print(self.0, $places)
            }
        }

        #[doc = concat!("With its unit: `12.5 ", $unit, "`.")]
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{} ", $unit), self.decimal())
            }
        }
    };
}

quantity! {
    /// A pressure, in whole pascals; in payloads `MPa` with up to six places: `"9.5"`. Absolute,
    /// unless a field's name says gauge.
    Pressure: "pressure" in "MPa", 6 places
}
quantity! {
    /// A mass flow, in whole grams per hour; in payloads t/h with up to six places: `"21.4"`.
    MassFlow: "mass flow" in "t/h", 6 places
}
quantity! {
    /// A duration, in whole thousandths of an hour; in payloads hours: `"23.5"`.
    Hours: "number of hours" in "h", 3 places
}

impl Pressure {
    /// 90 % of it, rounded down to the pascal: the most at which CO2 may be injected, if it is the
    /// pressure at which the injection zone fractures (40 CFR 146.88(a)).
    #[must_use]
    pub fn nine_tenths(self) -> Self {
        // At most 2^53 − 1, so nine times it fits.
        Self(self.0 * 9 / 10)
    }

    /// What is left when `other` is taken away; `None` if that is not more than nothing.
    #[must_use]
    pub fn above(self, other: Self) -> Option<Self> {
        self.0
            .checked_sub(other.0)
            .filter(|left| *left > 0)
            .map(Self)
    }
}

impl Hours {
    /// A day has no more.
    pub const DAY: Self = Self(24_000);

    /// So much of a day, rounded up to the full hour.
    #[must_use]
    pub fn full_of_day(duration: TimeDelta) -> Self {
        let milliseconds = u64::try_from(duration.num_milliseconds()).unwrap_or_default();
        Self(milliseconds.div_ceil(3_600_000) * 1_000).min(Self::DAY)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quantity_has_one_spelling() {
        for (text, steps, decimal) in [
            ("0", 0, "0"),
            ("9.5", 9_500_000, "9.5"),
            ("9.500", 9_500_000, "9.5"),
            ("0.000001", 1, "0.000001"),
            ("120", 120_000_000, "120"),
        ] {
            let pressure: Pressure = text.parse().unwrap();
            assert_eq!(
                (pressure.steps(), pressure.decimal()),
                (steps, decimal.to_owned())
            );
        }
        assert_eq!("21.4".parse::<MassFlow>().unwrap().to_string(), "21.4 t/h");
    }

    #[test]
    fn what_is_no_quantity_is_refused_with_its_unit() {
        for text in [
            "",
            "-1",
            "1.",
            ".5",
            "01",
            "1e3",
            "9.5 MPa",
            "0.0000001",
            "99999999999",
        ] {
            let error = text.parse::<Pressure>().unwrap_err().to_string();
            assert!(error.contains("no pressure in MPa"), "{text}: {error}");
        }
    }

    #[test]
    fn a_measured_figure_is_rounded_to_the_step() {
        let measured = |value: f64| Pressure::measured(&Figure::of(value));
        assert_eq!(measured(9.500_000_000_000_002), "9.5".parse().ok());
        assert_eq!(measured(-0.1), None);
        assert_eq!(measured(1e15), None);
    }

    #[test]
    fn nine_tenths_of_a_pressure_are_never_more_than_that() {
        let nine_tenths = |text: &str| text.parse::<Pressure>().unwrap().nine_tenths().decimal();
        assert_eq!(nine_tenths("27"), "24.3");
        assert_eq!(nine_tenths("0.000001"), "0");
    }

    proptest! {
        #[test]
        fn a_quantity_reads_back_from_its_text(steps in 0..=MAX_SAFE_INTEGER) {
            let hours = Hours(steps);
            prop_assert_eq!(hours.decimal().parse::<Hours>().unwrap(), hours);
        }
    }
}
