//! Rule sets: versioned, dated, each term with its paragraph and evidence.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Period;

/// How a formula or constant is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// Read in the named source.
    #[serde(rename = "V")]
    Read,
    /// Computed here or by a named program.
    #[serde(rename = "C")]
    Computed,
    /// From memory: well known, but nobody has read it again in its source.
    #[serde(rename = "M")]
    Remembered,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "[V]",
            Self::Computed => "[C]",
            Self::Remembered => "[M]",
        })
    }
}

/// Whether credits and submitted reports may rest on a rule set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every term was read or computed. It never changes: a new version follows it by date.
    Published,
    /// Some term is from memory: good for what-if, not for issuance.
    Draft,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Published => "published",
            Self::Draft => "draft",
        })
    }
}

/// The days on which a rule set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effective {
    /// The first day.
    pub from: NaiveDate,
    /// The last day, in it too; none while no end is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

impl Effective {
    /// From this day on, without a known end.
    ///
    /// # Panics
    /// If there is no such day: rule sets are constants, so that is seen when it is compiled.
    #[must_use]
    pub const fn since(year: i32, month: u32, day: u32) -> Self {
        Self {
            from: date(year, month, day),
            until: None,
        }
    }

    /// Until this day, in it too.
    ///
    /// # Panics
    /// As [`Self::since`].
    #[must_use]
    pub const fn until(self, year: i32, month: u32, day: u32) -> Self {
        Self {
            from: self.from,
            until: Some(date(year, month, day)),
        }
    }

    /// Whether every day of the period is in it.
    #[must_use]
    pub fn covers(&self, period: &Period) -> bool {
        self.from <= period.from && self.until.is_none_or(|until| period.to <= until)
    }
}

const fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a day of the calendar")
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.until {
            Some(until) => write!(f, "{} to {until}", self.from),
            None => write!(f, "from {} on", self.from),
        }
    }
}

/// One term of a rule set: an input, a constant or an equation.
#[derive(Debug, PartialEq, Eq)]
pub struct TermRule {
    /// Its symbol, as the source writes it.
    pub symbol: &'static str,
    /// Its unit, `1` if it has none.
    pub unit: &'static str,
    /// Its equation or constant; none if it is an input.
    pub equation: Option<&'static str>,
    /// Paragraph and equation number in the source.
    pub paragraph: &'static str,
    /// How it is known.
    pub evidence: Evidence,
    /// What it is.
    pub meaning: &'static str,
}

/// A versioned and dated set of equations.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleSet {
    /// What it is called in commands and files: `us-98-rr`.
    pub id: &'static str,
    /// Its version, from 1 on.
    pub version: u32,
    /// What it is called by people.
    pub title: &'static str,
    /// Where it is written.
    pub source: &'static str,
    /// When it holds.
    pub effective: Effective,
    /// Every term that its calculations may have.
    pub terms: &'static [&'static TermRule],
}

impl RuleSet {
    /// Published if every term was read or computed.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.remembered().is_empty() {
            Status::Published
        } else {
            Status::Draft
        }
    }

    /// Symbols of the terms that are from memory.
    #[must_use]
    pub fn remembered(&self) -> Vec<&'static str> {
        let remembered = |term: &&&TermRule| term.evidence == Evidence::Remembered;
        let terms = self.terms.iter().filter(remembered);
        terms.map(|term| term.symbol).collect()
    }
}

/// `us-98-rr version 1`.
impl fmt::Display for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.id, self.version)
    }
}
