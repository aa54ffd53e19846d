//! The names of capture days, and the periods within them.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, SubsecRound, TimeDelta, Utc};
use serde::Serialize;

use super::CaptureDayRejection;
use crate::AssetId;

/// A unit's UTC day: `<asset id>/<2026-11-21>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaptureDayId {
    /// The unit.
    pub unit: AssetId,
    /// The UTC day.
    pub day: NaiveDate,
}

/// A text that names no capture day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" names no capture day: it is <asset id>/<2026-11-21>")]
pub struct CaptureDayIdError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl fmt::Display for CaptureDayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.unit, self.day)
    }
}

impl FromStr for CaptureDayId {
    type Err = CaptureDayIdError;

    fn from_str(text: &str) -> Result<Self, CaptureDayIdError> {
        let parsed = text.split_once('/').and_then(|(unit, day)| {
            let (unit, day) = (unit.parse().ok()?, day.parse().ok()?);
            Some(Self { unit, day })
        });
        let is_spelt_so = |id: &Self| id.to_string() == text;
        let error = || CaptureDayIdError {
            value: text.chars().take(80).collect(),
        };
        parsed.filter(is_spelt_so).ok_or_else(error)
    }
}

/// A period of one UTC day, `[from, to)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CapturePeriod {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it ends: at most the next midnight.
    pub to: DateTime<Utc>,
}

impl CapturePeriod {
    /// The day that it lies in.
    #[must_use]
    pub fn day(&self) -> NaiveDate {
        self.from.date_naive()
    }

    /// It lies in one day, in whole seconds, and was over by `at`.
    pub(super) fn check(self, at: DateTime<Utc>) -> Result<(), CaptureDayRejection> {
        let midnight = self.day().checked_add_days(Days::new(1));
        let midnight = midnight.map(|day| day.and_time(NaiveTime::MIN).and_utc());
        let whole = |time: DateTime<Utc>| time.trunc_subsecs(0) == time;
        let in_a_day = self.from < self.to && midnight.is_some_and(|end| self.to <= end);
        if !(in_a_day && whole(self.from) && whole(self.to)) {
            return Err(CaptureDayRejection::NotInADay { period: self });
        }
        if self.to > at {
            return Err(CaptureDayRejection::NotOver { period: self });
        }
        Ok(())
    }

    pub(super) fn length(self) -> TimeDelta {
        self.to - self.from
    }
}

impl fmt::Display for CapturePeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%S%.fZ");
        write!(f, "{} to {}", time(self.from), time(self.to))
    }
}
