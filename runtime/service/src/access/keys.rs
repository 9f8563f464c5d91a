//! API keys of tenants: random, shown once, stored as a hash.

use std::collections::BTreeSet;

use sendbox_domain::field_error::{FieldCode, FieldError, FieldErrors};
use sendbox_domain::model::{IssuedKey, Key, KeyRotation, NewKey, Scope, Timestamp};
use sendbox_domain::rules::policy;
use sendbox_domain::rules::quota::Quota;
use sendbox_store::keys;
use sendbox_store::rows::KeyRow;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::id;
use crate::service::Service;
use crate::vault::random_text;

/// The prefix of every secret, by which scanners for leaked secrets recognize it.
const PREFIX: &str = "sbx_";
/// Maximum grace period of an old secret, in seconds: a week.
const MAX_GRACE_SECONDS: u64 = 7 * 24 * 3600;

/// The id of the key that a secret names. The secret itself is not checked.
pub(crate) fn id_of(secret: &str) -> Option<&str> {
    let (id, rest) = secret.strip_prefix(PREFIX)?.split_once('_')?;
    let plain = id.len() <= 40 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (plain && !id.is_empty() && !rest.is_empty()).then_some(id)
}

/// A new secret for a key, and its hash. A plain hash suffices, because the secret has 256 random bits.
fn issue(id: &str) -> Result<(String, Vec<u8>)> {
    let secret = format!("{PREFIX}{id}_{}", random_text::<32>()?.as_str());
    let hash = Sha256::digest(secret.as_bytes()).to_vec();
    Ok((secret, hash))
}

fn view(row: &KeyRow) -> Key {
    Key {
        id: row.id.clone(),
        name: row.name.clone(),
        scopes: row.scopes.clone(),
        created_at: row.created_at,
        rotated_at: row.rotated_at,
        previous_secret_expires_at: row.old_until,
        expires_at: row.expires_at,
    }
}

fn audit_view(row: &KeyRow) -> Option<Value> {
    Some(json!({ "name": row.name, "scopes": row.scopes, "expiresAt": row.expires_at }))
}

/// A key cannot create or rotate one with more scopes than its own.
fn require_subset(caller: &Caller, wanted: &BTreeSet<Scope>) -> Result<()> {
    let Caller::Key { scopes, .. } = caller else { return Ok(()) };
    let allowed = |scope: &Scope| scopes.contains(scope) || *scope == Scope::Read;
    match wanted.iter().find(|scope| !allowed(scope)) {
        Some(missing) => Err(Error::Forbidden(*missing)),
        None => Ok(()),
    }
}

/// A key cannot create or rotate one that is valid for longer than itself.
fn require_no_longer(caller: &Caller, expires_at: Option<Timestamp>) -> Result<()> {
    let Caller::Key { expires_at: Some(own), .. } = caller else { return Ok(()) };
    if expires_at.is_some_and(|at| at <= *own) {
        return Ok(());
    }
    let message = format!("must be at most {own}, when your own key or secret expires");
    Err(Error::Invalid(FieldErrors(vec![
        FieldError::new("expiresAt", message).coded(FieldCode::Maximum, &[("bound", &own.to_string())]),
    ])))
}

impl Service {
    /// Creates a key. Its secret is returned once and cannot be read again.
    ///
    /// # Errors
    /// [`Error::Invalid`], also when it would expire later than the creating key; [`Error::QuotaReached`]; [`Error::Forbidden`] when it
    /// would have a scope that the creating key does not have.
    pub async fn create_key(&self, caller: &Caller, tenant: &str, new: NewKey) -> Result<IssuedKey> {
        caller.may(tenant, &[Scope::Manage])?;
        let now = self.now();
        let mut errors: Vec<FieldError> = policy::display_name(&new.name).err().into_iter().collect();
        if new.scopes.is_empty() {
            errors.push(
                FieldError::new("scopes", "must name at least one of manage, send, verify, read")
                    .coded(FieldCode::Required, &[]),
            );
        }
        if new.expires_at.is_some_and(|at| at <= now) {
            errors.push(
                FieldError::new("expiresAt", "has passed; give a later time, or none").coded(FieldCode::InPast, &[]),
            );
        }
        FieldErrors::none_or(errors)?;
        require_subset(caller, &new.scopes)?;
        require_no_longer(caller, new.expires_at)?;
        let id = id::new("k")?;
        let (secret, hash) = issue(&id)?;
        let row = KeyRow {
            id,
            tenant: tenant.to_owned(),
            name: new.name,
            scopes: new.scopes,
            hash,
            old_hash: None,
            old_until: None,
            created_at: now,
            rotated_at: None,
            expires_at: new.expires_at,
        };
        let mut tx = self.store_of(tenant).begin().await?;
        self.lock_tenant(&mut tx, tenant).await?;
        if keys::list(&mut tx, tenant).await?.len() as u64 >= Quota::Keys.max() {
            return Err(Error::full(Quota::Keys));
        }
        keys::insert(&mut tx, &row).await?;
        let what = ("key.create", format!("key:{}", row.id));
        self.record_audit(&mut tx, caller, Some(tenant), what, (None, audit_view(&row))).await?;
        tx.commit().await?;
        Ok(IssuedKey { key: view(&row), secret })
    }

