//! What somebody is to an organisation.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a principal is to the platform. The table of permissions (crate `sealrock-access`) says what
/// each may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Manages access and what is registered: an organisation's owner, or who runs the platform.
    Admin,
    /// Checks: reads all that is evidence and writes nothing.
    Auditor,
    /// Runs plants and wells: records captures and injection days.
    Operator,
    /// Answers for a site: approves what operators record.
    SiteManager,
    /// Answers for an organisation: approves permit limits, sets targets, lets others look.
    HqManager,
    /// Keeps machines and devices running.
    Maintenance,
    /// Answers for monitoring, reporting and verification: requests credits.
    Mrv,
    /// Verifies the reports of organisations that engaged its own.
    Verifier,
    /// Supervises organisations for an authority.
    Regulator,
    /// Acts for a registry: approves or refuses issuances.
    Registry,
    /// Holds credits.
    Holder,
    /// Every device; no account can have it.
    Device,
    /// A part of the platform itself; no account can have it.
    Service,
}

/// A text that names no role of accounts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no role of a person; a person is one of: {roles}", roles = names())]
pub struct RoleError(String);

impl Role {
    /// The roles that an account can have.
    pub const ACCOUNTS: [Self; 11] = [
        Self::Admin,
        Self::Auditor,
        Self::Operator,
        Self::SiteManager,
        Self::HqManager,
        Self::Maintenance,
        Self::Mrv,
        Self::Verifier,
        Self::Regulator,
        Self::Registry,
        Self::Holder,
    ];

    /// Its name: in entries, rows, tokens and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::SiteManager => "site-manager",
            Self::HqManager => "hq-manager",
            Self::Maintenance => "maintenance",
            Self::Mrv => "mrv",
            Self::Verifier => "verifier",
            Self::Regulator => "regulator",
            Self::Registry => "registry",
            Self::Holder => "holder",
            Self::Device => "device",
            Self::Service => "service",
        }
    }

    /// Whether an account of this role acts for one organisation; others may, and reach every
    /// organisation if they do not.
    #[must_use]
    pub const fn needs_organisation(self) -> bool {
        !matches!(self, Self::Admin | Self::Auditor)
    }

    /// Whether accounts of this role may be limited to some sites of their organisation.
    #[must_use]
    pub const fn may_be_limited_to_sites(self) -> bool {
        matches!(self, Self::Operator | Self::SiteManager | Self::Maintenance)
    }

    /// Whether accounts of this role look at other organisations, as far as these let them.
    #[must_use]
    pub const fn may_be_granted(self) -> bool {
        matches!(self, Self::Verifier | Self::Regulator | Self::Auditor)
    }
}

impl FromStr for Role {
    type Err = RoleError;

    /// A role that an account can have.
    fn from_str(text: &str) -> Result<Self, RoleError> {
        let found = Self::ACCOUNTS.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| RoleError(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn names() -> String {
    Role::ACCOUNTS.map(Role::name).join(", ")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_one_name_in_entries_rows_tokens_and_on_the_command_line() {
        for role in Role::ACCOUNTS {
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
            assert_eq!(role.name().parse(), Ok(role));
        }
    }

    #[test]
    fn no_account_can_be_a_device_or_a_service() {
        for text in ["device", "service", "Admin", ""] {
            assert_eq!(text.parse::<Role>(), Err(RoleError(text.to_owned())));
        }
    }
}
