//! An age in days, as settings and flags give it.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, Utc};
use serde::{Deserialize, Serialize};

/// Days, written `400d`; at least one, at most 100 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Age(u32);

impl Age {
    const MOST: u32 = 36_525;

    /// What is recorded before is older, seen from `now`.
    pub fn before(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - Days::new(self.0.into())
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.0)
    }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
        days.filter(|days| (1..=Self::MOST).contains(days))
            .map(Self)
            .ok_or_else(|| {
                format!(
                    "{text:?} is no age: write 1d to {}d, such as 400d",
                    Self::MOST
                )
            })
    }
}

impl TryFrom<String> for Age {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Age> for String {
    fn from(age: Age) -> Self {
        age.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_of_days() {
        let age: Age = "400d".parse().expect("an age");
        let now: DateTime<Utc> = "2026-11-21T03:00:00Z".parse().expect("a time");
        assert_eq!(age.before(now).to_string(), "2025-10-17 03:00:00 UTC");
        assert_eq!(age.to_string(), "400d");
        for bad in ["", "d", "0d", "-1d", "400", "1y", "99999999d"] {
            assert!(bad.parse::<Age>().is_err(), "{bad:?}");
        }
    }
}
