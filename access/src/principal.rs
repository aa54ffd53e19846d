//! Who acts.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use sealrock_domain::access::Role;
use sealrock_domain::{AccountId, ApiKeyId, DeviceId, Slug};
use serde::{Deserialize, Serialize};

use crate::{Permission, SessionId};

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

/// Another organisation that lets somebody look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The organisation that does.
    pub organisation: Slug,
    /// The sites that may be looked at; `None` for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sites: Option<Vec<Slug>>,
    /// From when on it does not any more.
    pub until: DateTime<Utc>,
}

/// Who acts: what sign-in, a token, a key or a device's secret has proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Principal {
    /// A person with an account.
    User {
        /// The account.
        id: AccountId,
        /// The name it signs in with; never goes into the ledger.
        username: Username,
        /// What it may do.
        role: Role,
        /// The organisation that it acts for, and the only one that it reaches besides `grants`;
        /// `None` for administrators and auditors of the whole platform.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        organisation: Option<Slug>,
        /// The sites of the organisation that it is limited to; `None` for all of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sites: Option<Vec<Slug>>,
        /// The other organisations that let it look, in its role.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        grants: Vec<Grant>,
        /// What it signed in with, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
        /// When it last proved who it is, by signing in or stepping up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stepped_up: Option<DateTime<Utc>>,
        /// Whether it must choose a password of its own before anything else.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        must_change_password: bool,
        /// Whether it must enrol a second factor before anything else: its organisation asks for one.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        must_enrol: bool,
    },
    /// A program with a key of an organisation.
    ApiKey {
        /// The key.
        id: ApiKeyId,
        /// The organisation that issued it, and the only one that it reaches.
        organisation: Slug,
        /// The role of which it has permissions.
        role: Role,
        /// Those that it has.
        permissions: Vec<Permission>,
        /// The sites that it is limited to; `None` for all of the organisation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sites: Option<Vec<Slug>>,
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
    /// A person who signed in at this moment, and is limited by nothing but role and organisation.
    #[must_use]
    pub fn signed_in(
        id: AccountId,
        username: Username,
        role: Role,
        organisation: Option<Slug>,
    ) -> Self {
        Self::User {
            id,
            username,
            role,
            organisation,
            sites: None,
            grants: Vec::new(),
            session: None,
            stepped_up: Some(Utc::now()),
            must_change_password: false,
            must_enrol: false,
        }
    }

    /// As ledger entries name it: `user/<id>`, `device/<id>` or `service/<name>`. A key of an
    /// organisation is a `service/key-<id>`.
    #[must_use]
    pub fn actor(&self) -> String {
        match self {
            Self::User { id, .. } => id.actor(),
            Self::ApiKey { id, .. } => format!("service/key-{id}"),
            Self::Device { id, .. } => id.actor(),
            Self::Service { name } => format!("service/{name}"),
        }
    }

    /// Whether `other` is the same, and may do the same, whatever session it came by and whenever it last
    /// proved who it is.
    #[must_use]
    pub fn may_the_same(&self, other: &Self) -> bool {
        let timeless = |principal: &Self| {
            let mut principal = principal.clone();
            if let Self::User {
                session,
                stepped_up,
                ..
            } = &mut principal
            {
                (*session, *stepped_up) = (None, None);
            }
            principal
        };
        timeless(self) == timeless(other)
    }

    /// The organisation that it acts for, if it acts for one.
    #[must_use]
    pub fn organisation(&self) -> Option<&Slug> {
        match self {
            Self::User { organisation, .. } => organisation.as_ref(),
            Self::ApiKey { organisation, .. } | Self::Device { organisation, .. } => {
                Some(organisation)
            }
            Self::Service { .. } => None,
        }
    }

    /// The organisations that it names as its own or as lending it a look, if it is of one at all. What
    /// it may do there is for [`authorise`](crate::authorise) to say.
    #[must_use]
    pub fn organisations(&self) -> Option<Vec<&Slug>> {
        let own = self.organisation()?;
        let granted = self.grants().iter().map(|grant| &grant.organisation);
        Some(std::iter::once(own).chain(granted).collect())
    }

    /// The sites of an organisation that it names as those that it is limited to, or as lent to it,
    /// each once, by name.
    #[must_use]
    pub fn sites_of(&self, organisation: &Slug) -> Vec<&Slug> {
        let own = match self {
            Self::User { sites, .. } | Self::ApiKey { sites, .. } => sites.as_deref(),
            Self::Device { site, .. } => Some(std::slice::from_ref(site)),
            Self::Service { .. } => None,
        };
        let own = own.filter(|_| self.organisation() == Some(organisation));
        let granted = self.grants().iter();
        let granted = granted.filter(|grant| grant.organisation == *organisation);
        let granted = granted.filter_map(|grant| grant.sites.as_deref());
        let mut sites: Vec<&Slug> = own.into_iter().chain(granted).flatten().collect();
        sites.sort();
        sites.dedup();
        sites
    }

    fn grants(&self) -> &[Grant] {
        match self {
            Self::User { grants, .. } => grants,
            _ => &[],
        }
    }

    /// What it is to the platform.
    #[must_use]
    pub fn role(&self) -> Role {
        match self {
            Self::User { role, .. } | Self::ApiKey { role, .. } => *role,
            Self::Device { .. } => Role::Device,
            Self::Service { .. } => Role::Service,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn actors_name_the_kind_and_the_id_but_never_a_person() {
        let id = AccountId(Uuid::nil());
        let user = Principal::signed_in(id, "ada".parse().unwrap(), Role::Admin, None);
        assert_eq!(user.actor(), "user/00000000-0000-0000-0000-000000000000");
        let service = Principal::Service {
            name: "cli".parse().unwrap(),
        };
        assert_eq!(service.actor(), "service/cli");
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
}
