//! Which request headers a guest may set, and with which bytes.
//!
//! Headers that are not listed are refused: a header that a server, a proxy or a framework knows and we do not could change where a
//! request goes, who it seems to come from, how its body is parsed, or which part of a response comes back.
//!
//! `Accept`, `Accept-Language`, `Authorization`, `Content-Type`, `Idempotency-Key`, `User-Agent`, `Webhook-*`, and names that begin
//! with `X-`, which providers define themselves (`X-TC-Action`, `X-Ca-Key`, `X-Amz-Date`), are allowed. Those that are known to do
//! any of the above are refused by the list below. `X-Amz-*`, `X-Ms-*` and `X-Goog-*` are allowed because they contain signatures
//! and operations, except those that name another object.
//!
//! A name consists of letters, digits and hyphens: CGI and many proxies treat `-` and `_` alike, so `content_length` would be a
//! second `Content-Length`. Each name may be set once ([`check_names`]), because a server may use either of two.
//!
//! Promises: an accepted header cannot break HTTP framing, forge what only the host says about a request, or smuggle a second
//! request.
//!
//! Must not know: the meaning of a value, or whether it was sealed. Errors name the header, never its value.

use std::collections::BTreeSet;

use thiserror::Error;

/// Why a guest's header was refused. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeaderRefusal {
    /// The name is empty, too long, or contains other characters.
    #[error("a header name may hold letters, digits and hyphens alone, and has 1 to {NAME_MAX} bytes")]
    Name,
    /// A guest may not set this header.
    #[error(
        "a connector may not set the header `{name}`; allowed are `Accept`, `Accept-Language`, `Authorization`, `Content-Type`, \
         `Idempotency-Key`, `User-Agent`, `Webhook-*` and most of `X-*`"
    )]
    NotAllowed {
        /// The name in lower case.
        name: String,
    },
    /// The name occurs twice, in any case.
    #[error("the header `{name}` is set twice; a server may read either")]
    Twice {
        /// The name in lower case.
        name: String,
    },
    /// The value contains a control character (CR, LF, NUL, …), or is not UTF-8.
    #[error("a header value holds a control character or is not UTF-8; encode the value first (base64, hex, percent)")]
    Value,
}

const ALLOWED: [&str; 6] =
    ["accept", "accept-language", "authorization", "content-type", "idempotency-key", "user-agent"];
const ALLOWED_PREFIXES: [&str; 2] = ["webhook-", "x-"];

/// Headers of `X-*` that are known to change where a request goes, what it means, or who it seems to come from.
const REFUSED: [&str; 37] = [
    // A different path, host or scheme.
    "x-arr-ssl",
    "x-gateway-host",
    "x-host",
    "x-real-host",
    "x-request-uri",
    "x-scheme",
    "x-sendfile",
    "x-url-scheme",
    // A different method.
    "x-requested-method",
    "x-tunneled-method",
    "x-tunneled-verb",
    // The apparent sender of the request.
    "x-appengine-user-ip",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-client-ip",
    "x-clientip",
    "x-cluster-client-ip",
    "x-coming-from",
    "x-custom-ip-authorization",
    "x-from-ip",
    "x-ip",
    "x-ip-trail",
    "x-originating-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-remote-user",
    "x-true-client-ip",
    "x-true-ip",
    "x-user-ip",
    "x-via",
    // How the body is parsed, or which part of the response comes back.
    "x-content-encoding",
    "x-content-length",
    "x-content-type",
    "x-range",
    "x-transfer-encoding",
    "x-upload-content-type",
];
/// The same for prefixes of names.
const REFUSED_PREFIXES: [&str; 13] = [
    "x-accel-",
    "x-amz-copy-source",
    "x-amz-meta-",
    "x-amz-website-",
    "x-envoy-",
    "x-forward-",
    "x-forwarded",
    "x-goog-copy-",
    "x-http-",
    "x-method",
    "x-original-",
    "x-proxy",
    "x-rewrite-",
];
/// Maximum length of a name, in bytes. No provider's comes close.
const NAME_MAX: usize = 128;

/// Checks a header's name, in any case.
///
/// # Errors
/// [`HeaderRefusal::Name`] for an invalid name, [`HeaderRefusal::NotAllowed`] for a header that a guest may not set.
pub fn check_name(name: &str) -> Result<(), HeaderRefusal> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(is_plain) {
        return Err(HeaderRefusal::Name);
    }
    let name = name.to_ascii_lowercase();
    let starts_with = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix) && name != *prefix);
    let refused = REFUSED.contains(&name.as_str()) || REFUSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    if !refused && (ALLOWED.contains(&name.as_str()) || starts_with(&ALLOWED_PREFIXES)) {
        Ok(())
    } else {
        Err(HeaderRefusal::NotAllowed { name })
    }
}

/// Checks all header names of a request, and that each occurs once.
///
/// # Errors
/// As for [`check_name`], and [`HeaderRefusal::Twice`].
pub fn check_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<(), HeaderRefusal> {
    let mut seen = BTreeSet::new();
    for name in names {
        check_name(name)?;
        let name = name.to_ascii_lowercase();
        if !seen.insert(name.clone()) {
            return Err(HeaderRefusal::Twice { name });
        }
    }
    Ok(())
}

