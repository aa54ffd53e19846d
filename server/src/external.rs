//! The external MQTT broker: from the settings to its consumer, and what `doctor` says of it.

use std::sync::Arc;

use sealrock_ingest::{ExternalConfig, Finding, Mappings, probe};
use sealrock_projections::device_status::NodeId;
use uuid::Uuid;

use crate::config::Config;

/// The topics of other makes.
///
/// # Errors
/// If one of them cannot be used; the message has the way out.
pub fn mappings(config: &Config) -> anyhow::Result<Arc<Mappings>> {
    Ok(Arc::new(Mappings::new(&config.topics)?))
}

/// How `node` reaches the external broker, if there is one. Its client id is the same over restarts,
/// and no other node's.
///
/// # Errors
/// If the settings do not go together.
pub fn broker(
    config: &Config,
    mappings: &Arc<Mappings>,
    node: NodeId,
) -> anyhow::Result<Option<ExternalConfig>> {
    let Some(url) = config.mqtt_url.clone() else {
        return Ok(None);
    };
    let certificate = match (&config.mqtt_cert, &config.mqtt_key) {
        (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
        (None, None) => None,
        _ => anyhow::bail!("mqtt_cert and mqtt_key are set together or not at all"),
    };
    let own = || format!("sealrock-{}", node.0);
    let client_id = config.mqtt_client_id.clone().unwrap_or_else(own);
    Ok(Some(ExternalConfig {
        url,
        client_id,
        group: config.mqtt_group.clone(),
        ca: config.mqtt_ca.clone(),
        certificate,
        mappings: Arc::clone(mappings),
    }))
}

/// Where its devices are connected, as presence tells it: there, whichever node hears of it.
pub fn place(broker: &ExternalConfig) -> NodeId {
    let address = broker.url.address();
    NodeId(Uuid::new_v5(&Uuid::NAMESPACE_URL, address.as_bytes()))
}

/// Whether the broker keeps what it takes, as far as it says; `None` without one.
pub async fn check(config: &Config) -> Option<(bool, String)> {
    let url = config.mqtt_url.as_ref()?;
    // The question is asked under a name of its own, beside whichever node is connected.
    let nobody = NodeId(Uuid::new_v4());
    let asked = mappings(config).and_then(|mappings| broker(config, &mappings, nobody));
    let asked = match asked {
        Ok(asked) => asked?,
        Err(error) => return Some((false, format!("{error:#}"))),
    };
    let limits = match probe(&asked).await {
        Ok(limits) => limits,
        Err(error) => return Some((false, format!("{url}: {error}"))),
    };
    let findings = limits.findings(&asked);
    let good = findings.iter().all(|finding| !finding.bad);
    let texts: Vec<_> = findings
        .into_iter()
        .map(|Finding { text, .. }| text)
        .collect();
    let found = if texts.is_empty() {
        "answers; what it queues for us it does not tell: see the operator's guide".to_owned()
    } else {
        texts.join("; ")
    };
    Some((good, format!("{url}: {found}")))
}
