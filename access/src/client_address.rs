//! Where a request comes from.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The address of a client: of its connection, or the one that a trusted proxy tells. A listener
/// puts it into each request's extensions; where it is missing, nobody is throttled by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// What one client has at its command: an address, of IPv6 the network of 64 bits, which is what
    /// a household is given.
    #[must_use]
    pub fn network(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V6(address) => first_bits(address, 64),
            v4 @ IpAddr::V4(_) => v4,
        }
    }

    /// Of IPv6 the network of 48 bits, the most that one customer is given: 65,536 of the above.
    pub(crate) fn site(self) -> Option<IpAddr> {
        match self.0.to_canonical() {
            IpAddr::V6(address) => Some(first_bits(address, 48)),
            IpAddr::V4(_) => None,
        }
    }
}

fn first_bits(address: Ipv6Addr, bits: u32) -> IpAddr {
    let rest = 128 - bits;
    IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> rest << rest))
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_canonical().fmt(f)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn network(text: &str) -> String {
        ClientAddress(text.parse().unwrap()).network().to_string()
    }

    #[test]
    fn a_client_is_one_address_and_of_ipv6_one_network() {
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        let site = |text: &str| ClientAddress(text.parse().unwrap()).site();
        let of_v6 = site("2001:db8:1:2:3:4:5:6").map(|site| site.to_string());
        assert_eq!(of_v6.as_deref(), Some("2001:db8:1::"));
        assert_eq!(site("::ffff:192.0.2.7"), None);
    }
}
