//! Sessions of the console: an API key is exchanged for a cookie that does not contain it.
//!
//! The cookie holds 256 random bits. The store holds their hash, and a proof: a keyed hash of the API key's secret under those
//! bits. So a copy of the database opens no session, and a session ends with its key: when the key is revoked, expires or is
//! rotated, or when the platform key is replaced at a restart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sendbox_domain::model::{Principal, Scope, Session, SignIn};
use sendbox_domain::rules::quota::MAX_SESSIONS_OF_KEY;
use sendbox_store::rows::SessionRow;
use sendbox_store::{keys, sessions};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::access::caller::{Caller, valid_secret};
use crate::error::{Error, Result};
use crate::service::{SESSION_OPENED, Service};
use crate::vault::{constant_time_eq, random_text};

/// Maximum duration of a session, in seconds.
const MAX_SESSION_SECONDS: u64 = 12 * 3600;
/// Maximum time between two requests of a session, in seconds.
pub(crate) const MAX_IDLE_SECONDS: u64 = 3600;
/// How often the last use of a session is stored, in milliseconds.
const SEEN_INTERVAL_MS: u64 = 60_000;

/// The value of the cookie. Never logged, never stored.
pub struct SessionSecret(Zeroizing<String>);

impl SessionSecret {
    /// The value, for the cookie.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A keyed hash of a value under the cookie's secret, for one purpose.
fn keyed_hash(secret: &str, purpose: &str, value: &[u8]) -> Result<Vec<u8>> {
    let keyed = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mut mac = keyed.map_err(|_| Error::Internal("a session cannot be keyed".to_owned()))?;
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(value);
    Ok(mac.finalize().into_bytes().to_vec())
}

/// The token by which a page proves that it can read this server's responses.
fn csrf_token(secret: &str) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(keyed_hash(secret, "csrf", &[])?))
}

