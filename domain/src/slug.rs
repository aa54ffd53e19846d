//! Slugs: the names of organisations, sites, assets and devices in paths and topics.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Organisation slugs that are taken by paths of the platform itself.
pub const RESERVED_ORGANISATIONS: [&str; 3] = ["registry", "admin", "v1"];

/// The longest slug, in characters.
pub const MAX_SLUG_LENGTH: usize = 63;

/// A name of the form `[a-z0-9][a-z0-9-]{0,62}`.
///
/// It is a level of an MQTT topic, a part of a URL and the seed of an id, so it
/// is never renamed; what people read is the [`DisplayName`](crate::DisplayName).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// A text that is not a [`Slug`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{value}\" is not a valid name: use 1 to 63 lower-case letters (a-z), digits and hyphens, \
     starting with a letter or digit, such as \"plant-1\""
)]
pub struct SlugError {
    /// What was given, cut after 80 characters.
    pub value: String,
}

impl Slug {
    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `admin`, which no organisation may take: where what belongs to the platform itself stands.
    ///
    /// # Panics
    /// Never: it is a slug.
    #[must_use]
    pub fn platform() -> Self {
        "admin".parse().expect("it is a slug")
    }

    /// Whether no organisation may take this slug (`registry`, `admin`, `v1`).
    #[must_use]
    pub fn is_reserved_for_organisations(&self) -> bool {
        RESERVED_ORGANISATIONS.contains(&self.as_str())
    }
}

fn is_slug(value: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=MAX_SLUG_LENGTH).contains(&value.len())
        && value.bytes().all(allowed)
        && !value.starts_with('-')
}

impl FromStr for Slug {
    type Err = SlugError;

    fn from_str(value: &str) -> Result<Self, SlugError> {
        if is_slug(value) {
            Ok(Self(value.to_owned()))
        } else {
            let value = value.chars().take(80).collect();
            Err(SlugError { value })
        }
    }
}

impl TryFrom<String> for Slug {
    type Error = SlugError;

    fn try_from(value: String) -> Result<Self, SlugError> {
        value.parse()
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

impl AsRef<str> for Slug {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn letters_digits_and_hyphens_make_a_slug() {
        for value in ["a", "7", "plant-1", "a--b", "a-", &"x".repeat(63)] {
            assert_eq!(value.parse::<Slug>().unwrap().as_str(), value);
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_value_and_the_rule() {
        for value in [
            "",
            "-a",
            "A",
            "a_b",
            "a/b",
            "a b",
            "é",
            "+",
            "#",
            &"x".repeat(64),
        ] {
            let message = value.parse::<Slug>().unwrap_err().to_string();
            assert!(message.contains(&format!("\"{value}\"")), "{message}");
            assert!(message.contains("1 to 63"), "{message}");
        }
    }

    #[test]
    fn a_slug_in_json_is_checked_too() {
        assert!(serde_json::from_str::<Slug>("\"Plant 1\"").is_err());
        assert_eq!(
            serde_json::from_str::<Slug>("\"plant-1\"")
                .unwrap()
                .to_string(),
            "plant-1"
        );
    }

    #[test]
    fn the_platforms_own_paths_are_reserved() {
        assert!(
            "registry"
                .parse::<Slug>()
                .unwrap()
                .is_reserved_for_organisations()
        );
        assert!(
            !"northsea"
                .parse::<Slug>()
                .unwrap()
                .is_reserved_for_organisations()
        );
    }
}
