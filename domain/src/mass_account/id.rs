//! The names of mass accounts.

use std::{fmt, str::FromStr};

use crate::{SiteId, Slug};

/// The account of a storage site for a calendar year: `<site id>/<year>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MassAccountId {
    /// The storage site.
    pub site: SiteId,
    /// The calendar year (UTC) in which the CO2 was injected.
    pub year: i32,
}

/// A text that names no account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" names no mass account: it is <site id>/<year>")]
pub struct MassAccountIdError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl MassAccountId {
    /// The account of a site by its path.
    #[must_use]
    pub fn of(org: &Slug, site: &Slug, year: i32) -> Self {
        let site = SiteId::of(org, site);
        Self { site, year }
    }

    /// The stream of its events: `mass_account/<site id>/<year>`.
    #[must_use]
    pub fn stream(&self) -> String {
        format!("mass_account/{self}")
    }
}

impl fmt::Display for MassAccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.site, self.year)
    }
}

impl FromStr for MassAccountId {
    type Err = MassAccountIdError;

    fn from_str(text: &str) -> Result<Self, MassAccountIdError> {
        let parsed = text.split_once('/').and_then(|(site, year)| {
            let (site, year) = (site.parse().ok()?, year.parse().ok()?);
            Some(Self { site, year })
        });
        let is_spelt_so = |id: &Self| id.to_string() == text;
        parsed
            .filter(is_spelt_so)
            .ok_or_else(|| MassAccountIdError {
                value: text.chars().take(80).collect(),
            })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_one_spelling() {
        let (org, site) = ("northsea".parse().unwrap(), "field-1".parse().unwrap());
        let id = MassAccountId::of(&org, &site, 2026);
        let site = SiteId::of(&org, &site);
        assert_eq!(id.to_string(), format!("{site}/2026"));
        assert_eq!(id.stream(), format!("mass_account/{site}/2026"));
        assert_eq!(id.to_string().parse::<MassAccountId>().unwrap(), id);
        for text in ["", "2026", &format!("{site}/02026"), &format!("{site}/+1")] {
            assert!(text.parse::<MassAccountId>().is_err(), "{text}");
        }
    }
}
