//! JSON Web Tokens (RFC 7519) in compact form (RFC 7515), which providers use to sign callbacks.
//!
//! The claims of a token are in base64url, so a number in them is not a run of digits. Therefore the host removes tokens from what
//! a connector may read ([`without_tokens`]), verifies a token on request, and reads its claims itself ([`claims`]).
//!
//! Promises: only HS256 and HS512 are accepted; signatures are compared in constant time. Times (`exp`, `nbf`) are not checked,
//! because providers repeat a callback for days.
//!
//! This module is pure. It must not know wasmtime, labels or callbacks.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

/// The mask of a token.
const MASK: &str = "[jwt]";
/// Minimum length of a segment with any content.
const SHORTEST_SEGMENT: usize = 8;
/// How claims begin in base64url: `{` and a quotation mark or a space (`ey`), or a line break or a tab (`ew`).
const OBJECT: [&str; 2] = ["ey", "ew"];

/// The JOSE header. A duplicate member is an error.
#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Critical extensions (RFC 7515, section 4.1.11). None are supported.
    crit: Option<IgnoredAny>,
}

/// The claims of a token that is signed under `key`, as JSON text; `None` for anything else.
pub fn claims(token: &[u8], key: &[u8]) -> Option<Zeroizing<String>> {
    let token = std::str::from_utf8(token).ok()?;
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
    let signature = decode(signature)?;
    // The token itself names the algorithm, so only algorithms that need the key are accepted.
    let authentic = match header.alg.as_str() {
        "HS256" => verifies::<Hmac<sha2::Sha256>>(key, signed.as_bytes(), &signature),
        "HS512" => verifies::<Hmac<sha2::Sha512>>(key, signed.as_bytes(), &signature),
        _ => false,
    };
    if !authentic || header.crit.is_some() {
        return None;
    }
    let payload = decode(payload)?;
    let claims = std::str::from_utf8(&payload).ok()?;
    serde_json::from_str::<BTreeMap<String, IgnoredAny>>(claims).ok()?;
    Some(Zeroizing::new(claims.to_owned()))
}

fn decode(segment: &str) -> Option<Zeroizing<Vec<u8>>> {
    URL_SAFE_NO_PAD.decode(segment).ok().map(Zeroizing::new)
}

/// Verifies in constant time.
fn verifies<M: Mac + KeyInit>(key: &[u8], data: &[u8], signature: &[u8]) -> bool {
    M::new_from_slice(key).is_ok_and(|mac| mac.chain_update(data).verify_slice(signature).is_ok())
}

