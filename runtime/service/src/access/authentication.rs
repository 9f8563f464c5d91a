//! Authentication with an API key: the platform key, or a key of a tenant. Sessions of the console are in `sessions.rs`.

use sendbox_store::keys;
use sha2::{Digest as _, Sha256};

use crate::access::caller::Caller;
use crate::access::keys::id_of;
use crate::error::{Error, Result};
use crate::service::Service;
use crate::vault;

impl Service {
    /// Identifies the caller by an API key. `bearer` is the value after `Bearer ` in the `Authorization` header.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the key is unknown, expired or revoked; [`Error::StoreUnavailable`].
    pub async fn authenticate(&self, bearer: &str) -> Result<Caller> {
        let given = Sha256::digest(bearer.as_bytes());
        if vault::constant_time_eq(&given, self.platform_hash()) {
            return Ok(Caller::Platform);
        }
        let id = id_of(bearer).ok_or(Error::Unauthenticated)?;
        let mut tx = self.inner.store.begin_lookup().await?;
        let row = keys::find(&mut tx, id).await?.ok_or(Error::Unauthenticated)?;
        let now = self.now();
        let old = row.old_hash.as_deref().filter(|_| row.old_until.is_some_and(|until| now < until));
        let matches =
            vault::constant_time_eq(&given, &row.hash) || old.is_some_and(|old| vault::constant_time_eq(&given, old));
        if !matches || row.expires_at.is_some_and(|end| now >= end) {
            return Err(Error::Unauthenticated);
        }
        Ok(Caller::Key { tenant: row.tenant, key: row.id, scopes: row.scopes })
    }
}