    /// All keys of a tenant, without their secrets.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn keys(&self, caller: &Caller, tenant: &str) -> Result<Vec<Key>> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        self.tenant_row(&mut tx, tenant).await?;
        Ok(keys::list(&mut tx, tenant).await?.iter().map(view).collect())
    }

    /// Gives a key a new secret. The old secret stays valid for the requested grace period, so that clients can be switched over.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`], also when the key expires later than the caller's; [`Error::Forbidden`] when the key has
    /// a scope that the caller's key does not have; [`Error::Conflict`] when the caller has an old secret.
    pub async fn rotate_key(
        &self,
        caller: &Caller,
        tenant: &str,
        key: &str,
        rotation: KeyRotation,
    ) -> Result<IssuedKey> {
        caller.may(tenant, &[Scope::Manage])?;
        if rotation.grace_seconds > MAX_GRACE_SECONDS {
            return Err(Error::invalid("/graceSeconds", format!("must be at most {MAX_GRACE_SECONDS}, a week")));
        }
        if matches!(caller, Caller::Key { has_old_secret: true, .. }) {
            // Whoever has a secret that leaked and was replaced must not replace the new one.
            return Err(Error::Conflict("your secret was replaced by a new one; use that to rotate keys".to_owned()));
        }
        let now = self.now();
        let mut tx = self.store_of(tenant).begin().await?;
        self.lock_tenant(&mut tx, tenant).await?;
        let mut row =
            keys::find(&mut tx, key).await?.filter(|row| row.tenant == tenant).ok_or(Error::NotFound("key"))?;
        require_subset(caller, &row.scopes)?;
        require_no_longer(caller, row.expires_at)?;
        let (secret, hash) = issue(&row.id)?;
        let old = std::mem::replace(&mut row.hash, hash);
        let until = (rotation.grace_seconds > 0).then(|| now.plus_seconds(rotation.grace_seconds));
        row.old_hash = until.map(|_| old);
        row.old_until = until;
        let before = json!({ "rotatedAt": row.rotated_at });
        row.rotated_at = Some(now);
        keys::update(&mut tx, &row).await?;
        let after = json!({ "rotatedAt": now, "oldSecretUntil": until });
        let what = ("key.rotate", format!("key:{key}"));
        self.record_audit(&mut tx, caller, Some(tenant), what, (Some(before), Some(after))).await?;
        tx.commit().await?;
        Ok(IssuedKey { key: view(&row), secret })
    }

    /// Revokes a key, with immediate effect.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_key(&self, caller: &Caller, tenant: &str, key: &str) -> Result<()> {
        caller.may(tenant, &[Scope::Manage])?;
        let mut tx = self.store_of(tenant).begin().await?;
        self.lock_tenant(&mut tx, tenant).await?;
        let row = keys::find(&mut tx, key).await?.filter(|row| row.tenant == tenant).ok_or(Error::NotFound("key"))?;
        keys::delete(&mut tx, tenant, key).await?;
        let what = ("key.delete", format!("key:{key}"));
        self.record_audit(&mut tx, caller, Some(tenant), what, (audit_view(&row), None)).await?;
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_names_its_key() {
        let (secret, _) = issue("kabc123").unwrap();
        assert_eq!(id_of(&secret), Some("kabc123"));
        for wrong in ["", "sbx_", "sbx_k1", "sbx_k1_", "sbx__x", "sbx_K1_x", "other_k1_x", "sbx_k'1_x"] {
            assert_eq!(id_of(wrong), None, "{wrong}");
        }
    }
}
