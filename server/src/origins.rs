//! Origins as a setting: `https://app.example,https://other.example:8443`, or a list of such.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Origins of pages, as browsers name them: scheme, host, and the port where it is not the usual one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Vec<String>")]
pub struct Origins(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    List(Vec<String>),
}

impl Origins {
    /// Whether that is one of them.
    pub fn has(&self, origin: &str) -> bool {
        self.0.iter().any(|listed| listed == origin)
    }
}

impl TryFrom<Written> for Origins {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::One(text) => text.parse(),
            Written::List(list) => list.join(",").parse(),
        }
    }
}

impl From<Origins> for Vec<String> {
    fn from(origins: Origins) -> Self {
        origins.0
    }
}

impl FromStr for Origins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        items.map(origin).collect::<Result<_, _>>().map(Self)
    }
}

fn origin(text: &str) -> Result<String, String> {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let is_host = |host: &str| {
        !host.is_empty()
            && host
                .bytes()
                .all(|c| c.is_ascii_graphic() && !b"/*?#@\\".contains(&c))
    };
    match host {
        Some(host) if is_host(host) => Ok(text.to_ascii_lowercase()),
        _ => Err(format!(
            "{text:?} is no origin: write each as https://app.example, without a path and without *"
        )),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn origins_are_named_one_by_one() {
        let origins: Origins = "https://App.example, http://[::1]:3000".parse().unwrap();
        assert!(origins.has("https://app.example") && origins.has("http://[::1]:3000"));
        assert!(!origins.has("https://app.example.evil") && !origins.has("null"));
        for bad in [
            "*",
            "https://*.example",
            "app.example",
            "https://app.example/x",
            "null",
        ] {
            assert!(bad.parse::<Origins>().unwrap_err().contains(bad), "{bad}");
        }
    }
}
