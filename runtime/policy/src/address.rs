//! Which addresses may be dialled, checked after resolution.
//!
//! Promises: only this module can create a [`VettedAddr`], so a socket that takes one has been vetted; one refused address refuses
//! the whole answer, because a resolver that mixes public and private addresses is being used for DNS rebinding; IPv6 is accepted
//! only inside `2000::/3`, which excludes every other form that embeds an IPv4 address (mapped, compatible, NAT64).
//!
//! Sources: the IANA special-purpose registries (RFC 6890 and its updates), RFC 5214 for ISATAP.
//!
//! Must not know: resolvers, sockets, callers.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use thiserror::Error;

use crate::grant::OperatorPolicy;
use crate::host::CanonicalHost;
use crate::origin::split_port;

/// A vetted address. The field is private, so only this module can create one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VettedAddr(SocketAddr);

impl VettedAddr {
    /// The vetted address, to connect to.
    #[must_use]
    pub fn get(self) -> SocketAddr {
        self.0
    }
}

/// An address that may not be dialled, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{addr} may not be reached: {why}")]
pub struct RefusedAddress {
    /// The address in canonical form.
    pub addr: IpAddr,
    /// The class of the address.
    pub why: &'static str,
}

/// Why a host may not be dialled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressRefusal {
    /// The name resolved to no address.
    #[error("`{host}` resolved to no address")]
    NoAddress {
        /// The host.
        host: String,
    },
    /// At least one of the addresses is refused, so all are.
    #[error("`{host}` resolved to an address that may not be reached, so none of its addresses is used: {refused}")]
    Refused {
        /// The host.
        host: String,
        /// The first refused address.
        refused: RefusedAddress,
    },
    /// A literal address that the operator has not granted.
    #[error("the literal address {addr} is not granted; the operator can add it to `literals`")]
    LiteralNotGranted {
        /// The address in canonical form.
        addr: IpAddr,
    },
    /// The resolved addresses differ from the literal.
    #[error("the literal address `{host}` was given other addresses than itself")]
    NotThatLiteral {
        /// The host.
        host: String,
    },
}

/// Why a `--connect-to` was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectToError {
    /// The value does not have the right form.
    #[error("write HOST:PORT=ADDRESS:PORT, as in `api.example.com:443=127.0.0.1:8443`")]
    Form,
    /// The host is not an exact name.
    #[error("`{0}` is not an exact host name; wildcards and addresses cannot be redirected")]
    Host(String),
    /// The target is not a loopback address.
    #[error("{0} is not a loopback address; this flag only leads to this machine")]
    NotLoopback(IpAddr),
}

/// The operator's rules for addresses. The default refuses every address that is not public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Prefixes that are refused in addition to the built-in classes: NAT64 prefixes, the host's own addresses.
    pub refused: Vec<IpNet>,
    /// For development: named hosts that are really on loopback. See [`AddressPolicy::with_connect_to`].
    connect_to: BTreeMap<(String, u16), SocketAddr>,
    /// Literal addresses that a URL may contain, including private and unique local ones. Never permits loopback, link-local,
    /// multicast or broadcast addresses, forms that embed an IPv4 address (NAT64, 6to4, Teredo, ISATAP), or the metadata services
    /// of clouds. See [`AddressPolicy::with_operator`].
    literals: Vec<IpAddr>,
}

impl AddressPolicy {
    /// Permits the literal addresses that the operator grants. There is no other way to grant one, so the operator policy and the
    /// address policy always agree.
    #[must_use]
    pub fn with_operator(mut self, operator: &OperatorPolicy) -> Self {
        self.literals.extend(&operator.literals);
        self
    }
    /// Vets every address of a resolution, or the literal itself.
    ///
    /// # Errors
    /// [`AddressRefusal`]; one refused address refuses them all.
    pub fn vet(&self, host: &str, port: u16, answers: &[IpAddr]) -> Result<Vec<VettedAddr>, AddressRefusal> {
        if answers.is_empty() {
            return Err(AddressRefusal::NoAddress { host: host.to_owned() });
        }
        let literal = literal_of(host);
        if let Some(addr) = literal {
            if !self.grants_literal(addr) {
                return Err(AddressRefusal::LiteralNotGranted { addr });
            }
            if answers.iter().any(|answer| answer.to_canonical() != addr) {
                return Err(AddressRefusal::NotThatLiteral { host: host.to_owned() });
            }
        }
        answers
            .iter()
            .map(|answer| {
                self.judge(*answer, literal.is_some())
                    .map(|addr| VettedAddr(SocketAddr::new(addr, port)))
                    .map_err(|refused| AddressRefusal::Refused { host: host.to_owned(), refused })
            })
            .collect()
    }

