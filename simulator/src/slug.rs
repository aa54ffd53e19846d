//! The names that are parts of MQTT topics.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A name of an organisation, site, asset or device: `[a-z0-9][a-z0-9-]{0,62}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// A name that cannot be part of a topic.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a name: use 1 to 63 of a-z, 0-9 and -, not starting with -")]
pub struct SlugError(String);

impl Slug {
    /// Checks a name.
    ///
    /// # Errors
    /// [`SlugError`] names what was given.
    pub fn parse(name: &str) -> Result<Self, SlugError> {
        let part = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let fits =
            (1..=63).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(part);
        if fits {
            Ok(Self(name.to_owned()))
        } else {
            Err(SlugError(name.to_owned()))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Slug {
    type Error = SlugError;

    fn try_from(name: String) -> Result<Self, SlugError> {
        Self::parse(&name)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_break_a_topic_is_refused() {
        for bad in ["", "-a", "A", "a/b", "a+b", "a b", &"a".repeat(64)] {
            assert_eq!(Slug::parse(bad), Err(SlugError(bad.to_owned())));
        }
        assert!(Slug::parse("injector-a").is_ok());
    }
}
