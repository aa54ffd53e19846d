//! The names of the streams that hold a mass account's issuances.

use std::{fmt, str::FromStr};

use crate::Slug;
use crate::mass_account::MassAccountId;

/// The issuances of one mass account, as a registry names them: `<organisation>/<site id>/<year>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuancesId {
    /// The organisation that stored the CO2.
    pub organisation: Slug,
    /// Its account.
    pub account: MassAccountId,
}

/// A text that names no issuances.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" names no issuances: it is <organisation>/<site id>/<year>")]
pub struct IssuancesIdError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl IssuancesId {
    /// The issuances of a site's account by its path.
    #[must_use]
    pub fn of(organisation: &Slug, site: &Slug, year: i32) -> Self {
        Self {
            organisation: organisation.clone(),
            account: MassAccountId::of(organisation, site, year),
        }
    }

    /// The stream of their events: `issuance/<organisation>/<site id>/<year>`.
    #[must_use]
    pub fn stream(&self) -> String {
        format!("issuance/{self}")
    }
}

impl fmt::Display for IssuancesId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.organisation, self.account)
    }
}

impl FromStr for IssuancesId {
    type Err = IssuancesIdError;

    fn from_str(text: &str) -> Result<Self, IssuancesIdError> {
        let parsed = text.split_once('/').and_then(|(organisation, account)| {
            Some(Self {
                organisation: organisation.parse().ok()?,
                account: account.parse().ok()?,
            })
        });
        parsed.ok_or_else(|| IssuancesIdError {
            value: text.chars().take(80).collect(),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn the_name_reads_back() {
        let (org, site) = ("northsea".parse().unwrap(), "field-1".parse().unwrap());
        let id = IssuancesId::of(&org, &site, 2026);
        assert_eq!(id.to_string().parse::<IssuancesId>().unwrap(), id);
        assert!("northsea".parse::<IssuancesId>().is_err());
    }
}
