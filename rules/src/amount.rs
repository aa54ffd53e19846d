//! Amounts that accounts are made of: exact decimals from 0 on, each type of one unit.
//!
//! In JSON they are texts, and the unit is in the field's name (`"quantity_t": "91000.5"`), as in the
//! payloads of the ledger: a number without quotes would be a binary fraction, and a field of another
//! unit is a field that no rule set has.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use sealrock_domain::decimal::DecimalText;
use serde::{Deserialize, Serialize};

use crate::calculation::Number;

/// A text or number that is no amount of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is no {amount}: write a decimal from 0 {to} as text, such as \"{example}\"")]
pub struct AmountError {
    /// What was given, cut after 80 characters.
    pub value: String,
    /// What was expected, with its unit.
    pub amount: &'static str,
    /// How far it goes.
    pub to: &'static str,
    /// What it looks like.
    pub example: &'static str,
}

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident: $amount:literal, $to:literal, $most:expr, $example:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Decimal);

        impl $name {
            /// None of it.
            pub const ZERO: Self = Self(Decimal::ZERO);

            /// The amount.
            ///
            /// # Errors
            /// If it is negative, or more than there can be.
            pub fn new(value: Decimal) -> Result<Self, AmountError> {
                let most: Option<Decimal> = $most;
                if value.is_sign_negative() && !value.is_zero() || most.is_some_and(|most| value > most) {
                    return Err(Self::error(&value.to_string()));
                }
                Ok(Self(value.normalize()))
            }

            /// The number.
            #[must_use]
            pub const fn value(self) -> Decimal {
                self.0
            }

            fn error(value: &str) -> AmountError {
                AmountError {
                    value: value.chars().take(80).collect(),
                    amount: $amount,
                    to: $to,
                    example: $example,
                }
            }
        }

        impl FromStr for $name {
            type Err = AmountError;

            fn from_str(text: &str) -> Result<Self, AmountError> {
                let digits: DecimalText = text.parse().map_err(|_| Self::error(text))?;
                let value = Decimal::from_str_exact(digits.as_str());
                value.map_err(|_| Self::error(text)).and_then(Self::new)
            }
        }

        impl TryFrom<String> for $name {
            type Error = AmountError;

            fn try_from(text: String) -> Result<Self, AmountError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(amount: $name) -> Self {
                amount.0.to_string()
            }
        }

        impl From<$name> for Number {
            fn from(amount: $name) -> Self {
                amount.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

amount! {
    /// Metric tons, t.
    Tonnes: "mass in t", "on", None, "91000.5"
}
amount! {
    /// Standard cubic metres, sm³: at 60 °F and 1 atm.
    StandardCubicMetres: "volume in sm³", "on", None, "200000000"
}
amount! {
    /// A decimal fraction: 0.985 is 98.5 %.
    Fraction: "decimal fraction", "to 1", Some(Decimal::ONE), "0.985"
}
amount! {
    /// Per cent: 98.5.
    Percent: "percentage", "to 100", Some(Decimal::ONE_HUNDRED), "98.5"
}
amount! {
    /// Uncertainty in per cent of the value, which may be more than the value itself.
    UncertaintyPercent: "uncertainty in % of the value", "on", None, "2.5"
}
amount! {
    /// Tonnes of a standard cubic metre, t/sm³.
    TonnesPerStandardCubicMetre: "density in t/sm³", "on", None, "0.0018682"
}
amount! {
    /// Tonnes of an hour, t/h.
    TonnesPerHour: "mass flow in t/h", "on", None, "0.5"
}
amount! {
    /// Megapascals, absolute.
    Megapascals: "absolute pressure in MPa", "on", None, "9.5"
}
amount! {
    /// An amount of fuel or energy, in the unit that is stated beside it.
    Consumption: "amount of fuel or energy", "on", None, "1250.5"
}
amount! {
    /// Kilograms of a litre, kg/l.
    KilogramsPerLitre: "density in kg/l", "on", None, "0.84"
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_decimal_text_of_its_unit() {
        let tonnes: Tonnes = serde_json::from_str("\"91000.50\"").unwrap();
        assert_eq!(tonnes.to_string(), "91000.5");
        assert_eq!(serde_json::to_string(&tonnes).unwrap(), "\"91000.5\"");
    }

    #[test]
    fn what_is_no_amount_is_refused_with_its_unit_and_an_example() {
        for text in [
            "-1", "", "NaN", "inf", "1e3", "1,5", "1 t", "+1", "01", "0x1",
        ] {
            let error = text.parse::<Tonnes>().unwrap_err().to_string();
            assert!(
                error.contains("no mass in t") && error.contains("91000.5"),
                "{error}"
            );
        }
        assert!("1.000001".parse::<Fraction>().is_err());
        assert!("98.5".parse::<Fraction>().is_err());
        assert!("100.1".parse::<Percent>().is_err());
        assert_eq!("-0".parse::<Tonnes>().unwrap(), Tonnes::ZERO);
        assert!(serde_json::from_str::<Tonnes>("91000.5").is_err());
    }
}
