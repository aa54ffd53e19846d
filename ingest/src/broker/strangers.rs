//! Those who have not signed in yet: how often they may come from one address, and how many at a time.

use std::net::IpAddr;
use std::num::NonZeroU32;

use sealrock_access::{ClientAddress, Proxies, RateLimit, Share, Shares};

/// What one address may do before anybody has signed in there. A plant behind one address connects at
/// once after an outage, so both bounds are wide; who has signed in counts no more.
#[derive(Debug, Clone)]
pub struct StrangerTerms {
    /// Connections in a second, with ten seconds' worth at once; unlimited without it.
    pub per_second: Option<NonZeroU32>,
    /// Sockets that are open and not signed in.
    pub sockets: usize,
    /// Each of these speaks for many, and has no limit of its own.
    pub proxies: Proxies,
}

impl Default for StrangerTerms {
    /// A tenth of the places, and any rate.
    fn default() -> Self {
        Self {
            per_second: None,
            sockets: 1_000,
            proxies: Proxies::default(),
        }
    }
}

/// What addresses have of it.
pub(super) struct Strangers {
    rate: Option<RateLimit<IpAddr>>,
    sockets: Shares<IpAddr>,
    terms: StrangerTerms,
}

impl Strangers {
    pub(super) fn new(terms: StrangerTerms) -> Self {
        Self {
            rate: terms.per_second.map(RateLimit::new),
            sockets: Shares::default(),
            terms,
        }
    }

    /// A place for a socket until it has signed in; a proxy needs none.
    ///
    /// # Errors
    /// The counter's label for what its address has too much of.
    pub(super) fn admit(&self, peer: IpAddr) -> Result<Option<Share<IpAddr>>, &'static str> {
        if self.terms.proxies.trusts(peer) {
            return Ok(None);
        }
        let network = ClientAddress(peer).network();
        let rate = self.rate.as_ref();
        if rate.is_some_and(|rate| rate.take(&network).is_err()) {
            return Err("address-rate");
        }
        let place = self.sockets.take(network, self.terms.sockets);
        place.map(Some).ok_or("address-connections")
    }
}
