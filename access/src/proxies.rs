//! Proxies whose word is taken for where a request comes from.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::ClientAddress;

/// The header in which proxies say whom they speak for. Only one is read, because a proxy that writes
/// one lets the other pass as the client wrote it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, which most proxies write.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ProxyHeader {
    /// The header's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

/// The proxies whose word is taken, as an operator named them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    networks: Vec<IpNet>,
    header: ProxyHeader,
}

impl Proxies {
    /// Believes proxies in these networks, by this header.
    #[must_use]
    pub fn new(networks: Vec<IpNet>, header: ProxyHeader) -> Self {
        Self { networks, header }
    }

    /// The header to give the lines of.
    #[must_use]
    pub fn header(&self) -> ProxyHeader {
        self.header
    }

    /// Whether a proxy is at the other end of the socket, which is one for many clients.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.networks.iter().any(|network| network.contains(&peer))
    }

    /// Who asks, where `peer` is at the other end of the socket and `lines` are the header's, in their
    /// order.
    ///
    /// Each proxy appends whom it was asked by, so the list is believed from its right end for as long as
    /// who wrote an item is a named proxy. What stands left of that, a client may have made up.
    #[must_use]
    pub fn client<'a>(
        &self,
        peer: IpAddr,
        lines: impl DoubleEndedIterator<Item = &'a str>,
    ) -> ClientAddress {
        let mut believed = peer.to_canonical();
        let items = lines.rev().flat_map(|line| line.rsplit(','));
        for item in items {
            if !self.trusts(believed) {
                break;
            }
            let Some(before) = self.address(item.trim()) else {
                break;
            };
            believed = before.to_canonical();
        }
        ClientAddress(believed)
    }

    fn address(&self, item: &str) -> Option<IpAddr> {
        match self.header {
            ProxyHeader::XForwardedFor => node(item),
            ProxyHeader::Forwarded => item.split(';').find_map(|pair| {
                let (name, value) = pair.trim().split_once('=')?;
                let value = value.trim().trim_matches('"');
                name.eq_ignore_ascii_case("for").then(|| node(value))?
            }),
        }
    }
}

/// An address, perhaps with a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn node(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Some((inner, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return inner.parse().ok();
    }
    text.rsplit_once(':')?.0.parse().ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn behind(networks: &[&str], header: ProxyHeader) -> Proxies {
        let networks = networks.iter().map(|text| text.parse().unwrap());
        Proxies::new(networks.collect(), header)
    }

    fn client(proxies: &Proxies, peer: &str, lines: &[&str]) -> String {
        let client = proxies.client(peer.parse().unwrap(), lines.iter().copied());
        client.0.to_string()
    }

    #[test]
    fn without_named_proxies_nobody_is_believed() {
        let none = Proxies::default();
        assert_eq!(client(&none, "127.0.0.1", &["192.0.2.9"]), "127.0.0.1");
        assert_eq!(client(&none, "203.0.113.5", &["192.0.2.9"]), "203.0.113.5");
    }

    #[test]
    fn only_what_a_named_proxy_appended_is_believed() {
        let proxies = behind(&["10.0.0.0/8"], ProxyHeader::XForwardedFor);
        assert_eq!(client(&proxies, "10.0.0.1", &["192.0.2.9"]), "192.0.2.9");
        let made_up = ["198.51.100.1, 10.0.0.7, 192.0.2.9"];
        assert_eq!(client(&proxies, "10.0.0.1", &made_up), "192.0.2.9");
        assert_eq!(
            client(&proxies, "203.0.113.5", &["192.0.2.9"]),
            "203.0.113.5"
        );
    }

    #[test]
    fn proxies_behind_proxies_are_walked_through_from_the_right() {
        let proxies = behind(
            &["10.0.0.0/8", "2001:db8:1::/48"],
            ProxyHeader::XForwardedFor,
        );
        let lines = ["1.1.1.1, 192.0.2.9:4711", "10.0.0.3", "2001:db8:1::5"];
        assert_eq!(client(&proxies, "10.0.0.1", &lines), "192.0.2.9");
        assert_eq!(client(&proxies, "10.0.0.1", &["10.0.0.9"]), "10.0.0.9");
    }

    #[test]
    fn what_is_no_address_ends_the_walk_at_the_proxy_that_wrote_it() {
        let proxies = behind(&["10.0.0.0/8"], ProxyHeader::XForwardedFor);
        for text in ["", "unknown", "192.0.2.9, ", "1.2.3.4.5", "[::1", "évil"] {
            assert_eq!(client(&proxies, "10.0.0.1", &[text]), "10.0.0.1", "{text}");
        }
    }

    #[test]
    fn the_header_that_is_not_chosen_is_not_read_and_forwarded_has_its_own_form() {
        let proxies = behind(&["10.0.0.0/8"], ProxyHeader::Forwarded);
        for (line, expected) in [
            ("for=192.0.2.9;proto=https", "192.0.2.9"),
            (
                "for=1.1.1.1, By=10.0.0.2; FOR=\"[2001:db8::9]:80\"",
                "2001:db8::9",
            ),
            ("for=_hidden", "10.0.0.1"),
            ("192.0.2.9", "10.0.0.1"),
        ] {
            assert_eq!(client(&proxies, "10.0.0.1", &[line]), expected, "{line}");
        }
    }

    #[test]
    fn an_address_of_ipv4_is_the_same_in_the_clothes_of_ipv6() {
        let proxies = behind(&["10.0.0.0/8"], ProxyHeader::XForwardedFor);
        let peer = "::ffff:10.0.0.1";
        assert_eq!(client(&proxies, peer, &["192.0.2.9"]), "192.0.2.9");
    }
}
