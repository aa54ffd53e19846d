//! What a broker says of itself when one connects: for `sealrock doctor`.

use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::{ConnAckProperties, Packet, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event};

use super::ExternalConfig;
use super::options::{OptionsError, filters, options};
use crate::broker::MAX_PACKET_BYTES;

/// How long the broker may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// What the broker said in its CONNACK; what it does not say is without limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerLimits {
    /// `QoS` 1 publishes that it takes at a time.
    pub receive_maximum: u16,
    /// The largest packet that it takes.
    pub packet_bytes: Option<u32>,
    /// The highest `QoS`.
    pub maximum_qos: u8,
    /// Whether it has shared subscriptions.
    pub shared_subscriptions: bool,
    /// Whether filters may have wildcards.
    pub wildcards: bool,
    /// Whether it keeps retained messages.
    pub retain: bool,
    /// The session expiry that it made of ours, in seconds.
    pub session_expiry: Option<u32>,
    /// Subscriptions that it refused.
    pub refused: Vec<String>,
}

/// Something that will lose or delay messages, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether messages can be lost or nothing works; otherwise it is only worth knowing.
    pub bad: bool,
    /// In words.
    pub text: String,
}

/// Why the broker cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// A file of the settings.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// It does not let us in.
    #[error("{0}")]
    Refused(String),
    /// It does not answer.
    #[error("it does not answer within {} s", LIMIT.as_secs())]
    Silent,
}

/// Connects under a client id of its own for a moment, with a session that ends with it.
///
/// # Errors
/// [`ProbeError`].
pub async fn probe(config: &ExternalConfig) -> Result<BrokerLimits, ProbeError> {
    let mut options = options(config)?;
    options.set_client_id(format!("{}-doctor", config.client_id));
    options.set_clean_start(true);
    options.set_session_expiry_interval(Some(0));
    let asked = ask(options, config);
    tokio::time::timeout(LIMIT, asked)
        .await
        .map_err(|_| ProbeError::Silent)?
}

async fn ask(
    options: rumqttc::v5::MqttOptions,
    config: &ExternalConfig,
) -> Result<BrokerLimits, ProbeError> {
    let (client, mut events) = AsyncClient::new(options, 10);
    let filters = filters(config);
    let mut limits = None;
    loop {
        let event = events.poll().await;
        match event.map_err(|error| ProbeError::Refused(error.to_string()))? {
            Event::Incoming(Packet::ConnAck(connack)) => {
                limits = Some(BrokerLimits::of(connack.properties.as_ref()));
                if client.try_subscribe_many(filters.clone()).is_err() {
                    return Err(ProbeError::Silent);
                }
            }
            Event::Incoming(Packet::SubAck(suback)) => {
                let answers = filters.iter().zip(&suback.return_codes);
                let refused = answers
                    .filter(|(_, code)| !matches!(code, SubscribeReasonCode::Success(_)))
                    .map(|(filter, code)| format!("{} ({code:?})", filter.path))
                    .collect();
                if let Some(limits) = limits {
                    return Ok(BrokerLimits { refused, ..limits });
                }
                return Err(ProbeError::Silent);
            }
            _ => {}
        }
    }
}

impl BrokerLimits {
    fn of(properties: Option<&ConnAckProperties>) -> Self {
        let is = |flag: Option<u8>| flag != Some(0);
        Self {
            receive_maximum: properties.and_then(|p| p.receive_max).unwrap_or(u16::MAX),
            packet_bytes: properties.and_then(|p| p.max_packet_size),
            maximum_qos: properties.and_then(|p| p.max_qos).unwrap_or(2),
            shared_subscriptions: is(properties.and_then(|p| p.shared_subscription_available)),
            wildcards: is(properties.and_then(|p| p.wildcard_subscription_available)),
            retain: is(properties.and_then(|p| p.retain_available)),
            session_expiry: properties.and_then(|p| p.session_expiry_interval),
            refused: Vec::new(),
        }
    }

    /// What is wrong with them for this configuration, and the way out.
    #[must_use]
    pub fn findings(&self, config: &ExternalConfig) -> Vec<Finding> {
        let finding = |bad, text: String| Finding { bad, text };
        let mut found = Vec::new();
        for filter in &self.refused {
            found.push(finding(
                true,
                format!(
                    "it refuses the subscription {filter}: give this user the right to read it"
                ),
            ));
        }
        if self.maximum_qos < 1 {
            found.push(finding(
                true,
                "it takes QoS 0 only, which promises nothing".to_owned(),
            ));
        }
        if !self.wildcards {
            found.push(finding(true, "it has no wildcard subscriptions".to_owned()));
        }
        if config.group.is_some() && !self.shared_subscriptions {
            let text = "it has no shared subscriptions: leave mqtt_group out";
            found.push(finding(true, text.to_owned()));
        }
        if self
            .session_expiry
            .is_some_and(|seconds| seconds < 24 * 3600)
        {
            let text = "it keeps our session for less than a day: raise its session expiry, or what comes while this node is away longer is lost";
            found.push(finding(true, text.to_owned()));
        }
        found.extend(self.packet_finding());
        if self.receive_maximum < 20 {
            let text = format!(
                "it takes {} receipts at a time, which delays them: raise its receive maximum",
                self.receive_maximum
            );
            found.push(finding(false, text));
        }
        if !self.retain {
            let text = "it retains nothing: who is online is known only when devices say so";
            found.push(finding(false, text.to_owned()));
        }
        found
    }

    fn packet_finding(&self) -> Option<Finding> {
        let ours = u32::try_from(MAX_PACKET_BYTES).unwrap_or(u32::MAX);
        let (bad, text) = match self.packet_bytes {
            Some(theirs) if theirs == ours => return None,
            Some(theirs) if theirs < ours => (
                false,
                format!(
                    "it takes packets of {theirs} bytes, so batches of up to 1 MiB may not pass"
                ),
            ),
            Some(theirs) => (
                true,
                format!(
                    "it takes packets of {theirs} bytes and drops what is over {ours} on its way to us"
                ),
            ),
            None => (
                true,
                format!(
                    "it takes packets of any size and drops what is over {ours} on its way to us"
                ),
            ),
        };
        let text =
            format!("{text}: set its largest packet to {ours} (Mosquitto: max_packet_size {ours})");
        Some(Finding { bad, text })
    }
}
