//! The token in the address of an ingress, and the secrets by which its calls are authenticated. Sealed at rest, in no log, audit entry or
//! error.

use sendbox_domain::model::{IngressAuthenticationType as Method, IngressKind, TwilioApiKey};
use sendbox_store::rows::IngressRow;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::standard_webhooks::secret_of;
use crate::vault::{TenantKey, random, random_text};

/// Number of characters of a token.
const TOKEN_LENGTH: usize = 32;

/// The sealed part of an ingress. Has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(crate) struct IngressSecrets {
    pub(crate) token: Zeroizing<String>,
    /// The newest first.
    pub(crate) secrets: Vec<Zeroizing<String>>,
    /// The API key, for Twilio.
    #[serde(default)]
    pub(crate) api_key: Option<TwilioApiKey>,
}

impl IngressSecrets {
    pub(crate) fn seal(&self, key: &TenantKey, id: &str) -> Result<Vec<u8>> {
        let plain = serde_json::to_vec(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(key.seal(&aad(id), &Zeroizing::new(plain))?)
    }

    pub(crate) fn open(key: &TenantKey, row: &IngressRow) -> Result<Self> {
        let plain = key.open(&aad(&row.id), &row.sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Error::Internal("a stored ingress cannot be read".to_owned()))
    }
}

fn aad(id: &str) -> String {
    format!("ingress/{id}")
}

/// A new token: 192 random bits.
pub(crate) fn new_token() -> Result<Zeroizing<String>> {
    Ok(random_text::<24>()?)
}

/// The hash by which a token is found; `None` if the text cannot be a token. A plain hash suffices, because a token is random.
pub(crate) fn token_hash(token: &str) -> Option<Vec<u8>> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (token.len() == TOKEN_LENGTH && token.bytes().all(is_plain)).then(|| Sha256::digest(token.as_bytes()).to_vec())
}

/// A new secret for a method, in the form that the platform's configuration takes.
pub(crate) fn new_secret(kind: IngressKind, method: Method) -> Result<Zeroizing<String>> {
    Ok(match method {
        Method::StandardWebhooks => Zeroizing::new(format!("v1,{}", secret_of(random::<32>()?.as_ref()))),
        // As long as Twilio's.
        Method::Basic if kind == IngressKind::Twilio => Zeroizing::new(hex::encode(random::<16>()?.as_ref())),
        _ => random_text::<32>()?,
    })
}

/// A new SID of an account.
pub(crate) fn new_account_sid() -> Result<String> {
    Ok(format!("AC{}", hex::encode(random::<16>()?.as_ref())))
}

/// A new API key.
pub(crate) fn new_api_key() -> Result<TwilioApiKey> {
    // As long as Twilio's.
    Ok(TwilioApiKey { sid: format!("SK{}", hex::encode(random::<16>()?.as_ref())), secret: random_text::<24>()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standard_webhooks::key_of;

    #[test]
    fn tokens_are_found_by_their_hash() {
        let token = new_token().unwrap();
        assert_eq!(token.len(), TOKEN_LENGTH);
        assert_eq!(token_hash(&token), Some(Sha256::digest(token.as_bytes()).to_vec()));
        for text in ["", "short", "../../../../../../../../../../..", &"x".repeat(33)] {
            assert_eq!(token_hash(text), None, "{text}");
        }
    }

    #[test]
    fn every_method_gets_a_secret_that_it_takes() {
        for kind in IngressKind::ALL {
            for method in kind.facts().methods {
                let secret = new_secret(kind, *method).unwrap();
                assert!(secret.len() >= 32 && secret.bytes().all(|byte| byte.is_ascii_graphic()));
                assert!(*method != Method::StandardWebhooks || key_of(&secret).is_some());
            }
        }
    }
}
