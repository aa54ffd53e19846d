//! Topics of other makes: which device a message is of, and what batch it is read as.
//!
//! A mapping is configuration and may change; what it made is recorded beside the message, so that
//! nothing that was recorded depends on it.

mod config;
mod pattern;
mod payload;
mod time;

use chrono::{DateTime, Utc};
use sealrock_domain::telemetry::MappedBatch;
use sealrock_domain::{Slug, Topic, TopicKind};

use crate::gate::{DeviceIdentity, Rejection, RejectionCode};
use pattern::{Levels, Pattern, Template};

pub use config::{Fields, PayloadForm, TimeFormat, TopicMapping};

/// The mappings of an installation, checked.
#[derive(Debug, Default)]
pub struct Mappings(Vec<Mapping>);

#[derive(Debug)]
struct Mapping {
    pattern: Pattern,
    organisation: Template,
    site: Template,
    device: Template,
    metric: Template,
    config: TopicMapping,
}

/// Why a mapping cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the topic mapping \"{pattern}\" cannot be used: {reason}")]
pub struct MappingError {
    /// The mapping's pattern.
    pub pattern: String,
    /// What is wrong, and the way out.
    pub reason: String,
}

/// A message's mapping, and what its topic says.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    mapping: &'a Mapping,
    levels: Levels<'a>,
    topic: &'a str,
    /// The device that the topic names, as the batch topic that it would have.
    pub(crate) device: Topic,
}

impl Mappings {
    /// Checks the mappings.
    ///
    /// # Errors
    /// [`MappingError`] for the first that cannot be used.
    pub fn new(configured: &[TopicMapping]) -> Result<Self, MappingError> {
        configured
            .iter()
            .map(|config| {
                Mapping::new(config).map_err(|reason| MappingError {
                    pattern: config.pattern.clone(),
                    reason,
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The MQTT filters of all patterns.
    pub(crate) fn filters(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|mapping| mapping.pattern.filter())
    }

    /// The pattern of a mapping whose messages bear no time, if there is one.
    pub(crate) fn timed_by_receipt(&self) -> Option<&str> {
        let mut mappings = self.0.iter().map(|mapping| &mapping.config);
        let found = mappings.find(|config| config.time == TimeFormat::Received)?;
        Some(&found.pattern)
    }

    /// The first mapping whose pattern fits, if one does.
    ///
    /// # Errors
    /// A rejection as [`RejectionCode::WrongTopic`] if a level of the topic names nothing.
    pub(crate) fn find<'a>(&'a self, topic: &'a str) -> Option<Result<Found<'a>, Rejection>> {
        self.0.iter().find_map(|mapping| {
            let levels = mapping.pattern.matches(topic)?;
            let device = mapping.device(&levels).map_err(|message| Rejection {
                code: RejectionCode::WrongTopic,
                message,
            });
            Some(device.map(|device| Found {
                mapping,
                levels,
                topic,
                device,
            }))
        })
    }
}

impl Mapping {
    fn new(config: &TopicMapping) -> Result<Self, String> {
        let pattern = Pattern::parse(&config.pattern)?;
        let given = |text: &Option<String>| text.clone();
        let fallback = |level: &str| pattern.has(level).then(|| format!("{{{level}}}"));
        let template = |what: &str, text: Option<String>| {
            let missing = || {
                format!(
                    "nothing says which {what}: put {{{what}}} into the pattern, or set `{what}`"
                )
            };
            Template::parse(&text.ok_or_else(missing)?, &pattern)
        };
        let organisation = config.organisation.as_ref().map(Slug::to_string);
        let device = given(&config.device)
            .or_else(|| fallback("device"))
            .or_else(|| fallback("asset"));
        let metric = given(&config.metric).or_else(|| fallback("metric"));
        // Metrics may be in the payload.
        let metric = metric.or_else(|| (!config.values.is_empty()).then(String::new));
        config.check()?;
        Ok(Self {
            organisation: template(
                "organisation",
                organisation.or_else(|| fallback("organisation")),
            )?,
            site: template("site", given(&config.site).or_else(|| fallback("site")))?,
            device: template("device", device)?,
            metric: template("metric", metric)?,
            pattern,
            config: config.clone(),
        })
    }

    fn device(&self, levels: &Levels<'_>) -> Result<Topic, String> {
        let name = |template: &Template| {
            let text = template.fill(levels, &self.config.names);
            text.parse::<Slug>().map_err(|error| {
                format!("{error}; or rename it under `names` of the topic mapping")
            })
        };
        Ok(Topic::new(
            name(&self.organisation)?,
            name(&self.site)?,
            name(&self.device)?,
            TopicKind::Batch,
        ))
    }
}

impl Found<'_> {
    /// Whether the topic names this device.
    pub(crate) fn is_of(&self, identity: &DeviceIdentity) -> bool {
        self.device.device_id() == identity.device
    }

    /// The payload to be recorded: the message, and the batch that it is read as.
    ///
    /// # Errors
    /// A final rejection, if the message is not of the mapping's form.
    pub(crate) fn read(
        &self,
        message: &[u8],
        received_at: DateTime<Utc>,
    ) -> Result<Vec<u8>, Rejection> {
        let Mapping { config, metric, .. } = self.mapping;
        let undecodable = |message: String| Rejection {
            code: RejectionCode::Undecodable,
            message,
        };
        let text = std::str::from_utf8(message)
            .map_err(|error| undecodable(format!("the message is no text: {error}")))?;
        let metric = metric.fill(&self.levels, &config.metrics);
        let batch = payload::read(config, &metric, text, received_at).map_err(undecodable)?;
        let mapped = MappedBatch {
            topic: self.topic.to_owned(),
            original: text.to_owned(),
            batch: &batch,
            timed_by_receipt: config.time == TimeFormat::Received,
        };
        mapped.encode().map_err(|error| Rejection {
            code: RejectionCode::TooLarge,
            message: error.to_string(),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests;
