//! Calibration of meters: while it is valid, readings are good; afterwards they are uncertain, and they
//! stay. Nothing is deleted for want of a certificate.
//!
//! 40 CFR 98.3(i) and 98.444(e) \[M\]: calibrated before use and at the manufacturer's interval or yearly,
//! within 5 % of the reading.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::amount::UncertaintyPercent;

/// A calibration with its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// The number of the certificate.
    pub certificate: String,
    /// The day of it; it holds from that day on.
    pub on: NaiveDate,
    /// The last day on which it holds.
    pub valid_until: NaiveDate,
    /// The error that was found before adjustment.
    pub error: UncertaintyPercent,
}

/// What a calibration has to do with a day's readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A calibration holds.
    Valid,
    /// There was none yet.
    NotYet,
    /// The last one holds no longer.
    Expired {
        /// The last day on which it held.
        since: NaiveDate,
    },
    /// The next one found the meter out of tolerance: it may have been so since the last good one.
    InDoubt {
        /// The day on which it was found.
        found: NaiveDate,
    },
}

/// What readings are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Accounts may rest on them.
    Good,
    /// Accounts may rest on them if the exception is listed.
    Uncertain,
}

/// The error of reading that 98.3(i) allows \[M\]: 5 %.
///
/// # Panics
/// Never: 5 is not negative.
#[must_use]
pub fn allowed_error() -> UncertaintyPercent {
    UncertaintyPercent::new(Decimal::from(5)).expect("5 is not negative")
}

impl Standing {
    /// What the readings of the day are worth.
    #[must_use]
    pub const fn quality(self) -> Quality {
        match self {
            Self::Valid => Quality::Good,
            Self::NotYet | Self::Expired { .. } | Self::InDoubt { .. } => Quality::Uncertain,
        }
    }
}

/// What the calibrations of a meter, in any order, say of a day.
#[must_use]
pub fn standing(
    day: NaiveDate,
    calibrations: &[Calibration],
    allowed: UncertaintyPercent,
) -> Standing {
    let before = calibrations.iter().filter(|of| of.on <= day);
    let Some(until) = before.map(|of| of.valid_until).max() else {
        return Standing::NotYet;
    };
    if until < day {
        return Standing::Expired { since: until };
    }
    let next = calibrations.iter().filter(|of| of.on > day);
    match next.min_by_key(|of| of.on) {
        Some(next) if next.error > allowed => Standing::InDoubt { found: next.on },
        _ => Standing::Valid,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn calibration(on: &str, valid_until: &str, error: &str) -> Calibration {
        Calibration {
            certificate: format!("C-{on}"),
            on: day(on),
            valid_until: day(valid_until),
            error: error.parse().unwrap(),
        }
    }

    #[test]
    fn readings_are_good_while_a_calibration_holds_and_uncertain_afterwards() {
        let of = [calibration("2025-03-01", "2026-02-28", "0.4")];
        let standing = |on: &str| standing(day(on), &of, allowed_error());
        assert_eq!(standing("2025-02-28"), Standing::NotYet);
        assert_eq!(standing("2025-03-01"), Standing::Valid);
        assert_eq!(standing("2026-02-28"), Standing::Valid);
        let expired = Standing::Expired {
            since: day("2026-02-28"),
        };
        assert_eq!(standing("2026-03-01"), expired);
        assert_eq!(expired.quality(), Quality::Uncertain);
    }

    #[test]
    fn a_meter_found_out_of_tolerance_is_in_doubt_back_to_the_last_calibration() {
        let mut of = vec![
            calibration("2026-01-10", "2027-01-09", "5.1"),
            calibration("2024-01-10", "2025-01-09", "0.2"),
            calibration("2025-01-10", "2026-01-09", "5"),
        ];
        for _ in 0..of.len() {
            of.rotate_left(1);
            let standing = |on: &str| standing(day(on), &of, allowed_error());
            assert_eq!(standing("2024-06-01"), Standing::Valid, "5 % is within 5 %");
            let found = day("2026-01-10");
            assert_eq!(standing("2025-06-01"), Standing::InDoubt { found });
            assert_eq!(standing("2026-01-10"), Standing::Valid);
        }
    }
}
