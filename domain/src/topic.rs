//! MQTT topics: `sealrock/v1/<org>/<site>/<device>/<kind>`.

use std::{fmt, str::FromStr};

use crate::{DeviceId, Slug, SlugError};

/// What travels on a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TopicKind {
    /// Sensor batches, from the device.
    Batch,
    /// `online`, or `offline` as last will, from the device.
    Status,
    /// Receipts and errors, to the device.
    Receipt,
}

impl TopicKind {
    /// The last level of the topic.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Status => "status",
            Self::Receipt => "receipt",
        }
    }
}

/// A topic of one device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    /// The organisation.
    pub org: Slug,
    /// The site.
    pub site: Slug,
    /// The device.
    pub device: Slug,
    /// What travels on it.
    pub kind: TopicKind,
}

/// A text that is not a topic of this platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Not six levels under `sealrock/v1`.
    #[error(
        "\"{topic}\" is not a topic of this platform: use \
         sealrock/v1/<organisation>/<site>/<device>/batch"
    )]
    Form {
        /// The topic, cut after 200 characters.
        topic: String,
    },
    /// A level is not a name.
    #[error(transparent)]
    Name(#[from] SlugError),
    /// The last level is unknown.
    #[error("the last level of a topic is batch, status or receipt, not \"{kind}\"")]
    Kind {
        /// The level given, cut after 80 characters.
        kind: String,
    },
}

impl Topic {
    /// The topic of a device.
    #[must_use]
    pub fn new(org: Slug, site: Slug, device: Slug, kind: TopicKind) -> Self {
        Self {
            org,
            site,
            device,
            kind,
        }
    }

    /// The device that the topic belongs to.
    #[must_use]
    pub fn device_id(&self) -> DeviceId {
        DeviceId::of(&self.org, &self.site, &self.device)
    }

    /// The same device's topic of another kind.
    #[must_use]
    pub fn with_kind(&self, kind: TopicKind) -> Self {
        Self {
            kind,
            ..self.clone()
        }
    }
}

impl FromStr for TopicKind {
    type Err = TopicError;

    fn from_str(kind: &str) -> Result<Self, TopicError> {
        match kind {
            "batch" => Ok(Self::Batch),
            "status" => Ok(Self::Status),
            "receipt" => Ok(Self::Receipt),
            _ => Err(TopicError::Kind {
                kind: kind.chars().take(80).collect(),
            }),
        }
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(topic: &str) -> Result<Self, TopicError> {
        // An MQTT topic has up to 65,535 bytes: seven parts tell that there are too many.
        let levels: Vec<&str> = topic.splitn(7, '/').collect();
        let ["sealrock", "v1", org, site, device, kind] = levels[..] else {
            return Err(TopicError::Form {
                topic: topic.chars().take(200).collect(),
            });
        };
        Ok(Self::new(
            org.parse()?,
            site.parse()?,
            device.parse()?,
            kind.parse()?,
        ))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            org,
            site,
            device,
            kind,
        } = self;
        write!(f, "sealrock/v1/{org}/{site}/{device}/{}", kind.as_str())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_topic_reads_back_as_it_was_printed() {
        for kind in ["batch", "status", "receipt"] {
            let text = format!("sealrock/v1/northsea/plant-1/meter-7/{kind}");
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_topic_names_its_device() {
        let topic: Topic = "sealrock/v1/northsea/plant-1/meter-7/batch"
            .parse()
            .unwrap();
        let id = DeviceId::of(&topic.org, &topic.site, &topic.device);
        assert_eq!(topic.device_id(), id);
        let receipt = "sealrock/v1/northsea/plant-1/meter-7/receipt";
        assert_eq!(topic.with_kind(TopicKind::Receipt).to_string(), receipt);
    }

    #[test]
    fn other_topics_are_refused() {
        for text in [
            "",
            "sealrock",
            "sealrock/v2/a/b/c/batch",
            "sealrock/v1/a/b/c",
            "sealrock/v1/a/b/c/batch/x",
            "/sealrock/v1/a/b/c/batch",
        ] {
            assert!(
                matches!(text.parse::<Topic>(), Err(TopicError::Form { .. })),
                "{text}"
            );
        }
        let wildcard = "sealrock/v1/a/+/c/batch".parse::<Topic>();
        assert!(matches!(wildcard, Err(TopicError::Name(_))));
        let unknown = "sealrock/v1/a/b/c/command".parse::<Topic>().unwrap_err();
        assert!(unknown.to_string().contains("\"command\""));
    }
}
