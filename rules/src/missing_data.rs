//! Missing data: a substitute is a value of its own, with its method and where it comes from. It never
//! takes the place of a reading, and where there is a good reading there is no substitute.
//!
//! 40 CFR 98.445: a complete record of all measured parameters is required; what is missing is
//! estimated by paragraph (a)–(c) for received streams \[V\], (d) for injected ones \[V\], (f) for produced
//! ones \[V\], (e) by subpart W for equipment leaks \[V\] and (g) by the MRV plan for surface leakage \[V\].

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::amount::{Megapascals, Percent};
use crate::calculation::Period;

/// How a missing value was estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubstitutedBy {
    /// Another method that the subpart permits measured it.
    AnotherMethod,
    /// The nearest previous period.
    NearestPrevious,
    /// The nearest previous period at a similar injection pressure.
    NearestPreviousAtSimilarPressure,
    /// The procedures of subpart W.
    SubpartW,
    /// The approved MRV plan.
    MrvPlan,
}

impl fmt::Display for SubstitutedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnotherMethod => "by another permitted method (98.445(a)–(c))",
            Self::NearestPrevious => "from the nearest previous period (98.445(a)–(c), (f))",
            Self::NearestPreviousAtSimilarPressure => {
                "from the nearest previous period at a similar injection pressure (98.445(d))"
            }
            Self::SubpartW => "by the procedures of subpart W (98.445(e))",
            Self::MrvPlan => "by the approved MRV plan (98.445(g))",
        })
    }
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A flow, the contents of containers or a concentration of a received stream.
    Received {
        /// What another permitted method measured.
        by_another_method: Option<Decimal>,
    },
    /// A quantity injected.
    Injected {
        /// Mean injection pressure while it was missing.
        pressure: Megapascals,
        /// How far from it a pressure is similar: a choice of the monitoring plan.
        similar_within: Percent,
    },
    /// A quantity produced.
    Produced,
}

/// What was measured in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The period.
    pub period: Period,
    /// The value, of the same unit and the same length of time as what is missing.
    pub value: Decimal,
    /// Mean injection pressure.
    pub pressure: Option<Megapascals>,
}

/// A value in the place of one that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Substitute {
    /// The period that it is for.
    pub gap: Period,
    /// The value.
    pub value: Decimal,
    /// How it was found.
    pub by: SubstitutedBy,
    /// The period that it is from; none if another method measured it.
    pub from: Option<Period>,
}

/// There is nothing to take a substitute from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSubstitute {
    /// There is a value.
    #[error("there is a value for {} to {}: a substitute never takes its place", .0.from, .0.to)]
    NotMissing(Period),
    /// Nothing was recorded before.
    #[error("nothing suitable was recorded before {} ({why}): estimate by the MRV plan (98.445(h))", gap.from)]
    NothingBefore {
        /// The period without a value.
        gap: Period,
        /// What is suitable.
        why: &'static str,
    },
}

/// The substitute that 98.445 asks for.
///
/// # Errors
/// If a value of the period is recorded, or if nothing suitable is.
pub fn substitute(
    missing: Missing,
    gap: Period,
    recorded: &[Recorded],
) -> Result<Substitute, NoSubstitute> {
    let overlaps = |of: &&Recorded| of.period.from <= gap.to && gap.from <= of.period.to;
    if let Some(of) = recorded.iter().find(overlaps) {
        return Err(NoSubstitute::NotMissing(of.period));
    }
    let (by, why) = match missing {
        Missing::Received {
            by_another_method: Some(value),
        } => {
            let by = SubstitutedBy::AnotherMethod;
            return Ok(Substitute {
                gap,
                value,
                by,
                from: None,
            });
        }
        Missing::Received { .. } | Missing::Produced => {
            (SubstitutedBy::NearestPrevious, "any previous period")
        }
        Missing::Injected { .. } => (
            SubstitutedBy::NearestPreviousAtSimilarPressure,
            "a previous period at a similar injection pressure",
        ),
    };
    let before = recorded
        .iter()
        .filter(|of| of.period.to < gap.from && suits(missing, of));
    let nearest = before.max_by_key(|of| (of.period.to, of.period.from));
    let nearest = nearest.ok_or(NoSubstitute::NothingBefore { gap, why })?;
    Ok(Substitute {
        gap,
        value: nearest.value,
        by,
        from: Some(nearest.period),
    })
}

