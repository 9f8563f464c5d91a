//! Which addresses may be dialled, judged after resolution.
//!
//! Promises: a [`VettedAddr`] can be made here and nowhere else, so a socket that takes one was judged; one refused answer
//! refuses the whole answer, because a resolver that mixes public and private addresses is being used for rebinding; IPv6 is
//! accepted only inside `2000::/3`, so every form that hides an IPv4 address elsewhere (mapped, compatible, NAT64) is out.
//!
//! Sources: the IANA special-purpose registries (RFC 6890 and its updates), RFC 5214 for ISATAP.
//!
//! Must not know: resolvers, sockets, who asks.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use thiserror::Error;

use crate::host::CanonicalHost;
use crate::origin::split_port;

/// An address that was judged. The field is private: only this module makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VettedAddr(SocketAddr);

impl VettedAddr {
    /// The very address that was judged, to connect to.
    #[must_use]
    pub fn get(self) -> SocketAddr {
        self.0
    }
}

/// One address that may not be dialled, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{addr} may not be reached: {why}")]
pub struct RefusedAddress {
    /// The address in canonical form.
    pub addr: IpAddr,
    /// What kind of address it is.
    pub why: &'static str,
}

/// Why a host may not be dialled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressRefusal {
    /// The name has no address.
    #[error("`{host}` resolved to no address")]
    NoAddress {
        /// The host.
        host: String,
    },
    /// At least one of the answers is refused, so all are.
    #[error("`{host}` resolved to an address that may not be reached, so none of its addresses is used: {refused}")]
    Refused {
        /// The host.
        host: String,
        /// The first refused answer.
        refused: RefusedAddress,
    },
    /// A literal address that the operator did not grant.
    #[error("the literal address {addr} is not granted; the operator can add it to `literals`")]
    LiteralNotGranted {
        /// The address in canonical form.
        addr: IpAddr,
    },
    /// The answers are not what the literal says.
    #[error("the literal address `{host}` was given other addresses than itself")]
    NotThatLiteral {
        /// The host.
        host: String,
    },
}

/// Why a `--connect-to` was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectToError {
    /// Not of the form.
    #[error("write HOST:PORT=ADDRESS:PORT, as in `api.example.com:443=127.0.0.1:8443`")]
    Form,
    /// Not an exact host name.
    #[error("`{0}` is not an exact host name; wildcards and addresses cannot be redirected")]
    Host(String),
    /// A target that is not on this machine.
    #[error("{0} is not a loopback address; this flag only leads to this machine")]
    NotLoopback(IpAddr),
}

/// What the operator says about addresses. The default refuses every address that is not public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Refused beside the built-in classes: NAT64 prefixes, the host's own addresses.
    pub refused: Vec<IpNet>,
    /// For development: named hosts that are really on loopback. See [`AddressPolicy::with_connect_to`].
    connect_to: BTreeMap<(String, u16), SocketAddr>,
    /// Literal addresses that may stand in a URL, also private and unique local ones. Never opens loopback, link-local, multicast
    /// or broadcast, what hides an IPv4 address (NAT64, 6to4, Teredo, ISATAP), or where a cloud keeps its metadata.
    pub literals: Vec<IpAddr>,
}

impl AddressPolicy {
    /// Judges every answer of a resolution (or the literal itself).
    ///
    /// # Errors
    /// [`AddressRefusal`]; one refused answer refuses the whole.
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

    /// Where a named host is to be found in development. `None` unless the operator said so for this very host and port.
    #[must_use]
    pub fn connect_to(&self, host: &str, port: u16) -> Option<VettedAddr> {
        let Ok(CanonicalHost::Domain(name)) = CanonicalHost::parse(host) else { return None };
        self.connect_to.get(&(name, port)).copied().map(VettedAddr)
    }

