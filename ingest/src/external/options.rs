//! What we ask of the broker.

use std::time::Duration;

use rumqttc::Transport;
use rumqttc::v5::MqttOptions;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, Filter, RetainForwardRule};

use super::line::RECEIPTS_UNDER_WAY;
use super::{ExternalConfig, RECEIVE_MAXIMUM, SESSION_EXPIRY, tls};
use crate::broker::MAX_PACKET_BYTES;

/// How long the connection may be silent. A broken one is noticed within twice that.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Seconds for TCP, TLS and CONNACK.
const CONNECT_LIMIT: u64 = 10;

/// Why the connection cannot be configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be used for the MQTT broker: {reason}")]
pub struct OptionsError {
    /// The file, or what else it is about.
    pub(super) what: String,
    /// What is wrong.
    pub(super) reason: String,
}

/// The options of each connection.
///
/// The packet limit is raised from 10 KiB, and told to the broker. No topic alias is offered, and
/// `QoS` 2 is not asked for: a batch that comes twice is stored once anyway.
pub(super) fn options(config: &ExternalConfig) -> Result<MqttOptions, OptionsError> {
    each_message_once(config)?;
    let url = &config.url;
    let mut options = MqttOptions::new(&config.client_id, &url.host, url.port);
    if url.user.is_some() || url.password.is_some() {
        let (user, password) = (url.user.clone(), url.password.clone());
        options.set_credentials(user.unwrap_or_default(), password.unwrap_or_default());
    }
    if url.encrypted {
        options.set_transport(Transport::tls_with_config(tls::configuration(config)?));
    }
    let mut properties = ConnectProperties::new();
    properties.session_expiry_interval = u32::try_from(SESSION_EXPIRY.as_secs()).ok();
    properties.receive_maximum = Some(RECEIVE_MAXIMUM);
    properties.max_packet_size = u32::try_from(MAX_PACKET_BYTES).ok();
    properties.topic_alias_max = Some(0);
    options
        .set_connect_properties(properties)
        .set_clean_start(false)
        .set_manual_acks(true)
        .set_keep_alive(KEEP_ALIVE)
        .set_connection_timeout(CONNECT_LIMIT)
        .set_outgoing_inflight_upper_limit(RECEIPTS_UNDER_WAY);
    Ok(options)
}

/// Messages without a time get that of their receipt, which is another on each node: they must come
/// to one node only.
fn each_message_once(config: &ExternalConfig) -> Result<(), OptionsError> {
    match config.mappings.timed_by_receipt() {
        Some(pattern) if config.group.is_none() => Err(OptionsError {
            what: format!("the topic mapping \"{pattern}\""),
            reason: "its messages bear no time (time = \"received\"), so that each node would \
                     record them as another: set mqtt_group, the same on every node, which has the \
                     broker deliver them to one"
                .to_owned(),
        }),
        _ => Ok(()),
    }
}

/// What we subscribe to, at every connect: a session that the broker still has keeps its queue.
///
/// Batches and messages are taken when they are published, never as retained ones: a retained
/// message is an old one again. Presence is asked for as it is now, which a shared subscription
/// does not give.
pub(super) fn filters(config: &ExternalConfig) -> Vec<Filter> {
    let shared = |topic: String| match &config.group {
        Some(group) => format!("$share/{group}/{topic}"),
        None => topic,
    };
    let published = ["sealrock/v1/+/+/+/batch".to_owned()];
    let mapped = config.mappings.filters();
    let mut filters: Vec<_> = published
        .into_iter()
        .chain(mapped)
        .map(|topic| {
            let mut filter = Filter::new(shared(topic), QoS::AtLeastOnce);
            filter.retain_forward_rule = RetainForwardRule::Never;
            filter
        })
        .collect();
    let status = shared("sealrock/v1/+/+/+/status".to_owned());
    filters.push(Filter::new(status, QoS::AtLeastOnce));
    filters
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::mapping::{Mappings, TopicMapping};

    #[test]
    fn messages_without_a_time_are_taken_in_a_shared_subscription_only() {
        let mapping = r#"
            pattern = "plant/{site}/{device}/{metric}"
            organisation = "northsea"
            payload = "number"
            time = "received"
        "#;
        let mapping: TopicMapping = toml::from_str(mapping).unwrap();
        let alone = ExternalConfig {
            url: "mqtt://localhost:1883".parse().unwrap(),
            client_id: "node-1".to_owned(),
            group: None,
            ca: None,
            certificate: None,
            mappings: Arc::new(Mappings::new(&[mapping]).unwrap()),
        };
        let error = options(&alone).unwrap_err().to_string();
        assert!(error.contains("plant/{site}/{device}/{metric}"), "{error}");
        assert!(error.contains("set mqtt_group"), "{error}");
        let group = Some("sealrock".to_owned());
        let shared = ExternalConfig { group, ..alone };
        assert!(options(&shared).is_ok());
        let filters = filters(&shared);
        assert!(
            filters
                .iter()
                .any(|filter| filter.path == "$share/sealrock/plant/+/+/+")
        );
    }
}
