//! Data coverage: how much of a period there are good readings for.
//!
//! `coverage = covered time ÷ time`, to the second, so that it does not depend on how often a device
//! reports. Spans that overlap count once, in whatever order they come.

use chrono::{DateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::amount::Fraction;

/// A span of time, the end not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Its beginning.
    pub from: DateTime<Utc>,
    /// The first moment behind it.
    pub to: DateTime<Utc>,
}

/// How much of a period is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Seconds with good readings.
    pub covered: u64,
    /// Seconds of the period.
    pub of: u64,
}

/// How much of the period the spans cover; none if the period is empty.
#[must_use]
pub fn coverage(period: Span, spans: &[Span]) -> Option<Coverage> {
    let of = seconds(period).filter(|of| *of > 0)?;
    let mut spans: Vec<Span> = spans
        .iter()
        .map(|span| Span {
            from: span.from.max(period.from),
            to: span.to.min(period.to),
        })
        .collect();
    spans.sort_unstable();
    let (mut covered, mut until) = (0, period.from);
    for span in spans {
        let new = Span {
            from: span.from.max(until),
            to: span.to,
        };
        covered += seconds(new).unwrap_or_default();
        until = until.max(span.to);
    }
    Some(Coverage { covered, of })
}

fn seconds(span: Span) -> Option<u64> {
    u64::try_from((span.to - span.from).num_seconds()).ok()
}

impl Coverage {
    /// The covered share, rounded down to a hundredth of a per cent: 99.99… % is not full coverage.
    ///
    /// # Panics
    /// Never: no more is covered than there is.
    #[must_use]
    pub fn share(self) -> Fraction {
        let share = Decimal::from(self.covered) / Decimal::from(self.of);
        let share = share.round_dp_with_strategy(4, RoundingStrategy::ToZero);
        Fraction::new(share).expect("a part is at most the whole")
    }

    /// Whether at least this share is covered.
    #[must_use]
    pub fn reaches(self, least: Fraction) -> bool {
        Decimal::from(self.covered) >= least.value() * Decimal::from(self.of)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(from: i64, to: i64) -> Span {
        let at = |second| DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap();
        Span {
            from: at(from),
            to: at(to),
        }
    }

    #[test]
    fn overlapping_spans_count_once_and_what_lies_outside_not_at_all() {
        let spans = [
            span(50, 70),
            span(-10, 20),
            span(10, 30),
            span(90, 200),
            span(95, 96),
        ];
        let coverage = coverage(span(0, 100), &spans).unwrap();
        assert_eq!(
            coverage,
            Coverage {
                covered: 60,
                of: 100
            }
        );
        assert_eq!(coverage.share(), "0.6".parse().unwrap());
        assert!(coverage.reaches("0.6".parse().unwrap()));
        assert!(!coverage.reaches("0.6001".parse().unwrap()));
    }

    #[test]
    fn nearly_full_is_not_full() {
        let coverage = coverage(span(0, 1_000_000), &[span(0, 999_999)]).unwrap();
        assert_eq!(coverage.share(), "0.9999".parse().unwrap());
        assert_eq!(super::coverage(span(5, 5), &[]), None);
    }

    proptest! {
        #[test]
        fn coverage_is_the_number_of_covered_seconds_in_any_order(
            mut spans in prop::collection::vec((-20_i64..120, -20_i64..120), 0..12),
        ) {
            let to_spans = |spans: &[(i64, i64)]| {
                spans.iter().map(|(from, to)| span(*from, *to)).collect::<Vec<_>>()
            };
            let counted = (0..100).filter(|second| {
                spans.iter().any(|(from, to)| from <= second && second < to)
            });
            let expected = Coverage { covered: counted.count() as u64, of: 100 };
            prop_assert_eq!(coverage(span(0, 100), &to_spans(&spans)), Some(expected));
            spans.reverse();
            prop_assert_eq!(coverage(span(0, 100), &to_spans(&spans)), Some(expected));
        }
    }
}