    /// Where a named host is in development. `None` unless the operator configured this host and port.
    #[must_use]
    pub fn connect_to(&self, host: &str, port: u16) -> Option<VettedAddr> {
        let Ok(CanonicalHost::Domain(name)) = CanonicalHost::parse(host) else { return None };
        self.connect_to.get(&(name, port)).copied().map(VettedAddr)
    }

    /// Adds a development override, `HOST:443=127.0.0.1:PORT`, which makes loopback reachable for that host and port only.
    ///
    /// # Errors
    /// [`ConnectToError`]: the target must be loopback, and the host an exact name.
    pub fn with_connect_to(mut self, spec: &str) -> Result<Self, ConnectToError> {
        let (from, to) = spec.split_once('=').ok_or(ConnectToError::Form)?;
        let (host, port) = split_port(from).map_err(|_| ConnectToError::Form)?;
        let port = port.ok_or(ConnectToError::Form)?;
        let name = match CanonicalHost::parse(host) {
            Ok(CanonicalHost::Domain(name)) if !name.contains('*') => name,
            _ => return Err(ConnectToError::Host(host.to_owned())),
        };
        let target: SocketAddr = to.parse().map_err(|_| ConnectToError::Form)?;
        if target.port() == 0 {
            return Err(ConnectToError::Form);
        }
        if !target.ip().to_canonical().is_loopback() {
            return Err(ConnectToError::NotLoopback(target.ip()));
        }
        self.connect_to.insert((name, port), target);
        Ok(self)
    }

    /// The development overrides, so that a server can warn about them at start.
    pub fn connect_to_overrides(&self) -> impl Iterator<Item = (&str, u16, SocketAddr)> {
        self.connect_to.iter().map(|((host, port), target)| (host.as_str(), *port, *target))
    }

    fn grants_literal(&self, addr: IpAddr) -> bool {
        self.literals.iter().any(|granted| granted.to_canonical() == addr)
    }

    fn judge(&self, answer: IpAddr, granted_literal: bool) -> Result<IpAddr, RefusedAddress> {
        let addr = answer.to_canonical();
        if self.refused.iter().any(|prefix| contains(prefix, addr)) {
            return Err(RefusedAddress { addr, why: "refused by the operator" });
        }
        match judge(addr) {
            Err(refused) if granted_literal && !is_never_granted(addr) => Ok(refused.addr),
            verdict => verdict,
        }
    }
}

/// Checks the class of an address and returns its canonical form (with IPv4-mapped addresses unwrapped).
///
/// # Errors
/// [`RefusedAddress`] with the class.
pub fn judge(addr: IpAddr) -> Result<IpAddr, RefusedAddress> {
    let addr = addr.to_canonical();
    let why = match addr {
        IpAddr::V4(v4) => refused_class(&V4_REFUSED, u32::from(v4)),
        IpAddr::V6(v6) if !is_global_unicast(v6) => Some(outside_global_unicast(v6)),
        IpAddr::V6(v6) if is_isatap(v6) => Some("ISATAP, which hides an IPv4 address (RFC 5214)"),
        IpAddr::V6(v6) => refused_class(&V6_REFUSED, u128::from(v6)),
    };
    match why {
        Some(why) => Err(RefusedAddress { addr, why }),
        None => Ok(addr),
    }
}

/// First address, prefix length, name of the class.
type Class<A> = (A, u32, &'static str);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> u32 {
    u32::from_be_bytes([a, b, c, d])
}

const V4_REFUSED: [Class<u32>; 19] = [
    (v4(0, 0, 0, 0), 8, "this network (RFC 791)"),
    (v4(10, 0, 0, 0), 8, "private network (RFC 1918)"),
    (v4(100, 64, 0, 0), 10, "shared address space (RFC 6598)"),
    (v4(127, 0, 0, 0), 8, "loopback (RFC 1122)"),
    (v4(169, 254, 0, 0), 16, "link-local, where clouds keep their metadata (RFC 3927)"),
    (v4(172, 16, 0, 0), 12, "private network (RFC 1918)"),
    (v4(192, 0, 0, 0), 24, "IETF protocol assignments (RFC 6890)"),
    (v4(192, 0, 2, 0), 24, "documentation (RFC 5737)"),
    (v4(192, 31, 196, 0), 24, "AS112 (RFC 7535)"),
    (v4(192, 52, 193, 0), 24, "AMT (RFC 7450)"),
    (v4(192, 88, 99, 0), 24, "6to4 relay (RFC 7526)"),
    (v4(192, 168, 0, 0), 16, "private network (RFC 1918)"),
    (v4(192, 175, 48, 0), 24, "AS112 (RFC 7534)"),
    (v4(198, 18, 0, 0), 15, "benchmarking (RFC 2544)"),
    (v4(198, 51, 100, 0), 24, "documentation (RFC 5737)"),
    (v4(203, 0, 113, 0), 24, "documentation (RFC 5737)"),
    (v4(224, 0, 0, 0), 4, "multicast (RFC 5771)"),
    (v4(240, 0, 0, 0), 4, "reserved (RFC 1112)"),
    (v4(168, 63, 129, 16), 32, "a cloud's host agent"),
];

