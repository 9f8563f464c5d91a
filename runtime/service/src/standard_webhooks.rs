//! Standard Webhooks (<https://www.standardwebhooks.com>): how a secret is written, and what is signed. Events are signed this way, and calls of
//! an ingress verified.
//!
//! Must not know: whose secret it is, and where it is stored.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The prefix of every secret, by which scanners for leaked secrets recognize it.
pub(crate) const PREFIX: &str = "whsec_";
/// The version of a signature: HMAC-SHA-256.
const VERSION: &str = "v1,";
/// Minimum and maximum size of a key, in bytes. The specification wants 24 to 64.
const KEY: std::ops::RangeInclusive<usize> = 16..=96;
/// Maximum number of signatures of a request.
const MAX_SIGNATURES: usize = 8;

/// A key, as it is shown: `whsec_` and base64.
pub(crate) fn secret_of(key: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(key))
}

/// The key in a secret: base64 behind `v1,whsec_`, as Supabase writes it, `whsec_` or nothing.
pub(crate) fn key_of(secret: &str) -> Option<Zeroizing<Vec<u8>>> {
    let secret = secret.strip_prefix(VERSION).unwrap_or(secret);
    let encoded = secret.strip_prefix(PREFIX).unwrap_or(secret);
    // With or without padding: secrets are copied from other systems.
    let key = Zeroizing::new(STANDARD_NO_PAD.decode(encoded.trim_end_matches('=')).ok()?);
    KEY.contains(&key.len()).then_some(key)
}

/// What is signed: `id.timestamp.body`, in pieces.
pub(crate) fn signed<'a>(id: &'a str, seconds: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", seconds.as_bytes(), b".", body]
}

/// The signature under a key: `v1,` and base64.
pub(crate) fn signature(key: &[u8], signed: &[&[u8]]) -> String {
    // Accepts keys of any length.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    let mac = signed.iter().fold(mac, |mac, part| mac.chain_update(part));
    format!("{VERSION}{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// The signatures in `webhook-signature`. They are separated by spaces; Supabase adds commas.
pub(crate) fn signatures_in(header: &str) -> Vec<Vec<u8>> {
    let decode = |piece: &str| STANDARD.decode(piece.trim_end_matches(',').strip_prefix(VERSION)?).ok();
    header.split_ascii_whitespace().filter_map(decode).take(MAX_SIGNATURES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, which its libraries test, too.
    #[test]
    fn the_example_of_the_specification_is_signed() {
        let key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature(&key, &signed), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(secret_of(&key), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }

    #[test]
    fn keys_are_read_in_every_spelling() {
        let encoded = STANDARD.encode([7_u8; 25]);
        let bare = encoded.trim_end_matches('=');
        for secret in [format!("v1,whsec_{encoded}"), format!("whsec_{encoded}"), bare.to_owned()] {
            assert_eq!(key_of(&secret).as_deref().map(Vec::as_slice), Some(&[7_u8; 25][..]), "{secret}");
        }
        for secret in ["whsec_", "v1,whsec_AAAA", "v1,whsec_not base64 at all!!", &"A".repeat(400)] {
            assert!(key_of(secret).is_none(), "{secret}");
        }
    }

    #[test]
    fn signatures_are_read_with_and_without_commas() {
        for (header, count) in [("v1,AAAA v1,BBBB", 2), ("v1,AAAA, v1,BBBB", 2), ("v2,AAAA v1,BBBB", 1), ("AAAA", 0)] {
            assert_eq!(signatures_in(header).len(), count, "{header}");
        }
        assert_eq!(signatures_in(&"v1,AAAA ".repeat(100)).len(), MAX_SIGNATURES);
    }
}
