//! Who acts.

use std::fmt;
use std::str::FromStr;

use sealrock_domain::{DeviceId, Slug};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An account of a person; random, so it says nothing about them in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub Uuid);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// The name a person signs in with: 1 to 64 of `a-z 0-9 . _ @ + -`; capitals are read as small letters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

/// A text that cannot be a [`Username`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user name has 1 to 64 letters (a-z), digits or . _ @ + -, such as \"ada.lovelace\"")]
pub struct UsernameError;

impl Username {
    /// The name, in small letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Username {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, UsernameError> {
        let name = text.trim().to_ascii_lowercase();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._@+-".contains(&b);
        let good = (1..=64).contains(&name.len()) && name.bytes().all(allowed);
        good.then_some(Self(name)).ok_or(UsernameError)
    }
}

impl TryFrom<String> for Username {
    type Error = UsernameError;

    fn try_from(text: String) -> Result<Self, UsernameError> {
        text.parse()
    }
}

impl From<Username> for String {
    fn from(name: Username) -> Self {
        name.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a principal is to the platform; [`Role::allows`](Self::allows) says what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// An account that runs the platform.
    Admin,
    /// An account that checks: it reads everything and writes nothing.
    Auditor,
    /// Runs plants and wells: records captures and injection days.
    Operator,
    /// Answers for a site: approves what operators record.
    SiteManager,
    /// Answers for an organisation: approves permit limits, sets targets.
    HqManager,
    /// Answers for monitoring, reporting and verification: requests credits.
    Mrv,
    /// Acts for a registry: approves or refuses issuances.
    Registry,
    /// Every device; no account can have it.
    Device,
    /// A part of the platform itself; no account can have it.
    Service,
}

impl Role {
    /// The roles that an account can have.
    pub const ACCOUNTS: [Self; 7] = [
        Self::Admin,
        Self::Auditor,
        Self::Operator,
        Self::SiteManager,
        Self::HqManager,
        Self::Mrv,
        Self::Registry,
    ];

    /// Its name: in an account's row, in a token and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::SiteManager => "site-manager",
            Self::HqManager => "hq-manager",
            Self::Mrv => "mrv",
            Self::Registry => "registry",
            Self::Device => "device",
            Self::Service => "service",
        }
    }

    /// Whether an account of this role acts for one organisation; others may, and reach every
    /// organisation if they do not.
    #[must_use]
    pub fn needs_organisation(self) -> bool {
        !matches!(self, Self::Admin | Self::Auditor)
    }

    /// The role of an account's row; the roles that accounts cannot have are unknown here.
    pub(crate) fn of_account(text: &str) -> Option<Self> {
        Self::ACCOUNTS.into_iter().find(|role| role.name() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who acts: what sign-in, a token or a device's secret has proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Principal {
    /// A person with an account.
    User {
        /// The account.
        id: AccountId,
        /// The name it signs in with; never goes into the ledger.
        username: Username,
        /// What it may do.
        role: Role,
        /// The organisation that it acts for, and the only one that it reaches; `None` for
        /// administrators and auditors of the whole platform.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        organisation: Option<Slug>,
    },
    /// A registered device.
    Device {
        /// The device; also its MQTT user name.
        id: DeviceId,
        /// The organisation it belongs to.
        organisation: Slug,
        /// The site it stands at.
        site: Slug,
        /// Its name there.
        name: Slug,
    },
    /// A part of the platform: the command line beside the server, a process manager.
    Service {
        /// Which part, for example `cli`.
        name: Slug,
    },
}

impl Principal {
    /// As ledger entries name it: `user/<id>`, `device/<id>` or `service/<name>`.
    #[must_use]
    pub fn actor(&self) -> String {
        match self {
            Self::User { id, .. } => format!("user/{id}"),
            Self::Device { id, .. } => id.actor(),
            Self::Service { name } => format!("service/{name}"),
        }
    }

    /// The organisation that it acts for, if it acts for one.
    #[must_use]
    pub fn organisation(&self) -> Option<&Slug> {
        match self {
            Self::User { organisation, .. } => organisation.as_ref(),
            Self::Device { organisation, .. } => Some(organisation),
            Self::Service { .. } => None,
        }
    }

    /// What it is to the platform.
    #[must_use]
    pub fn role(&self) -> Role {
        match self {
            Self::User { role, .. } => *role,
            Self::Device { .. } => Role::Device,
            Self::Service { .. } => Role::Service,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn actors_name_the_kind_and_the_id_but_never_a_person() {
        let id = AccountId(Uuid::nil());
        let user = Principal::User {
            id,
            username: "ada".parse().unwrap(),
            role: Role::Admin,
            organisation: None,
        };
        assert_eq!(user.actor(), "user/00000000-0000-0000-0000-000000000000");
        let service = Principal::Service {
            name: "cli".parse().unwrap(),
        };
        assert_eq!(service.actor(), "service/cli");
    }

    #[test]
    fn a_role_has_one_name_in_rows_tokens_and_on_the_command_line() {
        for role in Role::ACCOUNTS {
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
    }

    #[test]
    fn user_names_do_not_tell_capitals_apart() {
        assert_eq!(
            "Ada.Lovelace".parse::<Username>().unwrap().as_str(),
            "ada.lovelace"
        );
        for bad in ["", " ", "a b", "a\0b", "ädä", &"x".repeat(65)] {
            assert_eq!(bad.parse::<Username>(), Err(UsernameError), "{bad:?}");
        }
    }

    #[test]
    fn no_account_can_be_a_device_or_a_service() {
        for role in Role::ACCOUNTS {
            assert_eq!(Role::of_account(role.name()), Some(role));
        }
        assert_eq!(Role::of_account("device"), None);
        assert_eq!(Role::of_account("service"), None);
    }
}
