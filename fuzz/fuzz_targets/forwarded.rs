//! Whom proxies say they speak for: without named proxies nobody is believed, and what one of them wrote
//! behind a made-up beginning is believed and no more.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use libfuzzer_sys::fuzz_target;
use sealrock_access::{ClientAddress, Proxies, ProxyHeader};

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9));

fuzz_target!(|made_up: &str| {
    for (header, wrote) in [
        (ProxyHeader::XForwardedFor, "192.0.2.9"),
        (ProxyHeader::Forwarded, "for=192.0.2.9"),
    ] {
        let nobody = Proxies::new(Vec::new(), header);
        let told = nobody.client(PROXY, made_up.lines());
        assert_eq!(told, ClientAddress(PROXY));
        let named = Proxies::new(vec!["10.0.0.0/8".parse().expect("a network")], header);
        let appended = format!("{made_up}, {wrote}");
        let told = named.client(PROXY, std::iter::once(appended.as_str()));
        assert_eq!(told, ClientAddress(CLIENT));
        let told = named.client(CLIENT, made_up.lines());
        assert_eq!(told, ClientAddress(CLIENT));
    }
});
