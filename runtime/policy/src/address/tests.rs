//! Addresses at the edges of every class, and what no grant permits.

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
    assert_eq!(good.iter().map(|addr| addr.get().to_string()).collect::<Vec<_>>(), ["8.8.8.8:443", "[2a00::1]:443"]);
    assert!(
        matches!(vet(&["8.8.8.8", "10.0.0.1"]), Err(AddressRefusal::Refused { refused, .. }) if refused.addr == ip("10.0.0.1"))
    );
    assert!(matches!(vet(&["10.0.0.1", "8.8.8.8"]), Err(AddressRefusal::Refused { .. })));
    assert_eq!(vet(&[]), Err(AddressRefusal::NoAddress { host: "api.example.com".to_owned() }));
}

#[test]
fn what_the_operator_refuses() {
    let refused = ["2a00:64::/96", "9.9.9.9/32", "::ffff:11.0.0.0/104"].map(|net| net.parse().unwrap());
    let policy = AddressPolicy { refused: refused.to_vec(), literals: vec![ip("9.9.9.9")], ..AddressPolicy::default() };
    for (host, answer) in
        [("a.example", "2a00:64::a00:1"), ("a.example", "9.9.9.9"), ("9.9.9.9", "9.9.9.9"), ("a.example", "11.1.2.3")]
    {
        assert!(matches!(policy.vet(host, 443, &[ip(answer)]), Err(AddressRefusal::Refused { .. })), "{host} {answer}");
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
        // A name is not a literal, even if it resolves to one.
        ("ten.example", "10.1.2.3", false),
    ] {
        assert_eq!(policy.vet(host, 443, &[ip(answer)]).is_ok(), accepted, "{host} {answer}");
    }
}

/// Granting one of these has no effect, in any notation of a URL.
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
            let policy = AddressPolicy { literals: vec![granted, ip("239.255.255.255")], ..AddressPolicy::default() };
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
        // NAT64, with both prefixes.
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
        // Cloud metadata services.
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
    // The addresses next to them can be granted.
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
    assert!(policy.vet("api.example.com", 443, &[ip("127.0.0.1")]).is_err(), "an override opens no address for DNS");

    let error = |spec: &str| AddressPolicy::default().with_connect_to(spec).unwrap_err();
    for spec in
        ["", "a:443", "a=127.0.0.1:1", "a:443=127.0.0.1", "a:0=127.0.0.1:1", "a:443=127.0.0.1:0", "a:443=localhost:1"]
    {
        assert_eq!(error(spec), ConnectToError::Form, "{spec}");
    }
    for spec in
        ["*.example.com:443=127.0.0.1:1", "10.0.0.1:443=127.0.0.1:1", "0x7f000001:443=127.0.0.1:1", ":443=127.0.0.1:1"]
    {
        assert!(matches!(error(spec), ConnectToError::Host(_)), "{spec}");
    }
    for spec in ["a.example:443=10.0.0.1:1", "a.example:443=0.0.0.0:1", "a.example:443=[::ffff:8.8.8.8]:1"] {
        assert!(matches!(error(spec), ConnectToError::NotLoopback(_)), "{spec}");
    }
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    let v4 = any::<u32>().prop_map(|bits| IpAddr::V4(bits.into()));
    let v6 = any::<u128>().prop_map(|bits| IpAddr::V6(bits.into()));
    // Uniform IPv6 addresses hardly ever hit the interesting prefixes, so most are drawn from near them.
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

    /// Checks the prefix arithmetic against a second implementation.
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
