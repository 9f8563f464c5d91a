//! Which request headers a guest may set, and with which bytes.
//!
//! Promises: what passes here cannot break HTTP framing, cannot forge what the host alone says about a request, and cannot
//! smuggle a second request.
//!
//! Must not know: the value's meaning, or whether it was sealed. Errors name the header, never its value.

use thiserror::Error;

/// Why a guest's header was refused. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeaderRefusal {
    /// The name is empty, too long or not an RFC 9110 token.
    #[error("a header name is not an RFC 9110 token; use letters, digits and hyphens")]
    Name,
    /// The host alone sets this header.
    #[error("only the host sets the header `{name}`; leave it out")]
    HostOnly {
        /// The name in lower case.
        name: String,
    },
    /// The value holds a control character (CR, LF, NUL, …).
    #[error("a header value holds a control character; encode the value first (base64, percent)")]
    Value,
}

/// Framing and connection (RFC 9110 sections 7 and 10, RFC 9112), what proxies say of a request, compression (the host
/// decodes, so the host asks), and cookies (there is no cookie jar, and a guest must not keep one).
const HOST_ONLY: [&str; 14] = [
    "host",
    "content-length",
    "connection",
    "keep-alive",
    "upgrade",
    "transfer-encoding",
    "te",
    "trailer",
    "expect",
    "forwarded",
    "via",
    "accept-encoding",
    "cookie",
    "cookie2",
];
const HOST_ONLY_PREFIXES: [&str; 2] = ["x-forwarded-", "proxy-"];
/// Longer names are refused; no provider's is near. Bytes.
const NAME_MAX: usize = 128;

/// Judges a header's name, in any case.
///
/// # Errors
/// [`HeaderRefusal::Name`] for what is no token, [`HeaderRefusal::HostOnly`] for what the host alone sets.
pub fn check_name(name: &str) -> Result<(), HeaderRefusal> {
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(is_token_byte) {
        return Err(HeaderRefusal::Name);
    }
    let name = name.to_ascii_lowercase();
    if HOST_ONLY.contains(&name.as_str()) || HOST_ONLY_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(HeaderRefusal::HostOnly { name });
    }
    Ok(())
}

/// Judges a header's value as it would leave: visible ASCII, space, tab and `obs-text` (RFC 9110 section 5.5).
///
/// # Errors
/// [`HeaderRefusal::Value`] for any control character.
pub fn check_value(value: &[u8]) -> Result<(), HeaderRefusal> {
    if value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..)) {
        Ok(())
    } else {
        Err(HeaderRefusal::Value)
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names() {
        for name in ["Authorization", "content-type", "X-TC-Action", "webhook-id", "x-forward", "expected"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
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
            "X-Forwarded-For",
            "x-forwarded-host",
            "Via",
            "Proxy-Authorization",
            "proxy-x",
            "Accept-Encoding",
            "Cookie",
            "cookie2",
        ] {
            assert_eq!(check_name(name), Err(HeaderRefusal::HostOnly { name: name.to_ascii_lowercase() }), "{name}");
        }
        for name in ["", "a b", "a:b", "a\r\nb", "é", "a\0", " host", "host "] {
            assert_eq!(check_name(name), Err(HeaderRefusal::Name), "{name:?}");
        }
        assert_eq!(check_name(&"a".repeat(129)), Err(HeaderRefusal::Name));
    }

    #[test]
    fn values() {
        for value in [&b""[..], b"Basic YTpi", b"a\tb", "ø".as_bytes()] {
            assert_eq!(check_value(value), Ok(()));
        }
        for value in [&b"a\r\nHost: b"[..], b"a\n", b"a\rb", b"\0", b"\x7f", b"\x1b[31m"] {
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
    }
}
