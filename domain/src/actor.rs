//! Who did something, as entries and events name them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AccountId, Slug};

/// `user/<uuid>`, `device/<uuid>` or `service/<slug>`: who acts, without saying anything about a
/// person. Events hold it where a rule asks for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Actor(String);

/// A text that names no actor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" names nobody: an actor is user/<uuid>, device/<uuid> or service/<name>")]
pub struct ActorError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl Actor {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account, if it is a person.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        let id = self.0.strip_prefix("user/")?;
        id.parse().ok().map(AccountId)
    }
}

impl FromStr for Actor {
    type Err = ActorError;

    fn from_str(text: &str) -> Result<Self, ActorError> {
        let canonical = |id: &str| Uuid::from_str(id).is_ok_and(|uuid| uuid.to_string() == id);
        let good = match text.split_once('/') {
            Some(("user" | "device", id)) => canonical(id),
            Some(("service", name)) => name.parse::<Slug>().is_ok(),
            _ => false,
        };
        let error = || ActorError {
            value: text.chars().take(80).collect(),
        };
        good.then(|| Self(text.to_owned())).ok_or_else(error)
    }
}

impl TryFrom<String> for Actor {
    type Error = ActorError;

    fn try_from(text: String) -> Result<Self, ActorError> {
        text.parse()
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn actors_are_users_devices_and_services() {
        for text in [
            "user/00000000-0000-0000-0000-000000000000",
            "device/fb2ec0ea-b6ec-50a9-bc26-7ce3fff43928",
            "service/cli",
        ] {
            assert_eq!(text.parse::<Actor>().unwrap().as_str(), text);
        }
        for text in [
            "",
            "user/",
            "user/ada",
            "service/",
            "robot/1",
            "user/FB2EC0EA-b6ec-50a9-bc26-7ce3fff43928",
        ] {
            assert!(text.parse::<Actor>().is_err(), "{text}");
        }
    }
}