const V6_REFUSED: [Class<u128>; 5] = [
    (0x2001_0000 << 96, 23, "IETF protocol assignments, Teredo among them (RFC 2928)"),
    (0x2001_0db8 << 96, 32, "documentation (RFC 3849)"),
    (0x2002 << 112, 16, "6to4, which hides an IPv4 address (RFC 3056)"),
    (0x3fff << 112, 20, "documentation (RFC 9637)"),
    (0x2620_004f_8000 << 80, 48, "AS112 (RFC 7534)"),
];

trait Bits: Copy + PartialEq + std::ops::BitXor<Output = Self> {
    fn leading_zeros(self) -> u32;
}
impl Bits for u32 {
    fn leading_zeros(self) -> u32 {
        self.leading_zeros()
    }
}
impl Bits for u128 {
    fn leading_zeros(self) -> u32 {
        self.leading_zeros()
    }
}

fn refused_class<A: Bits>(classes: &[Class<A>], address: A) -> Option<&'static str> {
    classes.iter().find(|(first, length, _)| (*first ^ address).leading_zeros() >= *length).map(|(_, _, why)| *why)
}

fn is_global_unicast(address: Ipv6Addr) -> bool {
    u128::from(address) >> 125 == 0b001
}

fn is_isatap(address: Ipv6Addr) -> bool {
    let [_, _, _, _, high, low, _, _] = address.segments();
    matches!(high, 0x0000 | 0x0200) && low == 0x5efe
}

fn outside_global_unicast(address: Ipv6Addr) -> &'static str {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "unspecified (RFC 4291)",
        [0, 0, 0, 0, 0, 0, 0, 1] => "loopback (RFC 4291)",
        [0, 0, 0, 0, 0, 0, _, _] => "v4-compatible, which hides an IPv4 address (RFC 4291)",
        [0x0064, 0xff9b, ..] => "NAT64, which hides an IPv4 address (RFC 6052, RFC 8215)",
        [first, ..] if first & 0xfe00 == 0xfc00 => "unique local (RFC 4193)",
        [first, ..] if first & 0xffc0 == 0xfe80 => "link-local (RFC 4291)",
        [first, ..] if first & 0xff00 == 0xff00 => "multicast (RFC 4291)",
        _ => "outside 2000::/3, where no public address lies (RFC 4291)",
    }
}

/// IPv4 addresses of cloud metadata services that are not link-local.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
/// The same for unique local IPv6 addresses.
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254)];

/// What even a grant cannot permit: this machine, link-local, multicast and broadcast addresses, cloud metadata services, and every
/// form that embeds an IPv4 address.
fn is_never_granted(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(v4) => {
            v4.octets().starts_with(&[0])
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || METADATA_V4.contains(&v4)
        }
        // Of the other classes, a grant permits public and unique local IPv6 addresses: the rest embed an IPv4 address.
        IpAddr::V6(v6) => {
            (!is_global_unicast(v6) && !v6.is_unique_local())
                || METADATA_V6.contains(&v6)
                || is_isatap(v6)
                || hides_v4(v6)
        }
    }
}

/// 6to4 and Teredo.
fn hides_v4(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [0x2002, ..] | [0x2001, 0, ..])
}

/// Whether a prefix contains an address. A prefix in v4-mapped form means the IPv4 addresses in it.
fn contains(prefix: &IpNet, addr: IpAddr) -> bool {
    let mapped = match (prefix, addr) {
        (IpNet::V6(_), IpAddr::V4(v4)) => prefix.contains(&IpAddr::V6(v4.to_ipv6_mapped())),
        _ => false,
    };
    mapped || prefix.contains(&addr)
}

/// The literal address in a host from a URL or a resolver, with or without brackets and in any notation.
fn literal_of(host: &str) -> Option<IpAddr> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    match CanonicalHost::parse(host) {
        Ok(CanonicalHost::Address(address)) => Some(address),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
