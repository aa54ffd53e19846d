//! The topics that one device may use.

use sealrock_domain::{Topic, TopicKind};

use crate::gate::DeviceIdentity;

/// A device's own topics as text, made once a connection.
#[derive(Debug)]
pub(super) struct Topics {
    pub(super) batch: String,
    pub(super) status: String,
    pub(super) receipt: String,
}

impl Topics {
    pub(super) fn of(identity: &DeviceIdentity) -> Self {
        let DeviceIdentity {
            organisation,
            site,
            name,
            ..
        } = identity.clone();
        let batch = Topic::new(organisation, site, name, TopicKind::Batch);
        let topic = |kind| batch.with_kind(kind).to_string();
        Self {
            batch: batch.to_string(),
            status: topic(TopicKind::Status),
            receipt: topic(TopicKind::Receipt),
        }
    }
}
