//! What a node does: all of it, or a part.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A part of what the platform does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// GraphQL, sign-in and the routes of ledgers: for people and auditors.
    Api,
    /// What devices send: MQTT and `POST /ingest`.
    Ingest,
    /// Read models, and the work that nobody asks for: sealing, issuing, publishing, erasing,
    /// recomputing.
    Projector,
}

impl Role {
    const ALL: [Self; 3] = [Self::Api, Self::Ingest, Self::Projector];

    fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Ingest => "ingest",
            Self::Projector => "projector",
        }
    }
}

/// The roles of a node, at least one; written `api,ingest,projector`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Whether a node of these roles does that.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }
}

impl Default for Roles {
    fn default() -> Self {
        Self(Role::ALL.to_vec())
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|role| role.name()).collect();
        f.write_str(&names.join(","))
    }
}

impl FromStr for Roles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut wanted = Vec::new();
        for name in text.split(',').map(str::trim) {
            let role = Role::ALL.into_iter().find(|role| role.name() == name);
            wanted.push(role.ok_or_else(|| {
                format!(
                    "{name:?} is no role of a node: write some of {}, parted by commas",
                    Self::default()
                )
            })?);
        }
        // In one order and each once, however they were written.
        let roles = Role::ALL.into_iter().filter(|role| wanted.contains(role));
        Ok(Self(roles.collect()))
    }
}

impl TryFrom<String> for Roles {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Roles> for String {
    fn from(roles: Roles) -> Self {
        roles.to_string()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_in_any_order_and_printed_so_that_they_read_back() {
        let roles: Roles = "projector, api,api".parse().unwrap();
        assert_eq!(roles.to_string(), "api,projector");
        assert_eq!(roles.to_string().parse::<Roles>().unwrap(), roles);
        assert!(roles.has(Role::Api) && !roles.has(Role::Ingest));
        assert_eq!(Roles::default().to_string(), "api,ingest,projector");
    }

    #[test]
    fn an_unknown_role_and_none_at_all_are_refused_with_those_that_there_are() {
        for text in ["", "api,", "broker", "API"] {
            let error = text.parse::<Roles>().unwrap_err();
            assert!(error.contains("api,ingest,projector"), "{text}: {error}");
        }
    }
}
