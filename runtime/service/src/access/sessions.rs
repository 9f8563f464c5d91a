//! Sessions of the console: a key becomes a cookie that does not hold it.
//!
//! The cookie holds 256 random bits; the store holds their hash, and a proof that fits the key's secret only together with
//! those bits. So a copy of the database opens nothing, and a session ends with its key: revoked, expired, given a new secret,
//! or the platform's replaced at a restart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sendbox_domain::model::{Scope, SessionOf, SessionView, SignIn};
use sendbox_store::rows::SessionRow;
use sendbox_store::{keys, sessions};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::service::Service;
use crate::vault::{random, same};

/// How long a session lasts at most, in seconds.
const LONGEST_SESSION: u64 = 12 * 3600;
/// How long a session lasts without a request, in seconds.
const LONGEST_IDLE: u64 = 3600;
/// It is written down so often that a session is used, in milliseconds.
const SEEN_EVERY: u64 = 60_000;
/// Sessions of one key at most; with a further one the oldest ends.
const MOST: usize = 50;

/// The value of the cookie. Never logged, never stored.
pub struct SessionSecret(Zeroizing<String>);

impl SessionSecret {
    /// For the cookie.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A value keyed with the cookie, for one purpose.
fn derived(secret: &str, purpose: &str, value: &[u8]) -> Result<Vec<u8>> {
    let keyed = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mut mac = keyed.map_err(|_| Error::Internal("a session cannot be keyed".to_owned()))?;
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(value);
    Ok(mac.finalize().into_bytes().to_vec())
}

/// The token that shows that a request comes from a page that could read an answer of this server.
fn csrf_token(secret: &str) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(derived(secret, "csrf", &[])?))
}

fn id_of(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

fn view(caller: &Caller) -> SessionView {
    let (principal, tenant, key, scopes) = match caller {
        Caller::Platform => {
            (SessionOf::Platform, None, None, [Scope::Manage, Scope::Send, Scope::Verify, Scope::Read].into())
        }
        Caller::Key { tenant, key, scopes } => {
            (SessionOf::Tenant, Some(tenant.clone()), Some(key.clone()), scopes.clone())
        }
    };
    SessionView { principal, tenant, key, scopes, csrf_token: None, expires_at: None }
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
    /// [`Error::Unauthenticated`].
    pub async fn open_session(&self, sign_in: SignIn) -> Result<(SessionSecret, SessionView)> {
        let key = Zeroizing::new(sign_in.key.into_inner());
        let caller = self.authenticate(key.trim()).await?;
        let secret = SessionSecret(Zeroizing::new(URL_SAFE_NO_PAD.encode(random::<32>()?.as_ref())));
        let now = self.now();
        let api_key = match &caller {
            Caller::Platform => None,
            Caller::Key { key, .. } => Some(key.clone()),
        };
        let proof = derived(secret.expose(), "key", &Sha256::digest(key.trim().as_bytes()))?;
        let row = SessionRow { id: id_of(secret.expose()), api_key, proof, created_at: now, seen_at: now };
        let mut tx = self.inner.store.begin().await?;
        sessions::delete_ended(
            &mut tx,
            now.minus_millis(LONGEST_SESSION * 1000),
            now.minus_millis(LONGEST_IDLE * 1000),
        )
        .await?;
        if let Some(key) = &row.api_key {
            // Revoked in the meantime: then there is nothing to open a session of.
            keys::find(&mut tx, key).await?.ok_or(Error::Unauthenticated)?;
        }
        let others = sessions::of_key(&mut tx, row.api_key.as_deref()).await?;
        for oldest in others.iter().take((others.len() + 1).saturating_sub(MOST)) {
            sessions::delete(&mut tx, &oldest.id).await?;
        }
        sessions::insert(&mut tx, &row).await?;
        let (tenant, target) = target(&caller);
        self.record_audit(&mut tx, &caller, tenant, ("session.open", target), (None, Some(json!({})))).await?;
        tx.commit().await?;
        let csrf_token = Some(csrf_token(secret.expose())?);
        let expires_at = Some(now.plus_seconds(LONGEST_SESSION));
        Ok((secret, SessionView { csrf_token, expires_at, ..view(&caller) }))
    }

    /// Identifies the caller by the value of the cookie, and describes the session.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when there is no such session, it has ended, or its key has.
    pub async fn authenticate_session(&self, secret: &str) -> Result<(Caller, SessionView)> {
        let now = self.now();
        let mut tx = self.inner.store.begin_read().await?;
        let row = sessions::find(&mut tx, &id_of(secret)).await?.ok_or(Error::Unauthenticated)?;
        let ended = row.created_at <= now.minus_millis(LONGEST_SESSION * 1000)
            || row.seen_at <= now.minus_millis(LONGEST_IDLE * 1000);
        if ended {
            return Err(Error::Unauthenticated);
        }
        let fits = |hash: &[u8]| derived(secret, "key", hash).map(|proof| same(&proof, &row.proof));
        let caller = match &row.api_key {
            None if fits(self.platform_hash())? => Caller::Platform,
            None => return Err(Error::Unauthenticated),
            Some(id) => {
                let key = keys::find(&mut tx, id).await?.ok_or(Error::Unauthenticated)?;
                let old = key.old_hash.as_deref().filter(|_| key.old_until.is_some_and(|until| now < until));
                let fits = fits(&key.hash)? || old.map(fits).transpose()?.unwrap_or(false);
                if !fits || key.expires_at.is_some_and(|end| now >= end) {
                    return Err(Error::Unauthenticated);
                }
                Caller::Key { tenant: key.tenant, key: key.id, scopes: key.scopes }
            }
        };
        drop(tx);
        if now.millis_since(row.seen_at) >= SEEN_EVERY {
            let mut tx = self.inner.store.begin().await?;
            sessions::seen(&mut tx, &row.id, now).await?;
            tx.commit().await?;
        }
        let csrf_token = Some(csrf_token(secret)?);
        let expires_at = Some(row.created_at.plus_seconds(LONGEST_SESSION));
        let view = SessionView { csrf_token, expires_at, ..view(&caller) };
        Ok((caller, view))
    }

    /// Describes a caller that uses an API key and has no session.
    pub fn who(&self, caller: &Caller) -> SessionView {
        view(caller)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// None but the store's. One that has ended already is no error.
    pub async fn close_session(&self, caller: &Caller, secret: &str) -> Result<()> {
        let mut tx = self.inner.store.begin().await?;
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
    fn what_is_derived_differs_by_secret_and_purpose() {
        let token = csrf_token("secret").unwrap();
        assert_eq!(token, csrf_token("secret").unwrap());
        assert_ne!(token, csrf_token("other").unwrap());
        assert_ne!(derived("secret", "key", b"").unwrap(), derived("secret", "csrf", b"").unwrap());
        assert!(!token.contains("secret"));
    }
}
