//! Emission rates to the gram an hour.

use std::fmt;

/// A mean emission rate in whole grams an hour: fine enough for any stack, and coarse enough that the
/// last bit of a sum of doubles makes no rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    grams_per_hour: i64,
}

impl Rate {
    /// Of a figure in t/h, the catalogue's unit.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a double beyond an i64 becomes its end"
    )]
    pub fn from_tonnes_per_hour(rate: f64) -> Self {
        Self {
            grams_per_hour: (rate * 1e6).round() as i64,
        }
    }

    /// kg/h, for comparing and drawing.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "2^53 g/h are nine million tonnes an hour"
    )]
    pub fn kilograms_per_hour(self) -> f64 {
        self.grams_per_hour as f64 / 1e3
    }

    /// What is left without `part`.
    pub(super) fn without(self, part: Self) -> Self {
        Self {
            grams_per_hour: self.grams_per_hour.saturating_sub(part.grams_per_hour),
        }
    }
}

/// kg/h, with up to three places: `482.1`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.grams_per_hour < 0 { "-" } else { "" };
        let grams = self.grams_per_hour.unsigned_abs();
        let text = format!("{sign}{}.{:03}", grams / 1000, grams % 1000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_written_in_kilograms_without_zeros_that_say_nothing() {
        for (tonnes, text) in [
            (0.0, "0"),
            (0.482_127_4, "482.127"),
            (0.5, "500"),
            (-0.000_020_4, "-0.02"),
            (1.000_000_6, "1000.001"),
        ] {
            assert_eq!(Rate::from_tonnes_per_hour(tonnes).to_string(), text);
        }
    }
}
