//! The span of time that sites are compared over, in whole buckets of five minutes.

use chrono::{DateTime, TimeDelta, Utc};

use crate::read_models::QueryError;
use crate::rollups::{FIVE_MINUTES, WIDTHS, bucket_of};

/// The longest period that is ranked.
pub const LONGEST: TimeDelta = TimeDelta::days(366);

/// A period `[from, to)` that is over: both are taken back to the five minutes that they lie in,
/// and what has not passed yet is cut off. A bucket of the future is not expected of anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// Where it begins.
    pub from: DateTime<Utc>,
    /// Where it ends.
    pub to: DateTime<Utc>,
}

/// Stored buckets of one width that lie side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) width: i32,
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
}

impl Period {
    /// What of `[from, to)` is over at `now`.
    ///
    /// # Errors
    /// [`QueryError::Invalid`] if that is not five minutes, or more than 366 days.
    pub fn new(
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Self, QueryError> {
        let period = Self {
            from: bucket_of(from, FIVE_MINUTES),
            to: bucket_of(to.min(now), FIVE_MINUTES),
        };
        if period.to <= period.from {
            let text = "no five minutes of this period are over: let it begin earlier";
            return Err(QueryError::Invalid(text.to_owned()));
        }
        if period.length() > LONGEST {
            let days = period.length().num_days();
            let text =
                format!("a period of {days} days is too long: sites are ranked over at most 366");
            return Err(QueryError::Invalid(text));
        }
        Ok(period)
    }

    /// How many buckets of five minutes it has.
    #[must_use]
    pub fn buckets(&self) -> u64 {
        self.length().num_seconds().unsigned_abs() / u64::from(FIVE_MINUTES.unsigned_abs())
    }

    pub(super) fn length(&self) -> TimeDelta {
        self.to - self.from
    }

    /// The fewest stored buckets that make it up: days, hours at the ends of these, five minutes at
    /// the ends of those.
    pub(super) fn tiles(&self) -> Vec<Tile> {
        let (mut from, mut to) = (self.from, self.to);
        let mut tiles = Vec::new();
        for (width, wider) in WIDTHS.into_iter().zip(WIDTHS.into_iter().skip(1)) {
            let (first, last) = (ceil(from, wider), bucket_of(to, wider));
            if first >= last {
                tiles.push(Tile { width, from, to });
                return tiles;
            }
            let ends = [(from, first), (last, to)];
            let ends = ends.into_iter().filter(|(from, to)| from < to);
            tiles.extend(ends.map(|(from, to)| Tile { width, from, to }));
            (from, to) = (first, last);
        }
        let width = WIDTHS[WIDTHS.len() - 1];
        tiles.push(Tile { width, from, to });
        tiles
    }
}

/// The first bucket of `width` that begins at `at` or later.
fn ceil(at: DateTime<Utc>, width: i32) -> DateTime<Utc> {
    let start = bucket_of(at, width);
    if start == at {
        return at;
    }
    start + TimeDelta::seconds(i64::from(width))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap_or_default()
    }

    fn period(from: &str, to: &str) -> Result<Period, String> {
        let now = time("2026-11-21T12:07:00Z");
        Period::new(time(from), time(to), now).map_err(|error| error.to_string())
    }

    #[test]
    fn a_period_ends_with_the_last_five_minutes_that_are_over() {
        let found = period("2026-11-21T10:02:00Z", "2026-12-01T00:00:00Z");
        let expected = Period {
            from: time("2026-11-21T10:00:00Z"),
            to: time("2026-11-21T12:05:00Z"),
        };
        assert_eq!(found, Ok(expected));
        assert_eq!(expected.buckets(), 25);
    }

    #[test]
    fn a_period_of_the_future_and_one_of_years_are_refused_with_the_way_out() {
        for (from, to, text) in [
            (
                "2026-11-21T12:05:00Z",
                "2026-12-01T00:00:00Z",
                "begin earlier",
            ),
            (
                "2026-11-02T00:00:00Z",
                "2026-11-01T00:00:00Z",
                "begin earlier",
            ),
            ("2024-11-01T00:00:00Z", "2026-11-01T00:00:00Z", "730 days"),
        ] {
            let refused = period(from, to);
            assert!(
                refused.as_ref().is_err_and(|error| error.contains(text)),
                "{refused:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn tiles_cover_a_period_once_with_few_buckets(start in 0_i64..2_000, length in 1_i64..20_000) {
            let from = time("2026-01-01T00:00:00Z") + TimeDelta::minutes(5 * start);
            let period = Period { from, to: from + TimeDelta::minutes(5 * length) };
            let mut tiles = period.tiles();
            tiles.sort_by_key(|tile| tile.from);
            let mut at = period.from;
            for tile in &tiles {
                prop_assert_eq!(tile.from, at);
                prop_assert_eq!(bucket_of(tile.from, tile.width), tile.from);
                prop_assert_eq!(bucket_of(tile.to, tile.width), tile.to);
                at = tile.to;
            }
            prop_assert_eq!(at, period.to);
            let buckets: i64 = tiles.iter()
                .map(|tile| (tile.to - tile.from).num_seconds() / i64::from(tile.width))
                .sum();
            prop_assert!(buckets <= 2 * 11 + 2 * 23 + length / 288, "{tiles:?}");
        }
    }
}