/// Replaces each token in a text by `[jwt]`.
pub(crate) fn without_tokens(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some((start, end)) = next_run(text, from) {
        let run = text.get(start..end).unwrap_or_default();
        if holds_token(run) {
            clean.push_str(text.get(copied..start).unwrap_or_default());
            clean.push_str(MASK);
            copied = end;
        }
        from = end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(clean)
}

/// The range of the next run of base64url segments and dots.
fn next_run(text: &str, from: usize) -> Option<(usize, usize)> {
    let of_token = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let rest = text.get(from..)?;
    let start = from + rest.find(of_token)?;
    let run = text.get(start..)?;
    Some((start, start + run.find(|character| !of_token(character)).unwrap_or(run.len())))
}

/// Decides by the middle segment, which contains what must be hidden: host names and ids have long segments, too.
fn holds_token(run: &str) -> bool {
    let segments: Vec<&str> = run.split('.').collect();
    segments.windows(3).any(|three| {
        three.iter().all(|segment| segment.len() >= SHORTEST_SEGMENT)
            && three.get(1).is_some_and(|payload| OBJECT.iter().any(|start| payload.starts_with(start)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.1.
    const RFC: [&str; 3] = [
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    ];
    const RFC_KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

    fn token(header: &str, payload: &[u8], key: &[u8]) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap().chain_update(&signed);
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    fn read(token: &str, key: &[u8]) -> Option<String> {
        claims(token.as_bytes(), key).map(|claims| claims.to_string())
    }

    #[test]
    fn published_tokens_are_read() {
        let key = URL_SAFE_NO_PAD.decode(RFC_KEY).unwrap();
        let want = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        assert_eq!(read(&RFC.join("."), &key).as_deref(), Some(want));
        // Made apart from this code, with Python's `hmac`: HS512 under `secret`.
        let sha512 = "eyJhbGciOiJIUzUxMiJ9.eyJpZCI6MSwibXNpc2RuIjo0NTEyMzQ1Njc4fQ.I2kR9Eq96bPz37hfaGP6iFUfDaViDKYkTJLdgIgHk-7VP9IibrujWU6RiRWBKsff0Q76QUPa5H7i8NFYjZdvWg";
        assert_eq!(read(sha512, b"secret").as_deref(), Some(r#"{"id":1,"msisdn":4512345678}"#));
    }

    #[test]
    fn anything_else_is_not() {
        let good = r#"{"alg":"HS256"}"#;
        assert_eq!(read(&token(good, b"{}", b"k"), b"k").as_deref(), Some("{}"));
        let [header, payload, signature] = RFC;
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let cut = token(good, b"{}", b"k");
        for (case, key) in [
            (token(good, b"{}", b"k"), "K"),
            (token(good, b"{}", b"k"), ""),
            (token(r#"{"alg":"HS512"}"#, b"{}", b"k"), "k"),
            (token(r#"{"alg":"hs256"}"#, b"{}", b"k"), "k"),
            (token(r#"{"alg":"RS256"}"#, b"{}", b"k"), "k"),
            (token(r#"{"alg":"none"}"#, b"{}", b"k"), "k"),
            (token(r#"{"alg":"none","alg":"HS256"}"#, b"{}", b"k"), "k"),
            (token(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, b"{}", b"k"), "k"),
            (token(r#"{"typ":"JWT"}"#, b"{}", b"k"), "k"),
            (token("HS256", b"{}", b"k"), "k"),
            (token(good, b"[]", b"k"), "k"),
            (token(good, b"7", b"k"), "k"),
            (token(good, b"{", b"k"), "k"),
            (token(good, b"\xFF", b"k"), "k"),
            (format!("Bearer {}", token(good, b"{}", b"k")), "k"),
            (format!("{}=", token(good, b"{}", b"k")), "k"),
            (format!("{}.x", token(good, b"{}", b"k")), "k"),
            (cut.trim_end_matches(|character| character != '.').to_owned(), "k"),
            (format!("{none}.{payload}."), "k"),
            (format!("{none}.{payload}.{signature}"), "k"),
            (format!("{header}.{payload}"), "k"),
            (String::new(), "k"),
            ("..".into(), "k"),
        ] {
            assert_eq!(read(&case, key.as_bytes()), None, "{case}");
        }
    }

    #[test]
    fn tokens_are_taken_out_and_nothing_else() {
        let token = RFC.join(".");
        for (text, want) in [
            (token.clone(), "[jwt]"),
            (format!("Bearer {token}"), "Bearer [jwt]"),
            (format!(r#"{{"a":"{token}","b":"{token}"}}"#), r#"{"a":"[jwt]","b":"[jwt]"}"#),
            (format!("https://a.example/r?t={token}&x=ü"), "https://a.example/r?t=[jwt]&x=ü"),
            // Glued to a word, or with more segments: still readable, so still hidden.
            (format!("v1-{token}"), "[jwt]"),
            (format!("a.{token}.b"), "[jwt]"),
            (
                "https://sendbox-12345678.europe-west1.cloudfunctions.net/r".into(),
                "https://sendbox-12345678.europe-west1.cloudfunctions.net/r",
            ),
            ("10.0.0.1 v1.2.3 1.5 SM0123456789abcdef.9006".into(), "10.0.0.1 v1.2.3 1.5 SM0123456789abcdef.9006"),
            (String::new(), ""),
        ] {
            assert_eq!(without_tokens(&text), want, "{text}");
        }
    }
}
