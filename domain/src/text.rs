//! Free text that people and devices give us, bounded and printable.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The longest display name, in characters.
pub const MAX_DISPLAY_NAME: usize = 200;

/// What people read instead of a slug: 1 to 200 characters, no control characters,
/// no white space at the ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DisplayName(String);

/// A text or a map of texts that is refused, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The display name's length is wrong.
    #[error("a display name has 1 to {MAX_DISPLAY_NAME} characters, this one has {length}")]
    Length {
        /// Characters after trimming.
        length: usize,
    },
    /// The reason's length is wrong.
    #[error(
        "a reason has 1 to {MAX_REASON} characters, this one has {length}: say why in a sentence"
    )]
    ReasonLength {
        /// Characters after trimming.
        length: usize,
    },
    /// The text has a control character, such as a line break or NUL.
    #[error("\"{value}\" contains a control character: remove it")]
    Control {
        /// The text, with control characters escaped.
        value: String,
    },
    /// Too many keys.
    #[error("{count} attributes are too many: at most {MAX_ATTRIBUTES} are kept")]
    TooMany {
        /// Keys given.
        count: usize,
    },
    /// A key or value is too long or empty.
    #[error(
        "attribute \"{key}\": a key has 1 to {MAX_ATTRIBUTE_KEY} characters and a value at most \
         {MAX_ATTRIBUTE_VALUE} bytes; this value has {bytes}"
    )]
    Attribute {
        /// The key, cut after 80 characters.
        key: String,
        /// Size of its value in bytes.
        bytes: usize,
    },
}

fn refuse_control(value: &str) -> Result<(), TextError> {
    if value.chars().any(char::is_control) {
        let value = value.escape_debug().take(80).collect();
        return Err(TextError::Control { value });
    }
    Ok(())
}

impl FromStr for DisplayName {
    type Err = TextError;

    fn from_str(value: &str) -> Result<Self, TextError> {
        let value = value.trim();
        let length = value.chars().count();
        if !(1..=MAX_DISPLAY_NAME).contains(&length) {
            return Err(TextError::Length { length });
        }
        refuse_control(value)?;
        Ok(Self(value.to_owned()))
    }
}

impl TryFrom<String> for DisplayName {
    type Error = TextError;

    fn try_from(value: String) -> Result<Self, TextError> {
        value.parse()
    }
}

impl From<DisplayName> for String {
    fn from(name: DisplayName) -> Self {
        name.0
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for DisplayName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The longest reason, in characters.
pub const MAX_REASON: usize = 1_000;

/// Why a person did something, for whoever reads it later: 1 to 1,000 characters, no control
/// characters but line breaks, no white space at the ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

impl FromStr for Reason {
    type Err = TextError;

    fn from_str(value: &str) -> Result<Self, TextError> {
        let value = value.trim();
        let length = value.chars().count();
        if !(1..=MAX_REASON).contains(&length) {
            return Err(TextError::ReasonLength { length });
        }
        refuse_control(&value.replace('\n', " "))?;
        Ok(Self(value.to_owned()))
    }
}

impl TryFrom<String> for Reason {
    type Error = TextError;

    fn try_from(value: String) -> Result<Self, TextError> {
        value.parse()
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The most attributes that one map holds.
pub const MAX_ATTRIBUTES: usize = 64;
/// The longest attribute key, in characters.
pub const MAX_ATTRIBUTE_KEY: usize = 64;
/// The longest attribute value, in bytes.
pub const MAX_ATTRIBUTE_VALUE: usize = 1024;

/// Installation metadata, assumptions, tags: a small sorted map of texts.
///
/// Numbers in it are texts on purpose: an assumption such as `"duct_area_m2": "0.785"`
/// is hashed into the ledger and must read back digit by digit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "BTreeMap<String, String>",
    into = "BTreeMap<String, String>"
)]
pub struct Attributes(BTreeMap<String, String>);

impl Attributes {
    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Keys and values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn check_attribute(key: &str, value: &str) -> Result<(), TextError> {
    let key_fits = (1..=MAX_ATTRIBUTE_KEY).contains(&key.chars().count());
    if !key_fits || value.len() > MAX_ATTRIBUTE_VALUE {
        let key = key.chars().take(80).collect();
        return Err(TextError::Attribute {
            key,
            bytes: value.len(),
        });
    }
    refuse_control(key)?;
    refuse_control(value)
}

impl TryFrom<BTreeMap<String, String>> for Attributes {
    type Error = TextError;

    fn try_from(map: BTreeMap<String, String>) -> Result<Self, TextError> {
        if map.len() > MAX_ATTRIBUTES {
            return Err(TextError::TooMany { count: map.len() });
        }
        for (key, value) in &map {
            check_attribute(key, value)?;
        }
        Ok(Self(map))
    }
}

impl From<Attributes> for BTreeMap<String, String> {
    fn from(attributes: Attributes) -> Self {
        attributes.0
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_display_name_is_trimmed() {
        assert_eq!(
            "  Nøkkel 1 ".parse::<DisplayName>().unwrap().to_string(),
            "Nøkkel 1"
        );
    }

    #[test]
    fn an_empty_long_or_unprintable_display_name_is_refused() {
        assert_eq!(
            "  ".parse::<DisplayName>(),
            Err(TextError::Length { length: 0 })
        );
        let long = "x".repeat(201).parse::<DisplayName>();
        assert_eq!(long, Err(TextError::Length { length: 201 }));
        let nul = "a\0b".parse::<DisplayName>().unwrap_err().to_string();
        assert_eq!(nul, "\"a\\0b\" contains a control character: remove it");
    }

    #[test]
    fn a_reason_may_have_lines_and_must_say_something() {
        let two_lines = "the seal failed\nat the wellhead".parse::<Reason>();
        assert_eq!(
            two_lines.unwrap().to_string(),
            "the seal failed\nat the wellhead"
        );
        assert_eq!(
            " ".parse::<Reason>(),
            Err(TextError::ReasonLength { length: 0 })
        );
        assert!("x".repeat(1_001).parse::<Reason>().is_err());
        assert!("a\0b".parse::<Reason>().is_err());
    }

    #[test]
    fn attributes_are_bounded() {
        let one = |k: &str, v: &str| Attributes::try_from(BTreeMap::from([(k.into(), v.into())]));
        assert!(one("", "x").is_err());
        assert!(one(&"k".repeat(65), "x").is_err());
        assert!(one("k", &"v".repeat(1025)).is_err());
        assert!(one("k", "line\nbreak").is_err());
        assert_eq!(
            one("duct_area_m2", "0.785").unwrap().get("duct_area_m2"),
            Some("0.785")
        );
        let many: BTreeMap<_, _> = (0..65).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(
            Attributes::try_from(many),
            Err(TextError::TooMany { count: 65 })
        );
    }
}
