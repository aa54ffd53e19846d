//! What a device needs to sign in: the answer of `sealrock device add … --json`.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;

use crate::signing_key::SigningKey;
use crate::slug::Slug;

/// A device's identity and where it publishes, as `sealrock device add … --json`
/// prints it. Fields that a device does not need are ignored.
#[derive(Clone, Deserialize)]
pub struct Credential {
    /// MQTT user name.
    #[serde(rename = "id")]
    pub device_id: String,
    secret: String,
    /// The organisation's name.
    pub org: Slug,
    /// The site's name.
    pub site: Slug,
    /// The device's name.
    pub name: Slug,
    /// Topic of its batches, `sealrock/v1/<org>/<site>/<device>/batch`.
    pub topic: String,
    /// The broker's address.
    #[serde(rename = "mqtt")]
    pub broker: Broker,
    /// Where it sends batches by HTTP.
    #[serde(default)]
    pub http: Option<String>,
    /// Its ledger's origin; needed to sign.
    #[serde(default)]
    origin: Option<String>,
    /// The seed of its Ed25519 key, which `device add` never sees: with one, it signs its batches.
    #[serde(default)]
    signing_key: Option<SigningKey>,
}

/// A credential that no device could use.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// Not the JSON that `sealrock device add --json` prints.
    #[error("this is not a credential; give the output of `sealrock device add … --json`: {0}")]
    Json(#[from] serde_json::Error),
    /// The topic has no status and receipt topic beside it.
    #[error("topic `{0}` does not end in /batch")]
    Topic(String),
    /// A device that signs names its ledger in what it signs.
    #[error("a credential with a signing_key needs the origin that `device add … --json` printed")]
    NoOrigin,
}

impl Credential {
    /// Reads one credential.
    ///
    /// # Errors
    /// When the JSON lacks a field, its topic is no batch topic, or it cannot sign as it says.
    pub fn from_json(json: &[u8]) -> Result<Self, CredentialError> {
        let credential: Self = serde_json::from_slice(json)?;
        if credential.signing_key.is_some() && credential.origin.is_none() {
            return Err(CredentialError::NoOrigin);
        }
        if credential.topic.ends_with("/batch") {
            Ok(credential)
        } else {
            Err(CredentialError::Topic(credential.topic))
        }
    }

    /// Puts a credential together from its parts; the topic follows from the names.
    #[must_use]
    pub fn new(device_id: String, secret: String, names: [Slug; 3], broker: Broker) -> Self {
        let [org, site, name] = names;
        let topic = format!("sealrock/v1/{org}/{site}/{name}/batch");
        Self {
            device_id,
            secret,
            org,
            site,
            name,
            topic,
            broker,
            http: None,
            origin: None,
            signing_key: None,
        }
    }

    /// What is sent for a batch: its bytes, or the signed frame around them.
    pub(crate) fn payload(&self, batch: Bytes) -> Bytes {
        match (&self.signing_key, &self.origin) {
            (Some(key), Some(origin)) => key.frame(origin, &self.device_id, &batch).into(),
            _ => batch,
        }
    }

    /// MQTT password.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// A topic beside the batch topic: `status` or `receipt`.
    pub(crate) fn topic_of(&self, kind: &str) -> String {
        let base = self.topic.strip_suffix("/batch").unwrap_or(&self.topic);
        format!("{base}/{kind}")
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("device_id", &self.device_id)
            .field("secret", &"***")
            .field("topic", &self.topic)
            .field("broker", &self.broker)
            .finish_non_exhaustive()
    }
}

/// Address of a broker: `host:port`, with or without `mqtt://`, or `mqtts://` for TLS. IPv6 in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Broker {
    /// Name or address; IPv6 keeps its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether it speaks TLS.
    pub tls: bool,
}

impl TryFrom<String> for Broker {
    type Error = String;

    fn try_from(address: String) -> Result<Self, String> {
        let schemes = [("mqtt://", false), ("tcp://", false), ("mqtts://", true)];
        let scheme = schemes
            .iter()
            .find_map(|(scheme, tls)| Some((address.strip_prefix(scheme)?, *tls)));
        let (rest, tls) = scheme.unwrap_or((&address, false));
        let rest = rest.trim_end_matches('/');
        if rest.contains("://") {
            return Err(format!(
                "`{address}`: the simulator speaks MQTT, give mqtt://host:port or mqtts://host:port"
            ));
        }
        let parts = rest
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match parts {
            Some((host, port)) if !host.is_empty() => Ok(Self {
                host: host.to_owned(),
                port,
                tls,
            }),
            _ => Err(format!("`{address}` is no host:port")),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    const PRINTED: &str = r#"{"id":"5b0c","secret":"hush","org":"demo","site":"kericho-tea",
        "name":"stack-probe","topic":"sealrock/v1/demo/kericho-tea/stack-probe/batch",
        "origin":"sealrock.example/demo","mqtt":"127.0.0.1:1883","http":"http://127.0.0.1:8080"}"#;

    #[test]
    fn what_device_add_prints_is_read() {
        let credential = Credential::from_json(PRINTED.as_bytes()).unwrap();
        assert_eq!(credential.device_id, "5b0c");
        assert_eq!(
            credential.broker,
            Broker {
                host: "127.0.0.1".into(),
                port: 1883,
                tls: false,
            }
        );
        assert_eq!(
            credential.topic_of("receipt"),
            "sealrock/v1/demo/kericho-tea/stack-probe/receipt"
        );
    }

    #[test]
    fn a_credential_with_a_key_signs_and_one_without_does_not() {
        let batch = Bytes::from_static(b"{}");
        let plain = Credential::from_json(PRINTED.as_bytes()).unwrap();
        assert_eq!(plain.payload(batch.clone()), batch);
        let field = format!(r#"{{"signing_key":"{}","#, "07".repeat(32));
        let text = PRINTED.replacen('{', &field, 1);
        let signing = Credential::from_json(text.as_bytes()).unwrap();
        let frame = SigningKey::from_hex(&"07".repeat(32)).unwrap().frame(
            "sealrock.example/demo",
            "5b0c",
            b"{}",
        );
        assert_eq!(signing.payload(batch), frame);
        assert!(!format!("{signing:?}").contains("0707"));
        let nowhere = text.replace("origin", "place");
        let error = Credential::from_json(nowhere.as_bytes());
        assert!(matches!(error, Err(CredentialError::NoOrigin)));
    }

    #[test]
    fn a_secret_is_never_printed() {
        let credential = Credential::from_json(PRINTED.as_bytes()).unwrap();
        assert!(!format!("{credential:?}").contains("hush"));
    }

    #[test]
    fn a_topic_that_takes_no_batches_is_refused() {
        let other = PRINTED.replace("/batch", "/status");
        assert!(matches!(
            Credential::from_json(other.as_bytes()),
            Err(CredentialError::Topic(_))
        ));
    }

    #[test]
    fn broker_addresses_come_with_and_without_a_scheme() {
        let read = |text: &str| Broker::try_from(text.to_owned());
        assert_eq!(read("mqtt://broker:1884/").unwrap().port, 1884);
        assert_eq!(read("[::1]:1883").unwrap().host, "[::1]");
        assert!(read("mqtts://broker:8883").unwrap().tls);
        for bad in ["ws://broker:8883", "broker", ":1883", "broker:mqtt"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
