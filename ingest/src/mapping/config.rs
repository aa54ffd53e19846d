//! A mapping as it is written in the configuration.

use std::collections::BTreeMap;

use sealrock_domain::Slug;
use serde::{Deserialize, Serialize};

/// How messages on topics of another make are read: a `[[topics]]` table of `sealrock.toml`.
///
/// `{name}` in the pattern takes one level of the topic; `site`, `device` and `metric` are made of
/// such names, and default to the level of their own name (`device` to `asset` too).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicMapping {
    /// The topics, such as `vidyutai/{site}/{asset}/{metric}`.
    pub pattern: String,
    /// Whose devices they are, unless the pattern has `{organisation}`.
    #[serde(default)]
    pub organisation: Option<Slug>,
    /// The site: `{site}`, or a text with names of the pattern.
    #[serde(default)]
    pub site: Option<String>,
    /// The device's name within the site: `{device}` or `{asset}`, or such as `{asset}-meter`.
    #[serde(default)]
    pub device: Option<String>,
    /// The metric: `{metric}`, or such as `battery_{what}`.
    #[serde(default)]
    pub metric: Option<String>,
    /// Levels of the topic that are named otherwise here: `"Plant_1" = "plant-1"`.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Metrics that are named otherwise here.
    #[serde(default)]
    pub metrics: BTreeMap<String, String>,
    /// Units that are spelt otherwise here.
    #[serde(default)]
    pub units: BTreeMap<String, String>,
    /// The unit of messages that name none; without it, the metric's own.
    #[serde(default)]
    pub unit: Option<String>,
    /// What a message looks like.
    #[serde(default)]
    pub payload: PayloadForm,
    /// What the fields of an object are called.
    #[serde(default)]
    pub fields: Fields,
    /// Metrics by the field that their value is in, for messages that hold several: then
    /// `fields.value` and `metric` count for nothing.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// How times are written.
    #[serde(default)]
    pub time: TimeFormat,
    /// Whether times without an offset are UTC. Otherwise they are refused.
    #[serde(default)]
    pub assume_utc: bool,
    /// Whether a text that is a number counts as one: `"12.50"`.
    #[serde(default)]
    pub text_numbers: bool,
}

/// What a message looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayloadForm {
    /// A JSON object.
    #[default]
    Object,
    /// A number and nothing else.
    Number,
}

/// How times are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeFormat {
    /// `2026-11-21T03:12:45.120Z`.
    #[default]
    Rfc3339,
    /// Seconds since 1970, with or without a fraction.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
    /// Messages bear no time: that of receipt counts. The same message a moment later is another.
    Received,
}

/// What the fields of a message are called; a dot goes into an object (`data.v`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// The value.
    pub value: String,
    /// When it was measured.
    pub time: String,
    /// Its unit; may be absent from a message.
    pub unit: String,
    /// Where it comes from (`real`, `simulator`, `migrated`); anything else becomes a tag. May be
    /// absent from a message.
    pub source: String,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            value: "value".to_owned(),
            time: "timestamp".to_owned(),
            unit: "unit".to_owned(),
            source: "source".to_owned(),
        }
    }
}

impl TopicMapping {
    /// What one setting asks of another.
    pub(super) fn check(&self) -> Result<(), String> {
        let number = self.payload == PayloadForm::Number;
        if number && self.time != TimeFormat::Received {
            return Err("a bare number bears no time: set time = \"received\"".to_owned());
        }
        if number && !self.values.is_empty() {
            return Err("a bare number has no fields: leave `values` out".to_owned());
        }
        Ok(())
    }
}
