//! Networks as a setting: `10.0.0.0/8,192.0.2.7`, or a list of such.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Networks and single addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Vec<IpNet>")]
pub struct Networks(pub Vec<IpNet>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    List(Vec<String>),
}

impl TryFrom<Written> for Networks {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::One(text) => text.parse(),
            Written::List(list) => list.join(",").parse(),
        }
    }
}

impl From<Networks> for Vec<IpNet> {
    fn from(networks: Networks) -> Self {
        networks.0
    }
}

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        items.map(network).collect::<Result<_, _>>().map(Self)
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = |text: &str| text.parse::<IpAddr>().map(IpNet::from).ok();
    let network = text.parse().ok().or_else(|| address(text));
    network.ok_or_else(|| {
        format!("{text:?} is no network: write addresses or networks such as 10.0.0.0/8, parted by commas")
    })
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(IpNet::to_string).collect();
        f.write_str(&all.join(","))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn networks_and_addresses_read_back_and_anything_else_is_named() {
        let networks: Networks = "10.0.0.0/8, 2001:db8::1".parse().unwrap();
        assert_eq!(networks.to_string(), "10.0.0.0/8,2001:db8::1/128");
        let list = serde_json::to_string(&networks).unwrap();
        assert_eq!(serde_json::from_str::<Networks>(&list).unwrap(), networks);
        assert!(
            "proxy.example"
                .parse::<Networks>()
                .unwrap_err()
                .contains("proxy.example")
        );
    }
}
