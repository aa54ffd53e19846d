//! Emission targets of a site: a mean rate that it shall not exceed, for days that do not overlap.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::decimal::DecimalText;
use crate::{Refusal, refusal};

/// The highest mean rate that a target may have, kg/h: what the catalogue's `co2_emission_rate`
/// calls plausible (1,000 t/h), a power plant of a gigawatt.
pub const MAX_TARGET_KG_PER_H: u32 = 1_000_000;
/// The years that a target may lie in. Others are typing errors.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2199;

/// A mean emission rate for some days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmissionTarget {
    /// kg/h, a mean over a period.
    pub average_kg_per_h: DecimalText,
    /// The first UTC day on which it holds.
    pub from: NaiveDate,
    /// The last UTC day on which it holds; `None` until it is ended.
    pub until: Option<NaiveDate>,
}

/// Why a target is not set or withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetRejection {
    /// The rate is negative or more than any plant emits.
    #[error(
        "an emission target of {value} kg/h is outside 0 to {MAX_TARGET_KG_PER_H} kg/h: check sign \
         and unit"
    )]
    Implausible {
        /// The rate given.
        value: DecimalText,
    },
    /// A day before 2000 or after 2199.
    #[error("{day} is in no year from 2000 to 2199: check the date")]
    ImplausibleDay {
        /// The day given.
        day: NaiveDate,
    },
    /// It ends before it begins.
    #[error("the last day {until} lies before the first day {from}: give a later one, or none")]
    Ends {
        /// The first day.
        from: NaiveDate,
        /// The last day given.
        until: NaiveDate,
    },
    /// Another target holds on one of these days.
    #[error(
        "an emission target of {average_kg_per_h} kg/h holds from {from} until {}: end or withdraw \
         it first, or choose other days", last_day(*until)
    )]
    Overlap {
        /// The other target's rate.
        average_kg_per_h: DecimalText,
        /// Its first day.
        from: NaiveDate,
        /// Its last day.
        until: Option<NaiveDate>,
    },
    /// No target begins on that day.
    #[error("no emission target begins on {from}: give the first day of one that is set")]
    Unknown {
        /// The day given.
        from: NaiveDate,
    },
    /// The target ends by then anyway.
    #[error("the emission target from {from} ends on {until} already: give an earlier last day")]
    EndsAlready {
        /// The target's first day.
        from: NaiveDate,
        /// Its last day.
        until: NaiveDate,
    },
}

impl Refusal for TargetRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Implausible { .. } | Self::ImplausibleDay { .. } | Self::Ends { .. } => {
                refusal::OUT_OF_RANGE
            }
            Self::Overlap { .. } => refusal::OVERLAP,
            Self::Unknown { .. } => refusal::NOT_FOUND,
            Self::EndsAlready { .. } => refusal::REJECTED,
        }
    }
}

fn last_day(until: Option<NaiveDate>) -> String {
    until.map_or_else(|| "further notice".to_owned(), |day| day.to_string())
}

impl EmissionTarget {
    /// Whether it holds on `day`.
    #[must_use]
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let reaches = |one: &Self, another: &Self| one.until.is_none_or(|day| another.from <= day);
        reaches(self, other) && reaches(other, self)
    }

    fn check(&self) -> Result<(), TargetRejection> {
        let rate = self.average_kg_per_h.to_f64();
        if !(0.0..=f64::from(MAX_TARGET_KG_PER_H)).contains(&rate) {
            let value = self.average_kg_per_h.clone();
            return Err(TargetRejection::Implausible { value });
        }
        if let Some(day) = [Some(self.from), self.until]
            .into_iter()
            .flatten()
            .find(|day| !YEARS.contains(&day.year()))
        {
            return Err(TargetRejection::ImplausibleDay { day });
        }
        ends(self.from, self.until)
    }
}

fn ends(from: NaiveDate, until: Option<NaiveDate>) -> Result<(), TargetRejection> {
    match until {
        Some(until) if until < from => Err(TargetRejection::Ends { from, until }),
        _ => Ok(()),
    }
}

/// The targets of a site, by their first day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Targets(BTreeMap<NaiveDate, EmissionTarget>);

impl Targets {
    /// That the target is plausible and no other holds on one of its days.
    pub(super) fn may_set(&self, target: &EmissionTarget) -> Result<(), TargetRejection> {
        target.check()?;
        match self.0.values().find(|other| other.overlaps(target)) {
            None => Ok(()),
            Some(other) => Err(TargetRejection::Overlap {
                average_kg_per_h: other.average_kg_per_h.clone(),
                from: other.from,
                until: other.until,
            }),
        }
    }

    /// That the target is there, and ends sooner by this.
    pub(super) fn may_withdraw(
        &self,
        from: NaiveDate,
        last_day: Option<NaiveDate>,
    ) -> Result<(), TargetRejection> {
        let target = self.0.get(&from).ok_or(TargetRejection::Unknown { from })?;
        ends(from, last_day)?;
        match (last_day, target.until) {
            (Some(last), Some(until)) if until <= last => {
                Err(TargetRejection::EndsAlready { from, until })
            }
            _ => Ok(()),
        }
    }

    /// Those that hold on `day`.
    #[cfg(test)]
    pub(super) fn on(&self, day: NaiveDate) -> impl Iterator<Item = &EmissionTarget> {
        self.0.values().filter(move |target| target.holds_on(day))
    }

    pub(super) fn set(&mut self, target: EmissionTarget) {
        self.0.insert(target.from, target);
    }

    pub(super) fn withdraw(&mut self, from: NaiveDate, last_day: Option<NaiveDate>) {
        match last_day {
            None => {
                self.0.remove(&from);
            }
            Some(day) => {
                if let Some(target) = self.0.get_mut(&from) {
                    target.until = Some(day);
                }
            }
        }
    }
}