fn id_of(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

fn view(caller: &Caller) -> Session {
    let (principal, tenant, key, scopes) = match caller {
        Caller::Platform => {
            (Principal::Platform, None, None, [Scope::Manage, Scope::Send, Scope::Verify, Scope::Read].into())
        }
        Caller::Key { tenant, key, scopes, .. } => {
            (Principal::Tenant, Some(tenant.clone()), Some(key.clone()), scopes.clone())
        }
    };
    Session { principal, tenant, key, scopes, csrf_token: None, expires_at: None }
}

/// The tenant of the key, in whose name its session is stored. Empty for the platform key.
fn tenant_of(caller: &Caller) -> &str {
    match caller {
        Caller::Platform => "",
        Caller::Key { tenant, .. } => tenant,
    }
}

/// Tenant and target of the session's audit entries.
fn target(caller: &Caller) -> (Option<&str>, String) {
    match caller {
        Caller::Platform => (None, "platform".to_owned()),
        Caller::Key { tenant, key, .. } => (Some(tenant), format!("key:{key}")),
    }
}

impl Service {
    /// Opens a session with an API key. The value of the cookie is returned once and cannot be read again.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::TooManyRequests`].
    pub async fn open_session(&self, sign_in: SignIn) -> Result<(SessionSecret, Session)> {
        let key = Zeroizing::new(sign_in.key.into_inner());
        let caller = self.authenticate(key.trim()).await?;
        if let Caller::Key { key, .. } = &caller {
            self.inner.request_limits.count_sign_in(key, self.inner.clock.monotonic())?;
        }
        let secret = SessionSecret(random_text::<32>()?);
        let now = self.now();
        let api_key = match &caller {
            Caller::Platform => None,
            Caller::Key { key, .. } => Some(key.clone()),
        };
        let proof = keyed_hash(secret.expose(), "key", &Sha256::digest(key.trim().as_bytes()))?;
        let row = SessionRow { id: id_of(secret.expose()), api_key, proof, created_at: now, seen_at: now };
        let mut tx = self.store_of(tenant_of(&caller)).begin().await?;
        sessions::delete_ended(
            &mut tx,
            now.minus_millis(MAX_SESSION_SECONDS * 1000),
            now.minus_millis(MAX_IDLE_SECONDS * 1000),
        )
        .await?;
        if let Some(key) = &row.api_key {
            // The key may have been revoked since it was authenticated.
            keys::find(&mut tx, key).await?.ok_or(Error::Unauthenticated)?;
        }
        let others = sessions::of_key(&mut tx, row.api_key.as_deref()).await?;
        for oldest in others.iter().take((others.len() + 1).saturating_sub(MAX_SESSIONS_OF_KEY)) {
            sessions::delete(&mut tx, &oldest.id).await?;
        }
        sessions::insert(&mut tx, &row).await?;
        let (tenant, target) = target(&caller);
        self.record_audit(&mut tx, &caller, tenant, (SESSION_OPENED, target), (None, Some(json!({})))).await?;
        tx.commit().await?;
        let csrf_token = Some(csrf_token(secret.expose())?);
        let expires_at = Some(now.plus_seconds(MAX_SESSION_SECONDS));
        Ok((secret, Session { csrf_token, expires_at, ..view(&caller) }))
    }

    /// Identifies the caller by the value of the cookie, and describes the session.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when there is no such session, or the session or its key has ended.
    pub async fn authenticate_session(&self, secret: &str) -> Result<(Caller, Session)> {
        let now = self.now();
        let mut tx = self.inner.store.begin_lookup().await?;
        let row = sessions::find(&mut tx, &id_of(secret)).await?.ok_or(Error::Unauthenticated)?;
        let ended = row.created_at <= now.minus_millis(MAX_SESSION_SECONDS * 1000)
            || row.seen_at <= now.minus_millis(MAX_IDLE_SECONDS * 1000);
        if ended {
            return Err(Error::Unauthenticated);
        }
        let is_valid = |hash: &[u8]| keyed_hash(secret, "key", hash).map(|proof| constant_time_eq(&proof, &row.proof));
        let caller = match &row.api_key {
            None if is_valid(self.platform_hash())? => Caller::Platform,
            None => return Err(Error::Unauthenticated),
            Some(id) => {
                let key = keys::find(&mut tx, id).await?.ok_or(Error::Unauthenticated)?;
                let secret = valid_secret(&key, now, is_valid)?.ok_or(Error::Unauthenticated)?;
                Caller::of_key(key, secret)
            }
        };
        drop(tx);
        if now.millis_since(row.seen_at) >= SEEN_INTERVAL_MS {
            let mut tx = self.store_of(tenant_of(&caller)).begin().await?;
            sessions::touch(&mut tx, &row.id, now).await?;
            tx.commit().await?;
        }
        let csrf_token = Some(csrf_token(secret)?);
        let expires_at = Some(row.created_at.plus_seconds(MAX_SESSION_SECONDS));
        let view = Session { csrf_token, expires_at, ..view(&caller) };
        Ok((caller, view))
    }

    /// Describes a caller that uses an API key and has no session.
    pub fn describe_caller(&self, caller: &Caller) -> Session {
        view(caller)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Store errors only. Closing a session that has already ended is not an error.
    pub async fn close_session(&self, caller: &Caller, secret: &str) -> Result<()> {
        let mut tx = self.store_of(tenant_of(caller)).begin().await?;
        if sessions::delete(&mut tx, &id_of(secret)).await? {
            let (tenant, target) = target(caller);
            self.record_audit(&mut tx, caller, tenant, ("session.close", target), (Some(json!({})), None)).await?;
        }
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyed_hashes_differ_by_secret_and_purpose() {
        let token = csrf_token("secret").unwrap();
        assert_eq!(token, csrf_token("secret").unwrap());
        assert_ne!(token, csrf_token("other").unwrap());
        assert_ne!(keyed_hash("secret", "key", b"").unwrap(), keyed_hash("secret", "csrf", b"").unwrap());
        assert!(!token.contains("secret"));
    }
}
