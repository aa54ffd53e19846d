//! Figures of a seal: doubles as decimals, and sums that anybody gets to the last digit.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Longer than any figure: 2^1024 has 309 digits, the least double ends 324 places after the point.
const MAX_CHARACTERS: usize = 700;
/// Digits of a chunk that is added at once: a sum of 10^20 of them fits an `i128`.
const CHUNK: usize = 18;

/// An exact decimal number in its one spelling: no exponent, no zeros that say nothing, and zero
/// without a sign, such as `-0.4205`.
///
/// It has as many digits as the number needs: some sums have more than
/// [`DecimalText`](crate::decimal::DecimalText) allows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Figure(String);

/// A text that is no figure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{value}\" is not a figure: write digits with an optional minus sign and point, no exponent \
     and no trailing zeros, such as \"-0.4205\""
)]
pub struct FigureError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl Figure {
    /// The shortest decimal that reads back as this double, which must be finite.
    #[must_use]
    pub fn of(value: f64) -> Self {
        // Rust prints the shortest digits, and never an exponent. -0 is 0.
        Self(if value == 0.0 {
            "0".to_owned()
        } else {
            value.to_string()
        })
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest double: the very one, if the figure is [`of`](Self::of) a double.
    ///
    /// # Panics
    /// Never: the digits were checked.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.0
            .parse()
            .expect("a checked figure is a number for f64")
    }
}

fn is_figure(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "1"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let canonical = (whole == "0" || !whole.starts_with('0')) && !fraction.ends_with('0');
    value.len() <= MAX_CHARACTERS
        && all_digits(whole)
        && all_digits(fraction)
        && canonical
        && value != "-0"
}

impl FromStr for Figure {
    type Err = FigureError;

    fn from_str(value: &str) -> Result<Self, FigureError> {
        if is_figure(value) {
            return Ok(Self(value.to_owned()));
        }
        let value = value.chars().take(80).collect();
        Err(FigureError { value })
    }
}

impl TryFrom<String> for Figure {
    type Error = FigureError;

    fn try_from(value: String) -> Result<Self, FigureError> {
        value.parse()
    }
}

