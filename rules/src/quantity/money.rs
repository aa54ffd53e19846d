//! Money: exact, in one currency.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::QuantityError;
use super::error::cut;

/// A currency, by its three letters of ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

/// An amount of money, which may be owed.
///
/// Texts and JSON are `"85.00 USD"`; the places are kept as they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

impl Money {
    /// The amount.
    #[must_use]
    pub const fn amount(&self) -> Decimal {
        self.amount
    }

    /// The currency.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// If the currencies differ, or the sum has more than 28 digits.
    pub fn plus(self, other: Self) -> Result<Self, QuantityError> {
        if self.currency != other.currency {
            return Err(QuantityError::Currencies {
                one: self.to_string(),
                other: other.to_string(),
            });
        }
        let amount = self.amount.checked_add(other.amount);
        Ok(Self {
            amount: amount.ok_or_else(|| QuantityError::TooLarge {
                text: other.to_string(),
                quantity: "amount of money",
            })?,
            ..self
        })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{}", *b as char))
    }
}

impl FromStr for Money {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let not_money = || QuantityError::NotMoney { text: cut(text) };
        let (amount, currency) = text.split_once(' ').ok_or_else(not_money)?;
        let letters: [u8; 3] = currency.as_bytes().try_into().map_err(|_| not_money())?;
        if !letters.iter().all(u8::is_ascii_uppercase) {
            return Err(not_money());
        }
        Ok(Self {
            amount: Decimal::from_str_exact(amount).map_err(|_| not_money())?,
            currency: Currency(letters),
        })
    }
}

impl TryFrom<String> for Money {
    type Error = QuantityError;

    fn try_from(text: String) -> Result<Self, QuantityError> {
        text.parse()
    }
}

impl From<Money> for String {
    fn from(money: Money) -> Self {
        money.to_string()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}
