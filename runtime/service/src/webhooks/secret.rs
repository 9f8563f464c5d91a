//! The secrets of webhook endpoints, and the signatures of their events.
//!
//! Promises: a secret is sealed at rest, for its endpoint only. The type has no `Debug`.

use sendbox_domain::model::Timestamp;
use sendbox_store::rows::WebhookEndpointRow;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::standard_webhooks::{self, PREFIX};
use crate::vault::{TenantKey, VaultError, random};

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
        standard_webhooks::secret_of(&self.0)
    }

    /// The secret that is shown as this text.
    fn parse(text: &str) -> Option<Self> {
        text.starts_with(PREFIX).then(|| standard_webhooks::key_of(text)).flatten().map(Self)
    }

    /// `v1,` and the HMAC-SHA-256 of `id.timestamp.body` in base64.
    fn signature(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        standard_webhooks::signature(&self.0, &standard_webhooks::signed(id, &seconds.to_string(), body))
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

    #[test]
    fn a_program_that_forwards_signs_like_the_service() {
        let secret = WebhookSecret(Zeroizing::new(vec![7; KEY]));
        let forwarded = webhook_signature(&secret.text(), "e1", 1_614_265_330, b"{}");
        assert_eq!(forwarded, Some(secret.signature("e1", 1_614_265_330, b"{}")));
        let bare = secret.text().replace("whsec_", "");
        assert_eq!(webhook_signature(&bare, "e1", 0, b"{}"), None);
    }
}