fn suits(missing: Missing, recorded: &Recorded) -> bool {
    let Missing::Injected {
        pressure,
        similar_within,
    } = missing
    else {
        return true;
    };
    recorded.pressure.is_some_and(|of| {
        let apart = (of.value() - pressure.value()).abs();
        apart * Decimal::ONE_HUNDRED <= similar_within.value() * pressure.value()
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn quarter(year: i32, quarter: u32) -> Period {
        let day = |month, day| chrono::NaiveDate::from_ymd_opt(year, month, day).unwrap();
        let last = [31, 30, 30, 31][quarter as usize - 1];
        Period {
            from: day(quarter * 3 - 2, 1),
            to: day(quarter * 3, last),
        }
    }

    fn recorded(quarter: Period, value: i64, pressure: &str) -> Recorded {
        Recorded {
            period: quarter,
            value: value.into(),
            pressure: Some(pressure.parse().unwrap()),
        }
    }

    fn history() -> [Recorded; 4] {
        [
            recorded(quarter(2025, 4), 91_000, "9.4"),
            recorded(quarter(2026, 2), 40_000, "6.0"),
            recorded(quarter(2026, 1), 90_500, "9.6"),
            recorded(quarter(2026, 4), 77_777, "9.5"),
        ]
    }

    #[test]
    fn what_was_injected_is_that_of_the_nearest_previous_period_at_a_similar_pressure() {
        let missing = Missing::Injected {
            pressure: "9.5".parse().unwrap(),
            similar_within: "5".parse().unwrap(),
        };
        let found = substitute(missing, quarter(2026, 3), &history()).unwrap();
        assert_eq!(found.value, 90_500.into());
        assert_eq!(found.from, Some(quarter(2026, 1)));
        assert_eq!(found.by, SubstitutedBy::NearestPreviousAtSimilarPressure);

        let dense = Missing::Injected {
            pressure: "20".parse().unwrap(),
            similar_within: "5".parse().unwrap(),
        };
        let error = substitute(dense, quarter(2026, 3), &history()).unwrap_err();
        assert!(error.to_string().contains("similar injection pressure"));
    }

    #[test]
    fn what_was_received_or_produced_is_that_of_the_nearest_previous_period() {
        let received = Missing::Received {
            by_another_method: None,
        };
        for missing in [received, Missing::Produced] {
            let found = substitute(missing, quarter(2026, 3), &history()).unwrap();
            assert_eq!(
                (found.value, found.from),
                (40_000.into(), Some(quarter(2026, 2)))
            );
        }
    }

    #[test]
    fn another_permitted_method_goes_before_another_period() {
        let missing = Missing::Received {
            by_another_method: Some(88_000.into()),
        };
        let found = substitute(missing, quarter(2026, 3), &history()).unwrap();
        assert_eq!((found.value, found.from), (88_000.into(), None));
        assert_eq!(found.by, SubstitutedBy::AnotherMethod);
    }

    #[test]
    fn a_good_value_is_never_replaced_and_a_later_one_never_taken() {
        let error = substitute(Missing::Produced, quarter(2026, 1), &history()).unwrap_err();
        assert_eq!(error, NoSubstitute::NotMissing(quarter(2026, 1)));
        let error = substitute(Missing::Produced, quarter(2025, 3), &history()).unwrap_err();
        assert!(matches!(error, NoSubstitute::NothingBefore { .. }));
    }
}
