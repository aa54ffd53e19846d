//! Ranges of kilograms: which kilograms of a mass account an issuance rests on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::MAX_SAFE_INTEGER;
use crate::credit_block::{PartitionError, partition};

/// Kilograms of a tonne, the unit of credits.
pub const KG_PER_TONNE: u64 = 1_000;

/// Whole kilograms of a mass account, from one to before another: never empty.
///
/// An account counts its kilograms from 0 in the order in which they were stored, so a range says
/// which of them are meant, and two that do not overlap can never be the same carbon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KilogramRange {
    from_kg: u64,
    to_kg: u64,
}

impl KilogramRange {
    /// The kilograms from `from_kg` to before `to_kg`; `None` if there are none, or if a number is
    /// above 2^53 − 1.
    #[must_use]
    pub const fn new(from_kg: u64, to_kg: u64) -> Option<Self> {
        if from_kg < to_kg && to_kg <= MAX_SAFE_INTEGER {
            Some(Self { from_kg, to_kg })
        } else {
            None
        }
    }

    /// The first kilogram.
    #[must_use]
    pub const fn from_kg(self) -> u64 {
        self.from_kg
    }

    /// The first kilogram behind it.
    #[must_use]
    pub const fn to_kg(self) -> u64 {
        self.to_kg
    }

    /// How many kilograms it holds.
    #[must_use]
    pub const fn kilograms(self) -> u64 {
        self.to_kg - self.from_kg
    }

    /// Whether a kilogram is in both.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.from_kg < other.to_kg && other.from_kg < self.to_kg
    }

    /// Cuts it into consecutive parts of so many kilograms: every kilogram is in one part.
    ///
    /// # Errors
    /// If a part is of 0 kg, or if the parts are not the whole range.
    pub fn split(self, kilograms: &[u64]) -> Result<Vec<Self>, PartitionError> {
        let parts = partition(self.from_kg, self.to_kg - 1, kilograms)?;
        let part = |(from_kg, last)| Self {
            from_kg,
            to_kg: last + 1,
        };
        Ok(parts.into_iter().map(part).collect())
    }
}

/// `[from, to) kg`.
impl fmt::Display for KilogramRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}) kg", self.from_kg, self.to_kg)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_do_not_overlap() {
        let range = |from, to| KilogramRange::new(from, to).unwrap();
        assert!(!range(0, 1000).overlaps(range(1000, 2000)));
        assert!(range(0, 1001).overlaps(range(1000, 2000)));
        assert!(range(0, 3000).overlaps(range(1000, 2000)));
        assert_eq!(range(0, 1000).to_string(), "[0, 1000) kg");
    }

    #[test]
    fn a_range_is_cut_without_losing_or_doubling_a_kilogram() {
        let range = |from, to| KilogramRange::new(from, to).unwrap();
        let parts = range(500, 3500).split(&[1000, 2000]).unwrap();
        assert_eq!(parts, [range(500, 1500), range(1500, 3500)]);
        assert!(range(500, 3500).split(&[1000, 2001]).is_err());
        assert!(range(500, 3500).split(&[3000, 0]).is_err());
    }

    #[test]
    fn a_range_is_never_empty_nor_beyond_what_json_can_count() {
        assert_eq!(KilogramRange::new(5, 5), None);
        assert_eq!(KilogramRange::new(6, 5), None);
        assert_eq!(KilogramRange::new(0, MAX_SAFE_INTEGER + 1), None);
    }
}
