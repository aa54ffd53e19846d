//! Where a broker is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

/// The address of a broker: `mqtt://host`, `mqtts://user:password@host:8883`.
///
/// It prints, and serialises, with its password masked.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct BrokerUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encrypted: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
}

/// A text that is not the address of a broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the broker's address {0}: write mqtt://HOST[:PORT] or mqtts://USER:PASSWORD@HOST[:PORT]")]
pub struct AddressError(String);

impl BrokerUrl {
    /// Where it is, without who we are to it.
    #[must_use]
    pub fn address(&self) -> String {
        let scheme = if self.encrypted { "mqtts" } else { "mqtt" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }
}

impl FromStr for BrokerUrl {
    type Err = AddressError;

    /// The text itself may hold a password and is in no error.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let fault = |what: &str| AddressError(what.to_owned());
        let url = Url::parse(text).map_err(|error| fault(&format!("is no URL ({error})")))?;
        let (encrypted, port) = match url.scheme() {
            "mqtt" => (false, 1883),
            "mqtts" => (true, 8883),
            other => return Err(fault(&format!("begins with {other}:"))),
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(fault("goes on after host and port"));
        }
        let decoded = |text: &str| {
            percent_decoded(text).ok_or_else(|| fault("has a user or password that is no UTF-8"))
        };
        Ok(Self {
            host: host.ok_or_else(|| fault("has no host"))?.to_owned(),
            port: url.port().unwrap_or(port),
            encrypted,
            user: match url.username() {
                "" => None,
                user => Some(decoded(user)?),
            },
            password: url.password().map(decoded).transpose()?,
        })
    }
}

/// What `%xx` stands for.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = hex.and_then(|two| u8::from_str_radix(two, 16).ok());
        match byte.filter(|_| first == b'%') {
            Some(byte) => (bytes.push(byte), rest = &after[2..]).1,
            None => (bytes.push(first), rest = after).1,
        }
    }
    String::from_utf8(bytes).ok()
}

impl TryFrom<String> for BrokerUrl {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.encrypted {
            "mqtts://"
        } else {
            "mqtt://"
        })?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
        }
        if self.password.is_some() {
            f.write_str(":***")?;
        }
        if self.user.is_some() || self.password.is_some() {
            f.write_str("@")?;
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for BrokerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_host_port_and_credentials() {
        let url: BrokerUrl = "mqtts://sealrock:h%40sh%3A1@broker.example"
            .parse()
            .unwrap();
        assert_eq!((url.host.as_str(), url.port), ("broker.example", 8883));
        assert!(url.encrypted);
        assert_eq!(url.user.as_deref(), Some("sealrock"));
        assert_eq!(url.password.as_deref(), Some("h@sh:1"));
        let url: BrokerUrl = "mqtt://127.0.0.1:11883/".parse().unwrap();
        assert_eq!((url.port, url.encrypted, url.user), (11883, false, None));
    }

    #[test]
    fn a_password_is_printed_nowhere() {
        let url: BrokerUrl = "mqtt://me:hush@host".parse().unwrap();
        let printed = [
            url.to_string(),
            format!("{url:?}"),
            serde_json::to_string(&url).unwrap(),
            "mqttx://me:hush@host"
                .parse::<BrokerUrl>()
                .unwrap_err()
                .to_string(),
        ];
        for text in &printed {
            assert!(!text.contains("hush"), "{text}");
        }
        assert_eq!(printed[0], "mqtt://me:***@host:1883");
    }

    #[test]
    fn other_texts_are_refused_with_the_form() {
        for text in [
            "",
            "host:1883",
            "http://host",
            "mqtt://",
            "mqtt://host/path",
            "mqtt://host?x",
        ] {
            let error = text.parse::<BrokerUrl>().unwrap_err().to_string();
            assert!(error.contains("mqtts://USER"), "{text}: {error}");
        }
    }
}
