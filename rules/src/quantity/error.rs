//! Texts and numbers that are no quantity.

use super::Dimension;

/// Why something is no quantity of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// No number at its beginning.
    #[error("\"{text}\" is no {quantity}: write a number and its unit, such as \"{example}\"")]
    NotAQuantity {
        /// What was given, cut after 80 characters.
        text: String,
        /// What was expected.
        quantity: &'static str,
        /// One that is right.
        example: &'static str,
    },
    /// A number without a unit, or with one of another kind.
    #[error("\"{unit}\" is no unit of a {quantity}: write one of {units}")]
    Unit {
        /// What was given, cut after 80 characters.
        unit: String,
        /// What was expected.
        quantity: &'static str,
        /// The units that there are.
        units: String,
    },
    /// Below zero in the base unit.
    #[error("a {quantity} of {text} is below zero: give what was measured")]
    Negative {
        /// What was given.
        text: String,
        /// What was expected.
        quantity: &'static str,
    },
    /// Not a number, or infinite.
    #[error("a {quantity} must be finite: give a number")]
    NotFinite {
        /// What was expected.
        quantity: &'static str,
    },
    /// More digits than are counted exactly.
    #[error("a {quantity} of {text} has more than 28 digits: round it, or choose another unit")]
    TooLarge {
        /// What was given.
        text: String,
        /// What was expected.
        quantity: &'static str,
    },
    /// Neither absolute nor gauge.
    #[error(
        "\"{text}\" is a pressure that may be absolute or gauge: write \"{unit}(a)\" or \"{unit}(g)\""
    )]
    NeitherAbsoluteNorGauge {
        /// What was given, cut after 80 characters.
        text: String,
        /// Its unit.
        unit: &'static str,
    },
    /// A gauge pressure where nobody knows what it stands on.
    #[error("{pressure} is a gauge pressure: give the ambient pressure of the place, too")]
    NoAmbient {
        /// The pressure.
        pressure: String,
    },
    /// A gauge pressure below vacuum.
    #[error("{pressure} on an ambient pressure of {ambient} is below vacuum: check both")]
    BelowVacuum {
        /// The pressure.
        pressure: String,
        /// What it stands on.
        ambient: String,
    },
    /// A volume of gas at nobody knows which conditions.
    #[error(
        "\"{text}\" does not say at which conditions: write {conditions} after the unit, such as \
         \"2.5 MMscf (60 degF)\""
    )]
    NoConditions {
        /// What was given, cut after 80 characters.
        text: String,
        /// The conditions that there are.
        conditions: String,
    },
    /// No currency.
    #[error(
        "\"{text}\" is no amount of money: write a decimal and a currency of ISO 4217, such as \
         \"85.00 USD\""
    )]
    NotMoney {
        /// What was given, cut after 80 characters.
        text: String,
    },
    /// Amounts of different currencies.
    #[error("{one} and {other} are not added: convert one at a rate that you can cite")]
    Currencies {
        /// One.
        one: String,
        /// The other.
        other: String,
    },
}

impl QuantityError {
    pub(super) fn not_a_quantity(text: &str, dimension: Dimension) -> Self {
        Self::NotAQuantity {
            text: cut(text),
            quantity: dimension.label(),
            example: dimension.example(),
        }
    }
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
