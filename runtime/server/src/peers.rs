//! Whom connections and requests come from, and how many of them one address may have.
//!
//! Promises
//! - one address has no more than a quarter of the connections, and of the requests in progress;
//! - what a proxy of the operator says of its clients is believed, and what anybody else says is not;
//! - an IPv6 network of 64 bits counts as one address: whoever has one address of it has all of them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// The maximum number of connections. Further ones wait in the kernel's queue.
pub(crate) const MAX_CONNECTIONS: usize = 4096;
/// The maximum number of connections, and of requests in progress, of one address.
pub(crate) const MAX_OF_ADDRESS: usize = MAX_CONNECTIONS / 4;
/// Which clients a request has passed on its way, the last one added by the proxy that is connected.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies in front of the server.
#[derive(Clone, Debug)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Proxies with these addresses, and those on this machine.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks.into())
    }

    fn contain(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.0.iter().any(|network| network.contains(&address))
    }

    /// The address of whoever opened a connection. `None` if it is a proxy, which does so for its clients.
    pub(crate) fn direct_client(&self, peer: IpAddr) -> Option<IpAddr> {
        let peer = peer.to_canonical();
        (!self.contain(peer)).then(|| network_of(peer))
    }

    /// The address that a request comes from. `None` if it comes from a proxy that does not say for whom.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if let Some(client) = self.direct_client(peer) {
            return Some(client);
        }
        // Each proxy adds the address that it sees at the end, so the last one that is no proxy is the client.
        headers
            .get_all(FORWARDED_FOR)
            .iter()
            .rev()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.rsplit(','))
            .map_while(|entry| entry.trim().parse::<IpAddr>().ok())
            .map(|address| address.to_canonical())
            .find(|address| !self.contain(*address))
            .map(network_of)
    }
}

impl Default for TrustedProxies {
    /// Proxies on this machine.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// The address, or the network of an IPv6 address, that limits apply to.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
    }
}

/// Where a request comes from, if that is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) Option<IpAddr>);

/// How many connections or requests each address has.
#[derive(Default)]
pub(crate) struct CountByAddress(Mutex<HashMap<IpAddr, usize>>);

/// One of them, until it is dropped.
pub(crate) struct Counted {
    counts: Arc<CountByAddress>,
    address: IpAddr,
}

impl CountByAddress {
    /// Counts one more, or `None` if the address has as many as it may.
    pub(crate) fn add(self: &Arc<Self>, address: IpAddr) -> Option<Counted> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= MAX_OF_ADDRESS {
            return None;
        }
        *count += 1;
        Some(Counted { counts: Arc::clone(self), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&self.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn forwarded(headers: &[&str]) -> HeaderMap {
        headers.iter().map(|value| (FORWARDED_FOR, value.parse().unwrap())).collect()
    }

    #[test]
    fn a_client_is_whom_the_last_proxy_of_the_operator_names() {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        for (peer, headers, client) in [
            ("198.51.100.7", &[][..], Some("198.51.100.7")),
            ("198.51.100.7", &["203.0.113.9"], Some("198.51.100.7")),
            ("::ffff:198.51.100.7", &[], Some("198.51.100.7")),
            ("10.0.0.1", &[], None),
            ("10.0.0.1", &["203.0.113.9"], Some("203.0.113.9")),
            ("127.0.0.1", &["203.0.113.9"], Some("203.0.113.9")),
            ("10.0.0.1", &["192.0.2.1, 203.0.113.9"], Some("203.0.113.9")),
            ("10.0.0.1", &["203.0.113.9, 10.0.0.2"], Some("203.0.113.9")),
            ("10.0.0.1", &["192.0.2.1", "203.0.113.9,10.0.0.2"], Some("203.0.113.9")),
            // A name that the proxy did not write stands for nobody, and what is before it was written by a client.
            ("10.0.0.1", &["203.0.113.9, unknown"], None),
            ("10.0.0.1", &["unknown, 203.0.113.9"], Some("203.0.113.9")),
            ("10.0.0.1", &["2001:db8:1:2:3:4:5:6"], Some("2001:db8:1:2::")),
            ("2001:db8:1:2:ffff::1", &[], Some("2001:db8:1:2::")),
        ] {
            let found = proxies.client(address(peer), &forwarded(headers));
            assert_eq!(found, client.map(address), "{peer} {headers:?}");
        }
    }

    #[test]
    fn one_address_has_a_quarter() {
        let counts = Arc::new(CountByAddress::default());
        let all: Vec<_> = (0..MAX_OF_ADDRESS).map(|_| counts.add(address("192.0.2.1")).unwrap()).collect();
        assert!(counts.add(address("192.0.2.1")).is_none());
        assert!(counts.add(address("192.0.2.2")).is_some());
        drop(all);
        assert!(counts.0.lock().unwrap().is_empty());
        assert!(counts.add(address("192.0.2.1")).is_some());
    }
}