    /// Adds a development override, `HOST:443=127.0.0.1:PORT`. It makes loopback reachable for that one host and port.
    ///
    /// # Errors
    /// [`ConnectToError`]: the target must be loopback, the host an exact name.
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

    /// The development overrides, so that a server can say them loudly at start.
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

/// Judges one address by its class alone and gives it back in canonical form (v4-mapped unwrapped).
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

/// First address, prefix length, class.
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

/// Where clouds keep metadata and credentials of the machine, beside the link-local addresses.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
/// The same in unique local space.
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254)];

/// What not even a granted literal opens: this machine, link-local, multicast, broadcast, a cloud's metadata, and every form that
/// hides an IPv4 address.
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
        // Of the rest, a granted IPv6 literal opens public and unique local ones: the others hide an IPv4 address.
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

/// A prefix written in v4-mapped form means the IPv4 addresses inside it.
fn contains(prefix: &IpNet, addr: IpAddr) -> bool {
    let mapped = match (prefix, addr) {
        (IpNet::V6(_), IpAddr::V4(v4)) => prefix.contains(&IpAddr::V6(v4.to_ipv6_mapped())),
        _ => false,
    };
    mapped || prefix.contains(&addr)
}

/// A host as it may arrive from a URL or a resolver: with or without brackets, in any disguise.
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn edges_of_every_class() {
        for (text, why) in [
            ("0.0.0.0", "this network"),
            ("0.255.255.255", "this network"),
            ("10.0.0.0", "private"),
            ("10.255.255.255", "private"),
            ("100.64.0.0", "shared"),
            ("100.127.255.255", "shared"),
            ("127.0.0.1", "loopback"),
            ("169.254.169.254", "link-local"),
            ("172.16.0.0", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.8", "IETF"),
            ("192.0.2.1", "documentation"),
            ("192.31.196.1", "AS112"),
            ("192.52.193.1", "AMT"),
            ("192.88.99.1", "6to4"),
            ("192.168.255.255", "private"),
            ("192.175.48.1", "AS112"),
            ("198.18.0.0", "benchmarking"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.1", "documentation"),
            ("203.0.113.1", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.0", "reserved"),
            ("255.255.255.255", "reserved"),
            ("168.63.129.16", "host agent"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:10.0.0.1", "private network (RFC 1918)"),
            ("::ffff:127.0.0.1", "loopback"),
            ("::127.0.0.1", "v4-compatible"),
            ("64:ff9b::a00:1", "NAT64"),
            ("64:ff9b::808:808", "NAT64"),
            ("64:ff9b:1::1", "NAT64"),
            ("fc00::1", "unique local"),
            ("fd00:ec2::254", "unique local"),
            ("fe80::1", "link-local"),
            ("fec0::1", "outside"),
            ("ff02::1", "multicast"),
            ("100::1", "outside"),
            ("4000::1", "outside"),
            ("2001::1", "IETF"),
            ("2001:1ff:ffff::1", "IETF"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::", "6to4"),
            ("3fff:fff::1", "documentation"),
            ("2620:4f:8000::1", "AS112"),
            ("2a00::5efe:a00:1", "ISATAP"),
            ("2a00::200:5efe:a00:1", "ISATAP"),
        ] {
            let refused = judge(ip(text)).expect_err(text);
            assert!(refused.why.contains(why), "{text}: {refused}");
        }
        for text in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "168.63.129.15",
            "168.63.129.17",
            "2000::",
            "2001:200::1",
            "2003::1",
            "2a00::1",
            "3ffe:ffff::1",
            "2620:4f:8001::1",
            "2a00::100:5efe:a00:1",
        ] {
            assert_eq!(judge(ip(text)), Ok(ip(text)));
        }
        assert_eq!(judge(ip("::ffff:8.8.8.8")), Ok(ip("8.8.8.8")));
    }

    #[test]
    fn one_refused_answer_refuses_all() {
        let policy = AddressPolicy::default();
        let vet = |answers: &[&str]| {
            let answers: Vec<_> = answers.iter().map(|text| ip(text)).collect();
            policy.vet("api.example.com", 443, &answers)
        };
        let good = vet(&["8.8.8.8", "2a00::1"]).unwrap();
        assert_eq!(
            good.iter().map(|addr| addr.get().to_string()).collect::<Vec<_>>(),
            ["8.8.8.8:443", "[2a00::1]:443"]
        );
        assert!(
            matches!(vet(&["8.8.8.8", "10.0.0.1"]), Err(AddressRefusal::Refused { refused, .. }) if refused.addr == ip("10.0.0.1"))
        );
        assert!(matches!(vet(&["10.0.0.1", "8.8.8.8"]), Err(AddressRefusal::Refused { .. })));
        assert_eq!(vet(&[]), Err(AddressRefusal::NoAddress { host: "api.example.com".to_owned() }));
    }

    #[test]
    fn what_the_operator_refuses() {
        let refused = ["2a00:64::/96", "9.9.9.9/32", "::ffff:11.0.0.0/104"].map(|net| net.parse().unwrap());
        let policy =
            AddressPolicy { refused: refused.to_vec(), literals: vec![ip("9.9.9.9")], ..AddressPolicy::default() };
        for (host, answer) in [
            ("a.example", "2a00:64::a00:1"),
            ("a.example", "9.9.9.9"),
            ("9.9.9.9", "9.9.9.9"),
            ("a.example", "11.1.2.3"),
        ] {
            assert!(
                matches!(policy.vet(host, 443, &[ip(answer)]), Err(AddressRefusal::Refused { .. })),
                "{host} {answer}"
            );
        }
        assert!(policy.vet("a.example", 443, &[ip("9.9.9.8")]).is_ok());
    }

    #[test]
    fn literals() {
        let literals =
            ["10.1.2.3", "8.8.8.8", "127.0.0.1", "169.254.169.254", "::1", "fd00::1", "64:ff9b::1"].map(ip).to_vec();
        let policy = AddressPolicy { literals, ..AddressPolicy::default() };
        for (host, answer, accepted) in [
            ("10.1.2.3", "10.1.2.3", true),
            ("0x0a010203", "10.1.2.3", true),
            ("[::ffff:10.1.2.3]", "::ffff:10.1.2.3", true),
            ("fd00::1", "fd00::1", true),
            ("[fd00::1]", "fd00::1", true),
            ("8.8.8.8", "8.8.8.8", true),
            // Not that literal, not a granted one, and never these.
            ("10.1.2.3", "10.1.2.4", false),
            ("10.1.2.4", "10.1.2.4", false),
            ("8.8.4.4", "8.8.4.4", false),
            ("127.0.0.1", "127.0.0.1", false),
            ("169.254.169.254", "169.254.169.254", false),
            ("::1", "::1", false),
            ("64:ff9b::1", "64:ff9b::1", false),
            // A name is not a literal, even when it leads to one.
            ("ten.example", "10.1.2.3", false),
        ] {
            assert_eq!(policy.vet(host, 443, &[ip(answer)]).is_ok(), accepted, "{host} {answer}");
        }
    }

    /// An operator who lists one of these gets it refused all the same, in every spelling of a URL.
    #[test]
    fn what_no_literal_opens() {
        for spellings in [
            vec!["0.0.0.0", "0", "0x0"],
            vec!["0.1.2.3"],
            vec!["127.0.0.1", "127.1", "2130706433", "0177.0.0.1"],
            vec!["127.255.255.255"],
            vec!["169.254.0.1"],
            vec!["169.254.169.254", "0xa9fea9fe", "2852039166", "169.254.43518"],
            vec!["168.63.129.16", "0xa83f8110"],
            vec!["100.100.100.200", "0x646464c8", "1684301000"],
            vec!["192.0.0.192", "0xc00000c0"],
            vec!["224.0.0.1", "239.255.255.255"],
            vec!["255.255.255.255", "0xffffffff"],
        ] {
            let address = ip(spellings[0]);
            let IpAddr::V4(v4) = address else { panic!("{address}") };
            let mapped = format!("[{}]", v4.to_ipv6_mapped());
            let hexadecimal = format!("[::ffff:{:x}:{:x}]", u32::from(v4) >> 16, u32::from(v4) & 0xffff);
            for granted in [address, IpAddr::V6(v4.to_ipv6_mapped())] {
                let policy =
                    AddressPolicy { literals: vec![granted, ip("239.255.255.255")], ..AddressPolicy::default() };
                for host in spellings.iter().copied().chain([mapped.as_str(), &hexadecimal]) {
                    let answer = literal_of(host).unwrap();
                    for answer in [answer, IpAddr::V6(v4.to_ipv6_mapped())] {
                        assert!(policy.vet(host, 443, &[answer]).is_err(), "{host} {answer}");
                    }
                }
            }
        }
        for text in [
            "::",
            "::1",
            "::7f00:1",
            "::a9fe:a9fe",
            // NAT64, by both prefixes.
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            // 6to4, Teredo, ISATAP.
            "2002:a9fe:a9fe::1",
            "2002:808:808::1",
            "2001::1",
            "2001:0:1:2:3:4:5:6",
            "2a00::5efe:a9fe:a9fe",
            "2a00::200:5efe:808:808",
            "fd00::5efe:a00:1",
            "fd00::200:5efe:a00:1",
            // Link-local, multicast, former site-local, the discard prefix.
            "fe80::1",
            "febf::1",
            "ff02::1",
            "ff0e::1",
            "fec0::1",
            "100::1",
            // Metadata of clouds.
            "fd00:ec2::254",
            "fd20:ce::254",
        ] {
            let policy = AddressPolicy { literals: vec![ip(text)], ..AddressPolicy::default() };
            let long = ip(text).to_string();
            let IpAddr::V6(v6) = ip(text) else { panic!("{text}") };
            let full = v6.segments().map(|segment| format!("{segment:04X}")).join(":");
            for host in [text.to_owned(), format!("[{text}]"), format!("[{long}]"), format!("[{full}]")] {
                assert!(policy.vet(&host, 443, &[ip(text)]).is_err(), "{host}");
            }
        }
        // Their neighbours are the operator's to open.
        for text in
            ["100.100.100.201", "168.63.129.17", "192.0.0.193", "fd00:ec2::255", "fd20:ce::255", "fd00::1", "240.0.0.1"]
        {
            let policy = AddressPolicy { literals: vec![ip(text)], ..AddressPolicy::default() };
            assert!(policy.vet(text, 443, &[ip(text)]).is_ok(), "{text}");
        }
    }

    #[test]
    fn development_overrides() {
        let policy = AddressPolicy::default()
            .with_connect_to("API.example.com:443=127.0.0.1:8443")
            .and_then(|policy| policy.with_connect_to("b.example.com:443=[::1]:9"))
            .unwrap();
        let found = |host, port| policy.connect_to(host, port).map(|addr| addr.get().to_string());
        assert_eq!(found("api.example.com.", 443).as_deref(), Some("127.0.0.1:8443"));
        assert_eq!(found("b.example.com", 443).as_deref(), Some("[::1]:9"));
        assert_eq!(found("api.example.com", 444), None);
        assert_eq!(found("x.api.example.com", 443), None);
        assert_eq!(policy.connect_to_overrides().count(), 2);
        assert!(
            policy.vet("api.example.com", 443, &[ip("127.0.0.1")]).is_err(),
            "an override opens no address for DNS"
        );

        let error = |spec: &str| AddressPolicy::default().with_connect_to(spec).unwrap_err();
        for spec in [
            "",
            "a:443",
            "a=127.0.0.1:1",
            "a:443=127.0.0.1",
            "a:0=127.0.0.1:1",
            "a:443=127.0.0.1:0",
            "a:443=localhost:1",
        ] {
            assert_eq!(error(spec), ConnectToError::Form, "{spec}");
        }
        for spec in [
            "*.example.com:443=127.0.0.1:1",
            "10.0.0.1:443=127.0.0.1:1",
            "0x7f000001:443=127.0.0.1:1",
            ":443=127.0.0.1:1",
        ] {
            assert!(matches!(error(spec), ConnectToError::Host(_)), "{spec}");
        }
        for spec in ["a.example:443=10.0.0.1:1", "a.example:443=0.0.0.0:1", "a.example:443=[::ffff:8.8.8.8]:1"] {
            assert!(matches!(error(spec), ConnectToError::NotLoopback(_)), "{spec}");
        }
    }

    fn any_address() -> impl Strategy<Value = IpAddr> {
        let v4 = any::<u32>().prop_map(|bits| IpAddr::V4(bits.into()));
        let v6 = any::<u128>().prop_map(|bits| IpAddr::V6(bits.into()));
        // Uniform IPv6 hardly ever meets the interesting prefixes, so most are drawn from near them.
        let near = (proptest::sample::select(V6_REFUSED.map(|(first, _, _)| first).to_vec()), 0u32..128, any::<u128>())
            .prop_map(|(first, shift, noise)| IpAddr::V6((first ^ (noise >> shift)).into()));
        prop_oneof![v4, v6, near]
    }

    proptest! {
        #[test]
        fn nothing_inside_a_refused_prefix_is_accepted(host_bits in any::<u128>()) {
            for (first, length, _) in V4_REFUSED {
                let bits = u32::try_from(host_bits & 0xffff_ffff).unwrap();
                let inside = first | bits.checked_shr(length).unwrap_or(0);
                prop_assert!(judge(IpAddr::V4(inside.into())).is_err());
                prop_assert!(judge(IpAddr::V6(Ipv4Addr::from(inside).to_ipv6_mapped())).is_err());
            }
            for (first, length, _) in V6_REFUSED {
                prop_assert!(judge(IpAddr::V6((first | host_bits >> length).into())).is_err());
            }
        }

        #[test]
        fn accepted_means_canonical_public_and_judged_the_same_again(address in any_address()) {
            if let Ok(accepted) = judge(address) {
                prop_assert_eq!(judge(accepted), Ok(accepted));
                match accepted {
                    IpAddr::V6(v6) => prop_assert!((0x2000..0x4000).contains(&v6.segments()[0])),
                    IpAddr::V4(v4) => prop_assert!(!v4.is_private() && !v4.is_loopback() && !v4.is_link_local()),
                }
            }
        }

        #[test]
        fn a_mapped_address_is_judged_as_ipv4(bits in any::<u32>()) {
            let v4 = Ipv4Addr::from(bits);
            prop_assert_eq!(judge(IpAddr::V6(v4.to_ipv6_mapped())), judge(IpAddr::V4(v4)));
        }

        /// The prefix arithmetic against a second implementation.
        #[test]
        fn classes_are_prefixes(address in any_address()) {
            let listed = match address.to_canonical() {
                IpAddr::V4(v4) => V4_REFUSED.iter().any(|(first, length, _)| {
                    ipnet::Ipv4Net::new((*first).into(), u8::try_from(*length).unwrap()).unwrap().contains(&v4)
                }),
                IpAddr::V6(v6) => {
                    !(0x2000..0x4000).contains(&v6.segments()[0])
                        || is_isatap(v6)
                        || V6_REFUSED.iter().any(|(first, length, _)| {
                            ipnet::Ipv6Net::new((*first).into(), u8::try_from(*length).unwrap()).unwrap().contains(&v6)
                        })
                }
            };
            prop_assert_eq!(judge(address).is_err(), listed);
        }
    }
}