/// Checks a header's value as it would be sent: UTF-8 without control characters, except tabs.
///
/// # Errors
/// [`HeaderRefusal::Value`]
pub fn check_value(value: &[u8]) -> Result<(), HeaderRefusal> {
    let text = std::str::from_utf8(value).map_err(|_| HeaderRefusal::Value)?;
    if text.chars().all(|c| c == '\t' || !c.is_control()) { Ok(()) } else { Err(HeaderRefusal::Value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_a_guest_may_set() {
        for name in [
            "Accept",
            "accept-language",
            "Authorization",
            "content-type",
            "Idempotency-Key",
            "USER-AGENT",
            "webhook-id",
            "Webhook-Signature",
            "X-TC-Action",
            "X-Ca-Key",
            "X-Api-Key",
            "X-Amz-Date",
            "X-Amz-Content-Sha256",
            "X-Amz-Security-Token",
            "X-Amz-Target",
            "X-Ms-Date",
            "X-Ms-Content-Sha256",
            "X-Request-Id",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_a_guest_may_not_set() {
        for name in [
            "Host",
            "CONTENT-LENGTH",
            "connection",
            "Keep-Alive",
            "upgrade",
            "Transfer-Encoding",
            "te",
            "Trailer",
            "Expect",
            "Forwarded",
            "Via",
            "Proxy-Authorization",
            "Accept-Encoding",
            "Accept-Charset",
            "Cookie",
            "Range",
            "If-Range",
            "Content-Encoding",
            "Content-Range",
            "Content-Disposition",
            "Content-MD5",
            "Date",
            "Origin",
            "Referer",
            "Prefer",
            "SOAPAction",
            "True-Client-IP",
            "CF-Connecting-IP",
            "Fastly-Client-IP",
            "Client-IP",
            "Destination",
            "Max-Forwards",
            "Base-URL",
            "webhook-",
            "x-",
            "X-Forwarded-For",
            "x-forwarded-host",
            "X-Forwarded",
            "X-Forward-For",
            "X-HTTP-Method-Override",
            "X-HTTP-Method",
            "X-Method-Override",
            "X-Original-URL",
            "X-Original-Host",
            "X-Rewrite-URL",
            "X-Real-IP",
            "X-Client-IP",
            "X-Cluster-Client-IP",
            "X-Originating-IP",
            "X-Remote-Addr",
            "X-Host",
            "X-ProxyUser-Ip",
            "X-Proxy-URL",
            "X-Accel-Redirect",
            "X-Envoy-Original-Path",
            "X-Amz-Copy-Source",
            "X-Amz-Meta-To",
            "X-Amz-Website-Redirect-Location",
            "X-Content-Encoding",
        ] {
            assert_eq!(check_name(name), Err(HeaderRefusal::NotAllowed { name: name.to_ascii_lowercase() }), "{name}");
        }
        for name in
            ["", "a b", "a:b", "a\r\nb", "é", "a\0", " x-a", "x-a ", "x_a", "content_type", "x-a_b", "x-a.b", "x-a!"]
        {
            assert_eq!(check_name(name), Err(HeaderRefusal::Name), "{name:?}");
        }
        assert_eq!(check_name(&format!("x-{}", "a".repeat(126))), Ok(()));
        assert_eq!(check_name(&format!("x-{}", "a".repeat(127))), Err(HeaderRefusal::Name));
    }

    #[test]
    fn each_name_once() {
        assert_eq!(check_names(["Authorization", "Content-Type", "x-a", "x-b"]), Ok(()));
        for (names, name) in [
            (["Authorization", "authorization"], "authorization"),
            (["content-type", "Content-Type"], "content-type"),
            (["X-A", "x-a"], "x-a"),
        ] {
            assert_eq!(check_names(names), Err(HeaderRefusal::Twice { name: name.to_owned() }));
        }
        assert_eq!(check_names(["x-a", "range"]), Err(HeaderRefusal::NotAllowed { name: "range".to_owned() }));
    }

    #[test]
    fn every_entry_of_the_lists_matters() {
        for name in REFUSED {
            assert!(name.starts_with("x-"), "{name} is refused anyway");
            assert!(!REFUSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)), "{name}");
            assert!(check_name(name).is_err(), "{name}");
        }
        for prefix in REFUSED_PREFIXES {
            assert!(check_name(&format!("{prefix}a")).is_err(), "{prefix}");
        }
    }

    #[test]
    fn values() {
        for value in [&b""[..], b"Basic YTpi", b"a\tb", "ø".as_bytes(), "签".as_bytes()] {
            assert_eq!(check_value(value), Ok(()));
        }
        for value in [
            &b"a\r\nHost: b"[..],
            b"a\n",
            b"a\rb",
            b"\0",
            b"\x7f",
            b"\x1b[31m",
            b"\xff\xfe1\x009\x00",
            b"\xf8",
            "a\u{85}b".as_bytes(),
        ] {
            assert_eq!(check_value(value), Err(HeaderRefusal::Value));
        }
    }

    proptest! {
        #[test]
        fn no_control_character_passes(before in "[ -~]{0,20}", control in 0u8..32, after in "[ -~]{0,20}") {
            prop_assume!(control != b'\t');
            let value = [before.as_bytes(), &[control], after.as_bytes()].concat();
            prop_assert_eq!(check_value(&value), Err(HeaderRefusal::Value));
        }

        /// Whatever is not on the list is refused, however it is spelt.
        #[test]
        fn only_the_list_passes(name in "[A-Za-z-]{1,20}") {
            let lower = name.to_ascii_lowercase();
            let listed = ALLOWED.contains(&lower.as_str()) || lower.starts_with("x-") || lower.starts_with("webhook-");
            prop_assert!(listed || check_name(&name).is_err());
        }
    }
}