impl From<Figure> for String {
    fn from(figure: Figure) -> Self {
        figure.0
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A sum of figures without rounding, whatever their order.
#[derive(Clone, Debug, Default)]
pub struct ExactSum {
    /// What is to be multiplied by ten to the power of the key, and added up.
    by_power: BTreeMap<i32, i128>,
}

impl ExactSum {
    /// Adds a number.
    pub fn add(&mut self, figure: &Figure) {
        let text = figure.as_str();
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let digits = [whole, fraction].concat();
        let mut power = -i32::try_from(fraction.len()).unwrap_or(i32::MAX);
        for chunk in digits.as_bytes().rchunks(CHUNK) {
            let number = chunk
                .iter()
                .fold(0, |number, digit| number * 10 + i128::from(digit - b'0'));
            *self.by_power.entry(power).or_default() += sign * number;
            power += i32::try_from(chunk.len()).unwrap_or(i32::MAX);
        }
    }

    /// The sum so far; 0 of nothing.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn total(&self) -> Figure {
        if let Some(digits) = self.digits(1) {
            return self.spell("", &digits);
        }
        let digits = self.digits(-1);
        self.spell(
            "-",
            &digits.expect("what is negative is not so with the other sign"),
        )
    }

    /// The digits of the sum times `sign`, lowest first, from the lowest power at least up to the
    /// one before the point; `None` if that is negative.
    fn digits(&self, sign: i128) -> Option<Vec<u8>> {
        let (mut carry, mut digits) = (0, Vec::new());
        let highest = self
            .by_power
            .keys()
            .next_back()
            .copied()
            .unwrap_or(0)
            .max(0);
        let mut power = self.lowest();
        while power <= highest || carry > 0 {
            carry += sign * self.by_power.get(&power).copied().unwrap_or_default();
            digits.push(u8::try_from(carry.rem_euclid(10)).unwrap_or_default());
            carry = carry.div_euclid(10);
            power += 1;
        }
        (carry == 0).then_some(digits)
    }

    /// The lowest power: not above that of the digit before the point.
    fn lowest(&self) -> i32 {
        self.by_power.keys().next().copied().unwrap_or(0).min(0)
    }

    fn spell(&self, sign: &str, digits: &[u8]) -> Figure {
        let (fraction, whole) = digits.split_at(self.lowest().unsigned_abs() as usize);
        let text = |digits: &[u8]| -> String {
            let digits = digits.iter().rev();
            digits.map(|digit| char::from(b'0' + digit)).collect()
        };
        let (whole, fraction) = (text(whole), text(fraction));
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        Figure(match fraction.trim_end_matches('0') {
            "" => format!("{sign}{whole}"),
            fraction => format!("{sign}{whole}.{fraction}"),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(values: &[f64]) -> String {
        let mut sum = ExactSum::default();
        for value in values {
            sum.add(&Figure::of(*value));
        }
        sum.total().to_string()
    }

    #[test]
    fn a_double_is_spelt_by_its_shortest_digits() {
        for (value, text) in [
            (412.7, "412.7"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-1e15, "-1000000000000000"),
            (1e-7, "0.0000001"),
            (-0.0, "0"),
        ] {
            assert_eq!(Figure::of(value).as_str(), text);
        }
        let least = Figure::of(5e-324);
        assert!(least.as_str().parse::<Figure>().is_ok() && least.to_f64() > 0.0);
        assert!(Figure::of(f64::MAX).as_str().parse::<Figure>().is_ok());
    }

    #[test]
    fn other_spellings_are_no_figures() {
        for text in [
            "", "-", "-0", "1.0", "0.10", "01", "-01.5", ".5", "1.", "+1", "1e3", "NaN", "1,5",
            "0.0",
        ] {
            assert!(text.parse::<Figure>().is_err(), "{text}");
        }
        let long = format!("1{}", "0".repeat(MAX_CHARACTERS));
        assert!(long.parse::<Figure>().is_err());
    }

    #[test]
    fn sums_are_those_of_the_decimals_not_of_the_doubles() {
        assert_eq!(sum(&[]), "0");
        assert_eq!(sum(&[0.1, 0.2]), "0.3");
        assert_eq!(sum(&[0.1; 10]), "1");
        assert_eq!(sum(&[1e15, 0.1, -1e15]), "0.1");
        assert_eq!(sum(&[-0.05, -99.95]), "-100");
        assert_eq!(sum(&[2.5, -2.5]), "0");
        assert_eq!(sum(&[-1e-7, 1.0]), "0.9999999");
        assert_eq!(sum(&[-1.0, 1e-7]), "-0.9999999");
        assert_eq!(sum(&[1e300, 1e-300, -1e300]), Figure::of(1e-300).as_str());
    }

    /// Thousandths of at most 10^12, which a double holds exactly enough to spell them so.
    fn thousandths() -> impl Strategy<Value = i64> {
        -1_000_000_000_000_000i64..=1_000_000_000_000_000
    }

    fn spelt(thousandths: i128) -> Figure {
        let (sign, magnitude) = (if thousandths < 0 { "-" } else { "" }, thousandths.abs());
        let text = format!("{sign}{}.{:03}", magnitude / 1000, magnitude % 1000);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        text.parse().unwrap()
    }

    proptest! {
        #[test]
        fn a_figure_reads_back_as_the_same_double(value in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL) {
            let figure = Figure::of(value);
            prop_assert_eq!(figure.to_f64().to_bits(), value.to_bits());
            prop_assert_eq!(figure.as_str().parse::<Figure>().unwrap(), figure);
        }

        #[test]
        fn a_sum_equals_that_of_integers(numbers in prop::collection::vec(thousandths(), 0..50)) {
            let mut sum = ExactSum::default();
            for number in &numbers {
                sum.add(&spelt(i128::from(*number)));
            }
            let expected: i128 = numbers.iter().copied().map(i128::from).sum();
            prop_assert_eq!(sum.total(), spelt(expected));
        }

        #[test]
        fn a_sum_can_be_taken_up_again_from_its_text(
            values in prop::collection::vec(prop::num::f64::NORMAL, 1..20), cut in 0usize..20
        ) {
            let (before, after) = values.split_at(cut.min(values.len()));
            let mut continued = ExactSum::default();
            continued.add(&sum(before).parse().unwrap());
            for value in after {
                continued.add(&Figure::of(*value));
            }
            prop_assert_eq!(continued.total().to_string(), sum(&values));
        }
    }
}
