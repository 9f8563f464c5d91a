//! The secrets of webhook endpoints, and signatures as Standard Webhooks defines them.
//!
//! Promises: a secret is sealed at rest, for its endpoint only. The type has no `Debug`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sendbox_domain::model::Timestamp;
use sendbox_store::rows::WebhookEndpointRow;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::vault::{TenantKey, VaultError, random};

/// The prefix of every secret, by which scanners for leaked secrets recognize it.
const PREFIX: &str = "whsec_";
/// Length of a key in bytes. Standard Webhooks wants 24 to 64.
const KEY: usize = 32;

/// A key that signs events.
pub(crate) struct WebhookSecret(Zeroizing<Vec<u8>>);

fn aad(endpoint: &str) -> String {
    format!("webhook-endpoint/{endpoint}/secret")
}

impl WebhookSecret {
    /// A new secret.
    pub(crate) fn new() -> Result<Self, VaultError> {
        Ok(Self(Zeroizing::new(random::<KEY>()?.to_vec())))
    }

    pub(crate) fn seal(&self, key: &TenantKey, endpoint: &str) -> Result<Vec<u8>, VaultError> {
        key.seal(&aad(endpoint), &self.0)
    }

    pub(crate) fn open(key: &TenantKey, endpoint: &str, sealed: &[u8]) -> Result<Self, VaultError> {
        key.open(&aad(endpoint), sealed).map(Self)
    }

    /// The secrets that sign now: the current one first, and the previous one while that is valid.
    pub(crate) fn of(key: &TenantKey, endpoint: &WebhookEndpointRow, now: Timestamp) -> Result<Vec<Self>, VaultError> {
        let previous = endpoint.old_secret.as_ref().filter(|_| endpoint.old_until.is_some_and(|until| now < until));
        let sealed = [&endpoint.secret].into_iter().chain(previous);
        sealed.map(|sealed| Self::open(key, &endpoint.id, sealed)).collect()
    }

    /// `whsec_` and the key in base64, as it is shown.
    pub(crate) fn text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&*self.0))
    }

    /// The secret that is shown as this text.
    fn parse(text: &str) -> Option<Self> {
        Some(Self(Zeroizing::new(STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?)))
    }

    /// `v1,` and the HMAC-SHA-256 of `id.timestamp.body` in base64.
    fn signature(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        // Accepts keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// The value of `webhook-signature`: one signature for each secret, separated by spaces.
pub(crate) fn signatures(secrets: &[WebhookSecret], id: &str, seconds: i64, body: &[u8]) -> String {
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.signature(id, seconds, body)).collect();
    signatures.join(" ")
}

/// The signature of an event, for a program that forwards it. `None`: that is not a secret.
pub fn webhook_signature(secret: &str, id: &str, seconds: i64, body: &[u8]) -> Option<String> {
    Some(WebhookSecret::parse(secret)?.signature(id, seconds, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, which its libraries test, too.
    #[test]
    fn the_example_of_standard_webhooks_is_signed() {
        let secret = WebhookSecret(Zeroizing::new(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()));
        let signed = secret.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(secret.text(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = br#"{"test": 2432232314}"#;
        let parsed = webhook_signature(&secret.text(), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(parsed, Some(signed));
        assert_eq!(webhook_signature("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "e1", 0, body), None);
    }
}
